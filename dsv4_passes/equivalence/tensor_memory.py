"""GM as whole tensors of terms: what a run with numbers for its blocks stores can be seen element by element.

A store in a branch on something unknown leaves a `select` in every element it hits. What has no number for
an address, and what may have been changed by something unknown, makes leaves of the whole tensor, named by
all that it held and by what happened.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import cast

import numpy as np
from xdsl.ir import Operation

from dsv4_passes.diagnostics import UserError
from dsv4_passes.interpreter.affine import split
from dsv4_passes.interpreter.domain import Lanes
from dsv4_passes.interpreter.values import NO_CONDITIONS, Box

from .symbolic_memory import Histories, Ids, TermMemory


@dataclass
class TensorHistories(Histories):
    """The tensors of a launch by argument: flat arrays of term ids, with their element types."""

    tensors: dict[int, Ids] = field(default_factory=dict[int, Ids])
    dtypes: dict[int, str] = field(default_factory=dict[int, str])
    resolve: Callable[[Ids], Ids] | None = None
    """Makes terms of elements that are only named so far: negative ids."""
    disturbed: bool = False
    """Something was lost: terms that differ need not mean different values."""

    def terms(self, ids: Ids) -> Ids:
        """The terms of elements."""
        return ids if self.resolve is None else self.resolve(ids)

    def state(self, argument: int) -> int:
        return self.intern("tensor", self.tensors[argument].tobytes()) if argument in self.tensors else 0

    def disturb(self, argument: int, *why: Hashable) -> None:
        if (held := self.tensors.get(argument)) is None:
            return
        self.disturbed = True
        state = self.intern("disturbed", self.state(argument), *why)
        addresses = np.arange(held.size, dtype=np.int64)
        held[:] = self.domain.table.loads("unknown", state, (), addresses, self.dtypes[argument])


class TensorMemory(TermMemory):
    """`GlobalMemory` of one core over whole tensors."""

    histories: TensorHistories

    def place(self, box: Box, op: Operation) -> tuple[Ids, Ids] | None:
        """The tensor and the addresses of a box; None where they have no number."""
        held = self.histories.tensors.get(box.argument)
        if held is None:
            raise UserError(f"{op.name} uses an argument that has no tensor", op.location)
        linear, constant = split(box.base)
        if linear or box.scale or box.extent:
            return None
        where = box.offsets.reshape(-1) + constant
        if where.size and (where.min() < 0 or where.max() >= held.size):
            wrong = int(where.min() if where.min() < 0 else where.max())
            raise UserError(
                f"{op.name} reaches element {wrong} of a tensor that has {held.size}", op.location
            )
        return held, where

    def load(self, box: Box, op: Operation) -> tuple[Lanes, frozenset[str]]:
        self.loads.append((op, box))
        if (found := self.place(box, op)) is None:
            self.histories.disturbed = True
            base = split(box.base)[0], box.scale, box.extent
            state = self.histories.state(box.argument)
            addresses = box.offsets + split(box.base)[1]
            return self.histories.domain.table.loads("part", state, base, addresses, box.dtype), NO_CONDITIONS
        held, where = found
        return self.histories.terms(held[where]).reshape(box.offsets.shape), NO_CONDITIONS

    def store(self, box: Box, lanes: Lanes, op: Operation, conditions: frozenset[str], atomic: str) -> None:
        found, ids = self.place(box, op), lanes.reshape(-1)
        context = cast("tuple[tuple[str, Hashable, Hashable], ...]", self.context)
        loops = any(kind != "if" for kind, _, _ in context)
        if found is None or loops or (atomic and atomic != "add"):
            where = split(box.base), box.scale, box.extent, box.offsets.tobytes()
            self.histories.disturb(box.argument, "store", atomic, where, lanes.tobytes(), self.context)
            return
        held, where = found
        domain = self.histories.domain
        before = self.histories.terms(held[where]) if atomic or context else held[where]
        if atomic:
            if np.unique(where).size != where.size:
                raise UserError(f"{op.name} adds to one element several times", op.location)
            ids = domain.binary("add", before.reshape(1, -1), ids.reshape(1, -1), box.dtype).reshape(-1)
        for _, condition, taken in reversed(context):
            term = domain.table.opaque(("condition", condition), "i1")
            pair = (ids, before) if taken else (before, ids)
            ids = domain.select(np.full(ids.shape, term, np.int64), *pair)
        held[where] = ids
