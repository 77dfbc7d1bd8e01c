"""Training: the recipe as data, the loop, and what the result is worth. Imports torch."""

from featherlight.training.checkpoints import Checkpoints
from featherlight.training.evaluate import correct, evaluate, scores
from featherlight.training.loop import Check, Trained, train_network
from featherlight.training.normalisation import preprocessing_for
from featherlight.training.pace import fastest_threads, images_per_second
from featherlight.training.papers import RECIPES, find_recipe, recipe_for
from featherlight.training.plan import Plan
from featherlight.training.recipe import Recipe

__all__ = [
    "RECIPES",
    "Check",
    "Checkpoints",
    "Plan",
    "Recipe",
    "Trained",
    "correct",
    "evaluate",
    "fastest_threads",
    "find_recipe",
    "images_per_second",
    "preprocessing_for",
    "recipe_for",
    "scores",
    "train_network",
]
