from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from featherlight.data.hold_out import hold_out

CLASSES = st.dictionaries(
    st.text(max_size=3), st.lists(st.text(min_size=1, max_size=4), unique=True, max_size=40), max_size=4
)


@given(CLASSES, st.sampled_from([0.05, 0.15, 0.3]), st.integers(1, 2), st.integers(0, 3))
def test_each_image_lands_in_one_split_and_each_class_in_its_share(
    classes: dict[str, list[str]], share: float, parts: int, seed: int
) -> None:
    splits = hold_out(classes, share, parts, seed)
    assert len(splits) == parts + 1
    for label, names in classes.items():
        pieces = [split[label] for split in splits]
        assert sorted(name for piece in pieces for name in piece) == sorted(names)
        assert all(piece == [name for name in names if name in piece] for piece in pieces)  # the order is kept
        *held, kept = (len(piece) for piece in pieces)
        assert len(set(held)) == 1
        assert (held[0] > 0) == (len(names) > parts)
        assert kept > 0 or not names
        assert held[0] <= max(1, round(share * len(names)))


def test_another_seed_chooses_others() -> None:
    classes = {"cat": [str(number) for number in range(100)]}
    assert hold_out(classes, 0.15, 1, seed=0) != hold_out(classes, 0.15, 1, seed=1)
