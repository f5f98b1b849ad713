"""Selections of lanes in words, and what a given array selects."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ORDINALS = {2: "second", 3: "third", 4: "fourth", 8: "eighth", 16: "sixteenth"}


def picked(places: Sequence[int], of: int) -> str:
    """`picks lanes 0-31 of 64: a half split, not even/odd`, for the lane that each lane is taken from."""
    count = len(places)
    steps = {b - a for a, b in pairwise(places)}
    if steps == {1}:
        text = f"picks lanes {places[0]}-{places[-1]} of {of}"
        return f"{text}: a half split, not even/odd" if of == 2 * count else text
    if len(steps) == 1 and (step := next(iter(steps))) > 1:
        return f"picks every {_ORDINALS.get(step, f'{step}th')} lane of {of} from lane {places[0]} on"
    half = of // 2
    if count == of and list(places) == [*range(half, of), *range(half)]:
        return f"exchanges lanes 0-{half - 1} and {half}-{of - 1}: halves, not pairs"
    shown = ", ".join(map(str, places[:4]))
    return f"picks lanes {shown}{' …' if count > 4 else ''} of {of}"


def selection(matrix: NDArray[Any]) -> tuple[list[int], NDArray[Any]] | None:
    """For `x @ matrix`, the lane that each column takes and the number it is multiplied by; None where a
    column has not exactly one entry that is not 0.
    """
    if matrix.ndim != 2 or not ((matrix != 0).sum(axis=0) == 1).all():
        return None
    places = (matrix != 0).argmax(axis=0)
    return places.tolist(), matrix[places, np.arange(matrix.shape[1])]


def given_text(array: NDArray[Any]) -> str | None:
    """What an array is that might have been meant as a selector, `picks lanes … of …`; None if it is not of
    the kind: no matrix that selects.
    """
    for matrix, verb in ((array, ""), (array.T, "puts back what it ")):
        if (found := selection(matrix)) is not None:
            places, factors = found
            text = f"{verb}{picked(places, len(matrix))}"
            if (factors == 1).all():
                return text
            numbers = ", ".join(f"{n:g}" for n in np.unique(factors)[:4])
            return f"{text}, times {numbers}"
    return None
