"""Runs of elements against sets of them."""

import numpy as np
import pytest

from dsv4_passes.transforms.fusion.gm_footprint import Footprint, Runs, joined, runs_of, within


def elements(runs: Runs) -> set[int]:
    return {n for first, end in runs.tolist() for n in range(first, end)}


def some(rng: np.random.Generator, size: int = 40) -> set[int]:
    """A few pieces, some of them touching or empty."""
    starts = rng.integers(0, size, rng.integers(0, 4)).tolist()
    return {n for start in starts for n in range(start, start + int(rng.integers(0, 6)))}


def runs(numbers: set[int]) -> Runs:
    return runs_of(np.array(sorted(numbers, key=hash), np.int64))


@pytest.mark.parametrize("seed", range(60))
def test_runs_are_sets(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b, c = some(rng), some(rng), some(rng)
    assert elements(runs(a)) == a
    assert elements(joined([runs(a), runs(b), runs(c)])) == a | b | c
    assert within(runs(a), runs(b)) == (a <= b)
    assert within(runs(a & b), runs(b))
    gaps = joined([runs(a), runs(b)])
    assert (gaps[1:, 0] > gaps[:-1, 1]).all()  # a gap between any two


@pytest.mark.parametrize("seed", range(120))
def test_blocks_meet_where_their_sets_do(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 5))
    apart = bool(rng.integers(0, 2))

    def blocks() -> list[set[int]]:
        shift = 44 if apart else int(rng.integers(0, 44))
        return [{n + k * shift for n in some(rng)} for k in range(count)]

    mine, other = blocks(), blocks()
    expected = any(mine[i] & other[j] for i in range(count) for j in range(count) if i != j)
    both = Footprint([runs(s) for s in mine]), Footprint([runs(s) for s in other])
    assert both[0].meets_other_blocks(both[1]) == expected
    assert both[1].meets_other_blocks(both[0]) == expected


def test_what_is_not_known_may_meet() -> None:
    known = Footprint([runs({1})])
    assert known.meets_other_blocks(Footprint(None))
    assert (known + Footprint(None)).blocks is None


def test_millions_of_elements_are_a_few_runs() -> None:
    """8192 rows of 4096 columns in 64 blocks: 33 million elements, and one run a row."""
    rows = np.arange(128)[:, None] * 8192 + np.arange(2048)
    tile = runs_of(rows)
    left = Footprint([tile + block * 128 * 8192 for block in range(64)])
    right = Footprint([tile + block * 128 * 8192 + 2048 for block in range(64)])
    assert not left.meets_other_blocks(right)
    assert not left.meets_other_blocks(left)
    assert [len(r) for r in (left + right).blocks or ()] == [128] * 64
