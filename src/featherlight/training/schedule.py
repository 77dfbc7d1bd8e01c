"""The learning rate of each step, and the momentum beside it: pure functions of the recipe."""

from __future__ import annotations

import math

from featherlight.training.recipe import Recipe

# How far one cycle lowers the momentum while the learning rate is at its peak (Smith and Topin 2018, section 4).
MOMENTUM_DIP = 0.1


def learning_rate(recipe: Recipe, step: int, steps: int, per_epoch: int) -> float:
    """The learning rate of one step (0 to steps - 1), of which an epoch has `per_epoch`; above zero to the end."""
    warm_up = recipe.warm_up * steps
    at = step + 0.5
    if at < warm_up:
        return recipe.learning_rate * at / warm_up
    if recipe.schedule == "staircase":
        stairs = (step - warm_up) // (recipe.decay_epochs * per_epoch)
        return recipe.learning_rate * math.pow(recipe.decay, stairs)
    past = (at - warm_up) / (steps - warm_up)
    if recipe.schedule == "linear":
        return recipe.learning_rate * (1 - past)
    return recipe.learning_rate * (1 + math.cos(math.pi * past)) / 2


def momentum(recipe: Recipe, step: int, steps: int, per_epoch: int) -> float:
    """The momentum of one step: the recipe's, or with "one-cycle" lower by as much as the learning rate is high."""
    if recipe.schedule != "one-cycle":
        return recipe.momentum
    high = learning_rate(recipe, step, steps, per_epoch) / recipe.learning_rate
    return max(0.0, recipe.momentum - MOMENTUM_DIP * high)
