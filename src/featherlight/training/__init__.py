"""Training: the recipe as data, the loop, and what the result is worth. Imports torch."""

from featherlight.training.evaluate import correct, evaluate, scores
from featherlight.training.loop import Check, Trained, train
from featherlight.training.pace import fastest_threads, images_per_second
from featherlight.training.recipe import Recipe, recipe_for

__all__ = [
    "Check",
    "Recipe",
    "Trained",
    "correct",
    "evaluate",
    "fastest_threads",
    "images_per_second",
    "recipe_for",
    "scores",
    "train",
]
