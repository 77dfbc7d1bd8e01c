from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from featherlight.explain import against_paper
from featherlight.timing import Measurement, Target, this_machine

TARGET = Target("none", "0", 1, "f32", 1, this_machine())


def time(median: float, spread: float = 0.001, runs: int = 100) -> Measurement:
    return Measurement(TARGET, median, median * (1 - spread / 2), median * (1 + spread / 2), runs, False)


PAPER = {"a": 40.0, "b": 30.0, "c": 20.0}


def test_the_same_order_agrees() -> None:
    order = against_paper(PAPER, {"a": time(1), "b": time(2), "c": time(3)})
    assert (order.verdict, str(order)) == ("agrees", "agrees")
    assert order.same == (("a", "b"), ("a", "c"), ("b", "c"))


def test_a_pair_the_other_way_round_disagrees_and_is_named() -> None:
    order = against_paper(PAPER, {"a": time(1), "b": time(3), "c": time(2)})
    assert order.reverse == (("b", "c"),)
    assert str(order) == "disagrees: c is quicker than b"


def test_near_medians_are_a_tie() -> None:
    order = against_paper(PAPER, {"a": time(1), "b": time(2), "c": time(2.05)})
    assert order.tie == (("b", "c"),)
    assert str(order) == "agrees in part: 1 of 3 pairs is a tie"


def test_noise_makes_a_tie_until_there_are_enough_samples() -> None:
    def noisy(runs: int) -> str:
        return against_paper(
            PAPER, {name: time(m, 1.0, runs) for name, m in zip("abc", (1, 1.2, 1.44), strict=True)}
        ).verdict

    assert noisy(2) == "cannot tell"
    assert noisy(1000) == "agrees"


def test_what_the_paper_does_not_tell_apart_is_not_asked_for() -> None:
    order = against_paper({"a": 38.6, "b": 38.4}, {"a": time(2), "b": time(1)})
    assert (order.same, order.reverse, order.tie, order.verdict) == ((), (), (), "agrees")


@given(st.lists(st.floats(1e-4, 1e-1), min_size=2, max_size=5))
def test_every_order_agrees_with_itself_and_never_with_its_reverse(medians: list[float]) -> None:
    here = {str(at): time(median) for at, median in enumerate(medians)}
    itself = against_paper({name: 1 / each.median for name, each in here.items()}, here)
    turned = against_paper({name: each.median for name, each in here.items()}, here)
    assert itself.reverse == turned.same == ()
    assert {tuple(sorted(pair)) for pair in itself.same} == {tuple(sorted(pair)) for pair in turned.reverse}
