"""Results of operations on whole tiles of terms, kept for the next run of the same function.

Proving a rewrite runs a function again and again with little changed: nearly every operation meets the very
ids it met before.
"""

from collections.abc import Callable, Hashable
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar, cast

import numpy as np

from .terms import Ids

LIMIT = 64 << 20
"""Bytes of keys and results that are kept in one domain; what comes later is computed each time."""

P = ParamSpec("P")


class Results:
    """Memoised results by their arguments, with the side conditions that they depend on."""

    def __init__(self) -> None:
        self.found: dict[Hashable, tuple[Ids, frozenset[str]]] = {}
        self.bytes = 0

    def add(self, key: Hashable, operand_bytes: int, ids: Ids, conditions: frozenset[str]) -> None:
        size = operand_bytes + ids.nbytes
        if self.bytes + size <= LIMIT:
            self.bytes += size
            self.found[key] = ids.copy(), conditions


class Memoising(Protocol):
    """A domain whose operations depend on nothing but their arguments."""

    _results: Results
    _conditions: set[str]


D = TypeVar("D", bound=Memoising)


def memoised(method: Callable[Concatenate[D, P], Ids]) -> Callable[Concatenate[D, P], Ids]:
    """Compute a result once for each tuple of arguments; arrays are keyed by content, not identity."""

    @wraps(method)
    def look_up(self: D, *args: P.args, **kwargs: P.kwargs) -> Ids:
        results, conditions = self._results, self._conditions  # pyright: ignore[reportPrivateUsage]
        size = 0
        parts: list[Hashable] = [method.__name__, *kwargs.items()]
        for argument in args:
            if isinstance(argument, np.ndarray):
                ids = cast(Ids, argument)
                size += ids.nbytes
                parts.append((ids.shape, ids.tobytes()))
            else:
                parts.append(argument)
        key = tuple(parts)
        if (found := results.found.get(key)) is not None:
            conditions |= found[1]
            return found[0].copy()
        before = set(conditions)
        conditions.clear()
        made = method(self, *args, **kwargs)
        results.add(key, size, made, frozenset(conditions))
        conditions |= before
        return made

    return look_up
