"""What a matrix does to the lanes of rows that are multiplied with it, in words.

For arrays that were given and are no fact: `picks lanes 0-31 of 64: a half split, not even/odd`.
"""

import numpy as np

from dsv4_passes.equivalence.facts import HALVES, SQUARES, TABLES, make_fact
from dsv4_passes.npz import Array

DENSE = "is not one-hot"
"""How the description of a matrix starts that is none of those that select, but just some matrix."""


def describe(values: Array) -> str:
    """What an array that is neither selector nor table is, as a predicate: `repeats each lane`."""
    if np.issubdtype(values.dtype, np.integer) and not np.isin(values, (-1, 0, 1)).all():
        first = " ".join(map(str, values.reshape(-1)[:4].tolist()))
        return f"holds {first}{' …' if values.size > 4 else ''}: none of the tables {', '.join(TABLES)}"
    if values.ndim != 2 or min(values.shape) < 2:
        return f"is not a select matrix: it has shape {_shape(values.shape)}"
    numbers = values.astype(np.float64)
    if not np.isfinite(numbers).all():
        return "is not a select matrix: it holds Inf or NaN"
    if (near := _nearly_selector(numbers)) is not None:
        return near
    used = numbers != 0
    if (counts := used.sum(axis=0)).max() <= 1 and (counts == 1).all():
        return _picks(used.argmax(axis=0), numbers.sum(axis=0), values.shape[0])
    if (counts := used.sum(axis=1)).max() <= 1 and (counts == 1).all():
        return _puts(used.argmax(axis=1), numbers.sum(axis=1), values.shape[1])
    return f"{DENSE}: {_offender(used)}"


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def _nearly_selector(values: Array) -> str | None:
    """The first element that keeps a matrix from being the selector that it is in most places."""
    rows, cols = values.shape
    if rows == cols and rows % 2 == 0:
        words = SQUARES
    elif rows == 2 * cols or cols == 2 * rows:
        words = HALVES
    else:
        return None
    for word in words:
        fact = make_fact("selector", word, (rows, cols))
        wrong = (values != fact.matrix) | np.signbit(values)
        few = max(1, min(rows, cols) // (8 if words is SQUARES else 2))
        if 0 < wrong.sum() <= few:
            index = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
            found, expected = values[index], fact.matrix[index]
            return f"is not the {word} selector: [{index[0]}, {index[1]}] is {found:g}, not {expected:g}"
        if (values == fact.matrix).all():
            index = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
            return f"is the {word} selector but for the sign of its zeros: [{index[0]}, {index[1]}] is -0"
    return None


def _picks(lanes: Array, factors: Array, of: int) -> str:
    """Column j of the result is lane `lanes[j]` times `factors[j]`."""
    return f"{_moves(lanes, of)}{_signs(factors)}{_judged(lanes, of)}"


def _puts(lanes: Array, factors: Array, of: int) -> str:
    """Lane i goes to lane `lanes[i]` of the result, times `factors[i]`."""
    if len(lanes) == of or len(set(lanes.tolist())) < len(lanes):
        return f"adds lanes up: {len(lanes)} lanes go to {len(set(lanes.tolist()))} of {of}{_signs(factors)}"
    places = _moves(lanes, of).replace("picks lanes", "at").replace("picks", "at")
    return f"puts its lanes {places}{_signs(factors)}{_judged(lanes, of)}"


def _moves(lanes: Array, of: int) -> str:
    count = len(lanes)
    numbers = np.arange(count)
    if count == of and (lanes == numbers).all():
        return "leaves lanes where they are"
    if count == of and count % 2 == 0 and (lanes == numbers ^ 1).all():
        return "swaps the lanes of each pair"
    if count == 2 * of and (lanes == numbers // 2).all():
        return "repeats each lane"
    if count == of and (lanes == (numbers + of // 2) % of).all():
        return "swaps the halves"
    steps = np.unique(np.diff(lanes))
    if len(steps) == 1 and (step := int(steps[0])) != 0:
        if step == 1:
            return f"picks lanes {lanes[0]}-{lanes[-1]} of {of}"
        return (
            f"picks every {_ordinal(step)} lane from {lanes[0]} on, of {of}"
            if step > 0
            else (f"picks lanes {lanes[0]} down to {lanes[-1]} of {of}")
        )
    return f"picks lanes {', '.join(map(str, lanes[:4]))}{', …' if count > 4 else ''} of {of}"


def _ordinal(number: int) -> str:
    words = {2: "second", 3: "third", 4: "fourth", 8: "eighth"}
    return words.get(number, f"{number}th")


def _signs(factors: Array) -> str:
    if (factors == 1).all():
        return ""
    if not (np.abs(factors) == 1).all():
        at = int(np.argmax(factors != 1))
        return f" and scales them (lane {at} by {factors[at]:g})"
    if (factors == -1).all():
        return " and negates them"
    for first, word in ((-1, "even"), (1, "odd")):
        if (factors[0::2] == first).all() and (factors[1::2] == -first).all():
            return f" and negates the {word} ones"
    half = len(factors) // 2
    for first, word in ((-1, "first"), (1, "second")):
        if (factors[:half] == first).all() and (factors[half:] == -first).all():
            return f" and negates the {word} half"
    return f" and negates {int((factors == -1).sum())} of them"


def _judged(lanes: Array, of: int) -> str:
    """A description of a matrix that is not a selector of even or odd lanes."""
    halves = [np.array_equal(lanes, np.arange(of // 2) + start) for start in (0, of // 2)]
    return ": a half split, not even/odd" if 2 * len(lanes) == of and any(halves) else ", not even/odd"


def _offender(used: Array) -> str:
    """Where a matrix has no number or several."""
    column = int(np.argmax(used.sum(axis=0) != 1))
    count = int(used[:, column].sum())
    return f"column {column} holds {count or 'no'} number{'s' if count != 1 else ''} other than 0"
