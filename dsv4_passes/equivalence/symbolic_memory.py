"""GM in the domain of terms: what a load yields, after the stores that came before it.

A loaded lane is the term that the last store put there, if that store is certain to have run and wrote that
very element; else a leaf that names the argument, the state of its memory and the element's address.
The state is named by its whole history, so that leaves of two runs are equal only where the stores before
them are. Distinct pointer arguments do not alias.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import Operation

from dsv4_passes.equivalence.terms import Ids
from dsv4_passes.interpreter import numerics
from dsv4_passes.interpreter.affine import Number, Symbol, split
from dsv4_passes.interpreter.domain import Lanes
from dsv4_passes.interpreter.values import NO_CONDITIONS, Box

from .term_domain import TermDomain

Linear: TypeAlias = tuple[tuple[Symbol, int], ...]
Context: TypeAlias = tuple[Hashable, ...]
"""The symbolic loops and undecided branches around an operation, outermost first."""

INITIAL = 0
"""The initial state of an argument."""


class KnownArgument(Protocol):
    """What is known of an argument: the numbers of the whole tensor, in the shape of its row-major view."""

    @property
    def matrix(self) -> NDArray[Any]: ...


class Interner:
    """Small numbers for keys: equal numbers mean equal keys."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}
        self.bytes = 0
        """Of the lanes that keys hold."""

    def __call__(self, *key: Hashable) -> int:
        if (known := self._numbers.get(key)) is not None:
            return known
        self.bytes += _lanes_in(key)
        self._numbers[key] = number = len(self._numbers) + 1
        return number


def _lanes_in(key: Hashable) -> int:
    """The bytes of all lanes in a key."""
    if isinstance(key, bytes):
        return len(key)
    return sum(map(_lanes_in, cast("tuple[Hashable, ...]", key))) if isinstance(key, tuple) else 0


class Write(NamedTuple):
    """One entry of an argument's history; `offsets` is None where anything may have been written."""

    linear: Linear
    scale: tuple[Number, ...]
    offsets: NDArray[np.int64] | None
    """Sorted addresses relative to `linear`."""
    ids: Ids
    context: Context
    conditions: frozenset[str]
    state: int
    """The state of the argument after it."""
    part: Hashable = None
    """Of a store whose valid extent has no number: the extent, and where all lanes would go."""


@dataclass
class Histories:
    """The writes to every argument, shared by the cores of a mixed kernel."""

    domain: TermDomain
    intern: Interner
    facts: Mapping[int, KnownArgument] = field(default_factory=dict[int, KnownArgument])
    writes: dict[int, list[Write]] = field(default_factory=dict[int, list[Write]])

    def state(self, argument: int) -> int:
        writes = self.writes.get(argument)
        return writes[-1].state if writes else INITIAL

    def disturb(self, argument: int, *why: Hashable) -> None:
        """Clobber: a symbolic loop or an unknown operation may have written anything."""
        state = self.intern("disturbed", self.state(argument), *why)
        empty = np.zeros(0, np.int64)
        entry = Write((), (), None, empty, (), NO_CONDITIONS, state)
        self.writes.setdefault(argument, []).append(entry)


class TermMemory:
    """`GlobalMemory` of one core; `context` is where that core is, `loads` what it has read."""

    def __init__(self, histories: Histories, loads: list[tuple[Operation, Box]] | None = None):
        self.histories = histories
        self.loads: list[tuple[Operation, Box]] = [] if loads is None else loads
        self.context: Context = ()

    def load(self, box: Box, op: Operation) -> tuple[Lanes, frozenset[str]]:
        self.loads.append((op, box))
        histories = self.histories
        linear, constant = split(box.base)
        addresses = box.offsets.reshape(-1) + constant
        ids = np.full(addresses.shape, -1, np.int64)
        conditions = NO_CONDITIONS
        state = INITIAL
        for write in reversed(histories.writes.get(box.argument, ())):
            open_ = ids < 0
            if not open_.any():
                break
            hit = self._hit(write, linear, box.scale, addresses)
            if hit is None or (hit[open_].any() and not self._certain(write, _part(box, addresses))):
                state = write.state
                break
            hit &= open_
            if hit.any():
                assert write.offsets is not None
                ids[hit] = write.ids[np.searchsorted(write.offsets, addresses[hit])]
                conditions |= write.conditions
        rest = ids < 0
        if rest.any():
            ids[rest] = self._leaves(box, linear, state, addresses[rest])
        return ids.reshape(box.offsets.shape), conditions

    def _certain(self, write: Write, part: Hashable) -> bool:
        """The write has been executed, and its elements hold its values."""
        return write.context == self.context[: len(write.context)] and write.part in (None, part)

    def _hit(
        self, write: Write, linear: Linear, scale: tuple[Number, ...], addresses: NDArray[np.int64]
    ) -> NDArray[np.bool_] | None:
        """Which addresses a write has written; None where that is not known."""
        if write.offsets is None or write.linear != linear or write.scale != scale:
            return None
        at = np.searchsorted(write.offsets, addresses)
        return write.offsets[np.minimum(at, len(write.offsets) - 1)] == addresses

    def _leaves(self, box: Box, linear: Linear, state: int, addresses: NDArray[np.int64]) -> Ids:
        histories = self.histories
        fact = histories.facts.get(box.argument)
        if fact is not None and state == INITIAL and not linear and not box.scale:
            numbers = np.asarray(fact.matrix).reshape(-1)
            if addresses.min() >= 0 and addresses.max() < numbers.size:
                lanes = numbers[addresses].astype(numerics.numpy_dtype(box.dtype))
                return histories.domain.from_numbers(lanes, box.dtype)
        base = (linear, box.scale) if box.scale else linear
        return histories.domain.table.loads(box.argument, state, base, addresses, box.dtype)

    def store(self, box: Box, lanes: Lanes, op: Operation, conditions: frozenset[str], atomic: str) -> None:
        histories = self.histories
        linear, constant = split(box.base)
        addresses = box.offsets.reshape(-1) + constant
        part = _part(box, addresses)
        if atomic:
            where = linear, box.scale, addresses.tobytes(), part, self.context
            histories.disturb(box.argument, "atomic", atomic, where, lanes.tobytes())
            return
        offsets, ids = last_of_each(addresses, lanes.reshape(-1))
        history = histories.writes.setdefault(box.argument, [])
        before = histories.state(box.argument)
        key = linear, box.scale, offsets.tobytes(), ids.tobytes(), self.context, part
        state = histories.intern("written", before, *key)
        history.append(Write(linear, box.scale, offsets, ids, self.context, conditions, state, part))


def _part(box: Box, addresses: NDArray[np.int64]) -> Hashable:
    """What says which elements of a box of unknown extent are moved; None where all of them are."""
    return (box.extent, box.offsets.shape, addresses.tobytes()) if box.extent else None


def last_of_each(addresses: NDArray[np.int64], ids: Ids) -> tuple[NDArray[np.int64], Ids]:
    """Sorted unique addresses with the value last written to each."""
    backwards = slice(None, None, -1)
    unique, first = np.unique(addresses[backwards], return_index=True)
    return unique, ids[backwards][first]
