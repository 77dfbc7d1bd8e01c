from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from featherlight.training import Recipe
from featherlight.training.loss import class_weights, loss

SCORES = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([0, 1, 2, 3, 0, 1])
PLAIN = Recipe(label_smoothing=0.0)


def test_shares_of_one_class_are_that_class() -> None:
    assert loss(SCORES, F.one_hot(LABELS, 4).float(), PLAIN) == pytest.approx(loss(SCORES, LABELS, PLAIN).item())


def test_a_teacher_that_agrees_adds_nothing_and_one_that_does_not_pulls() -> None:
    recipe = Recipe(distil=1.0, temperature=3.0)
    assert loss(SCORES, LABELS, recipe, taught=SCORES).item() == pytest.approx(0, abs=1e-6)
    scores = SCORES.clone().requires_grad_()
    teacher = torch.full_like(SCORES, -5.0)
    teacher[:, 2] = 5.0
    loss(scores, LABELS, recipe, taught=teacher).backward()  # type: ignore[no-untyped-call]
    assert scores.grad is not None
    assert (scores.grad[:, 2] < 0).all()
    assert (scores.grad[:, [0, 1, 3]] > 0).all()


def test_the_share_of_the_teacher_is_the_recipes() -> None:
    teacher = SCORES.flip(1)
    alone, whole, half = (
        loss(SCORES, LABELS, Recipe(label_smoothing=0.0, distil=share), taught=teacher).item() for share in (0, 1, 0.5)
    )
    assert half == pytest.approx((alone + whole) / 2)


def test_with_class_weights_every_class_counts_the_same() -> None:
    labels = np.array([0] * 90 + [1] * 9 + [2])
    weights = class_weights(labels, 4)
    totals = [weights[label].item() * (labels == label).sum() for label in range(3)]
    assert totals == pytest.approx([100 / 3] * 3)
    assert weights[3] == 0  # a class without images
