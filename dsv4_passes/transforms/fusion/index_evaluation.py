"""The integers of a kernel as numbers, for all its blocks and all trips of its loops at once.

An integer inside two loops is an array [blocks, trips of the outer loop, trips of the inner loop]; axes along
which it does not change have size 1. What depends on data, on symbolic extents or on values that a loop
carries has no number. Addresses of GM accesses follow: they say which block and trip touches which element.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects import func, scf
from xdsl.dialects.builtin import IntegerAttr
from xdsl.ir import Block, Operation, SSAValue
from xdsl.traits import is_side_effect_free

from dialects.pto.memory import (
    LoadScalarOp,
    MakeTensorViewOp,
    PartitionViewOp,
    StoreScalarOp,
    TLoadOp,
    TStoreOp,
)
from dialects.pto.pointers import AddPtrOp
from dialects.pto.types import PartitionTensorViewType, PtrType, TensorViewType
from dsv4_passes.interpreter import integers
from dsv4_passes.interpreter.machine import SPMD_PARAMETERS

Numbers = NDArray[np.int64]
MAX_ELEMENTS = 1 << 24
"""More addresses than this are not computed (128 MB each time)."""
MAX_NUMBERS = 1 << 22
"""A loop with more trips than this, in all blocks and trips around it together, is not looked into."""


_READ_UNSIGNED = integers.READ_UNSIGNED | {"arith.index_castui"}
_BINARY: Mapping[str, Callable[[Any, Any], Any]] = {
    **integers.BINARY,
    "arith.minsi": np.minimum,
    "arith.minui": np.minimum,
    "arith.maxsi": np.maximum,
    "arith.maxui": np.maximum,
}


class ViewNumbers(NamedTuple):
    """A pointer or view: its argument, where it begins, and its steps; None for what has no number."""

    argument: int
    base: Numbers | None
    strides: tuple[Numbers | None, ...] = ()


@dataclass(frozen=True, eq=False)
class Access:
    """One operation that reads or writes GM. `path` are the loops and branches around it, outermost first.

    It touches `base + offsets` for every block and trip in which it is `active`; `base` is None where that
    is not known.
    """

    op: Operation
    argument: int
    stores: bool
    path: tuple[Operation, ...]
    base: Numbers | None
    offsets: Numbers
    active: NDArray[np.bool_] | None = None

    @property
    def loops(self) -> tuple[scf.ForOp, ...]:
        return tuple(op for op in self.path if isinstance(op, scf.ForOp))


class OwnedAddresses(NamedTuple):
    """Flat element addresses, each with the number of the task that accesses it."""

    addresses: Numbers
    owners: Numbers


@dataclass
class IndexEvaluation:
    """A kernel run on its integers alone."""

    function: func.FuncOp
    blocks: int
    values: dict[SSAValue, Numbers] = field(default_factory=dict[SSAValue, Numbers])
    accesses: list[Access] = field(default_factory=list[Access])
    trips: dict[scf.ForOp, int] = field(default_factory=dict[scf.ForOp, int])
    """How often a loop runs, where that is the same in every block and trip around it."""
    unknown: list[Operation] = field(default_factory=list[Operation])
    """Operations with effects that are not accesses."""

    def __post_init__(self) -> None:
        self._views: dict[SSAValue, ViewNumbers] = {}
        for index, argument in enumerate(self.function.body.block.args):
            if isinstance(argument.type, PtrType):
                self._views[argument] = ViewNumbers(index, np.zeros(1, np.int64))
            elif (number := self._core_number(SPMD_PARAMETERS.get(argument.name_hint or ""))) is not None:
                self.values[argument] = number
        self._walk(self.function.body.block, (), None)

    # -- what others ask -------------------------------------------------------------------------

    def at(self, value: SSAValue, depth: int) -> Numbers | None:
        """An integer with one axis for the blocks and one for each of `depth` loops."""
        return None if (array := self.values.get(value)) is None else _deepen(array, depth)

    def touched(self, access: Access, owners: Numbers) -> OwnedAddresses | None:
        """The elements of an access; `owners` [blocks, trips …] has the axes of some loops around it."""
        depth = len(access.loops)
        if access.base is None or depth + 1 < owners.ndim:
            return None
        shape = (self.blocks, *(self.trips.get(loop, 0) for loop in access.loops))
        if 0 in shape or int(np.prod(shape)) * len(access.offsets) > MAX_ELEMENTS:
            return None
        base = np.broadcast_to(_deepen(access.base, depth), shape)
        number = np.broadcast_to(_deepen(owners, depth), shape)
        if access.active is not None:
            active = np.broadcast_to(_deepen(access.active, depth), shape)
            base, number = base[active], number[active]
        addresses = base.reshape(-1, 1) + access.offsets
        return OwnedAddresses(addresses.reshape(-1), np.repeat(number.reshape(-1), len(access.offsets)))

    # -- running ---------------------------------------------------------------------------------

    def _core_number(self, what: str | None) -> Numbers | None:
        if what == "block_idx":
            return np.arange(self.blocks, dtype=np.int64)
        return np.array([self.blocks], np.int64) if what == "block_num" else None

    def _walk(self, block: Block, path: tuple[Operation, ...], active: NDArray[np.bool_] | None) -> None:
        depth = sum(isinstance(op, scf.ForOp) for op in path)
        for op in block.ops:
            if isinstance(op, scf.ForOp):
                self._loop(op, path, active, depth)
            elif isinstance(op, scf.IfOp):
                self._branch(op, path, active, depth)
            elif op.regions:
                self.unknown.append(op)
            elif op.name.startswith("arith."):
                if (number := self._arith(op, depth)) is not None:
                    self.values[op.results[0]] = number
            elif op.name in ("pto.get_block_idx", "pto.get_block_num"):
                number = self._core_number(op.name.removeprefix("pto.get_"))
                assert number is not None
                self.values[op.results[0]] = number
            elif not self._view(op, depth):
                self._access(op, path, active)

    def _loop(
        self, op: scf.ForOp, path: tuple[Operation, ...], active: NDArray[np.bool_] | None, depth: int
    ) -> None:
        low, high, step = (self.at(v, depth) for v in (op.lb, op.ub, op.step))
        if low is not None and high is not None and step is not None and (step > 0).all():
            counts = np.unique(-(-(high - low) // step))
            if len(counts) == 1 and 0 < counts[0] <= MAX_NUMBERS // max(low.size, step.size):
                self.trips[op] = int(counts[0])
                trip = np.arange(counts[0], dtype=np.int64)
                self.values[op.body.block.args[0]] = low[..., None] + step[..., None] * trip
        self._walk(op.body.block, (*path, op), active)

    def _branch(
        self, op: scf.IfOp, path: tuple[Operation, ...], active: NDArray[np.bool_] | None, depth: int
    ) -> None:
        condition = self.at(op.cond, depth)
        before = len(self.accesses)
        for region, taken in ((op.true_region, 1), (op.false_region, 0)):
            here = active
            if condition is not None:
                here = condition == taken if active is None else _deepen(active, depth) & (condition == taken)
            if region.blocks:
                self._walk(region.block, (*path, op), here)
        if condition is None:  # it may or may not happen
            for i, access in enumerate(self.accesses[before:], before):
                self.accesses[i] = Access(
                    access.op, access.argument, access.stores, access.path, None, access.offsets
                )

    def _arith(self, op: Operation, depth: int) -> Numbers | None:
        """What an operation of `arith` gives; None where it is not known or not an integer."""
        if op.name == "arith.constant":
            value = op.properties["value"]
            if not isinstance(value, IntegerAttr):
                return None
            number = np.array([value.value.data], np.int64)
            return integers.wrap(number, integers.width(op.results[0].type))
        operands = [self.at(v, depth) for v in op.operands]
        given = [v for v in operands if v is not None]
        if len(given) < len(operands):
            return None
        return evaluate(op, given)

    def _view(self, op: Operation, depth: int) -> bool:
        """Follow a pointer or view; whether the operation is one."""
        if (
            not isinstance(op, MakeTensorViewOp | PartitionViewOp | AddPtrOp)
            or op.operands[0] not in self._views
        ):
            return False
        if isinstance(op, MakeTensorViewOp):
            source = self._views[op.ptr]
            strides = tuple(self.at(v, depth) for v in op.strides)
            self._views[op.res] = source._replace(strides=strides)
        elif isinstance(op, PartitionViewOp):
            source = self._views[op.source]
            base = self._moved(source.base, zip(op.offsets, source.strides, strict=True), depth)
            self._views[op.res] = source._replace(base=base)
        else:
            source = self._views[op.ptr]
            one = np.ones(1, np.int64)
            self._views[op.res] = source._replace(base=self._moved(source.base, [(op.offset, one)], depth))
        return True

    def _moved(self, base: Numbers | None, steps: Any, depth: int) -> Numbers | None:
        for offset, stride in steps:
            number = self.at(offset, depth)
            if base is None or number is None:
                return None
            if (number == 0).all():
                continue
            if stride is None:
                return None
            base = _deepen(base, depth) + number * _deepen(stride, depth)
        return base

    def _access(self, op: Operation, path: tuple[Operation, ...], active: NDArray[np.bool_] | None) -> None:
        """Record what an operation may touch; anything of a tensor, where that is not understood."""
        views = [v for v in op.operands if isinstance(v.type, _GM_TYPES)]
        if not views:
            if not isinstance(op, scf.YieldOp | func.ReturnOp) and not is_side_effect_free(op):
                self.unknown.append(op)
            return
        for value in views:
            if value not in self._views:
                self.unknown.append(op)
                continue
            argument, base, strides = self._views[value]
            offsets: Numbers | None = np.zeros(1, np.int64)
            stores = not isinstance(op, TLoadOp | LoadScalarOp)
            if isinstance(op, TLoadOp | TStoreOp) and "atomicType" not in op.properties:
                offsets = self._box(value, strides)
            elif isinstance(op, LoadScalarOp | StoreScalarOp):
                depth = sum(isinstance(o, scf.ForOp) for o in path)
                base = self._moved(base, [(op.offset, np.ones(1, np.int64))], depth)
            else:
                base, stores = None, True
            if offsets is None:
                base, offsets = None, np.zeros(1, np.int64)
            self.accesses.append(Access(op, argument, stores, path, base, offsets, active))

    def _box(self, view: SSAValue, strides: tuple[Numbers | None, ...]) -> Numbers | None:
        """Offsets of the elements of a box of constant size."""
        if not isinstance(op := view.owner, PartitionViewOp):
            return None
        offsets = np.zeros(1, np.int64)
        for size, stride in zip((self.values.get(v) for v in op.sizes), strides, strict=True):
            if size is None or size.min() != size.max():
                return None
            if size.flat[0] == 1:
                continue
            if stride is None or stride.min() != stride.max():
                return None
            steps = np.arange(size.flat[0], dtype=np.int64) * stride.flat[0]
            offsets = (offsets[:, None] + steps).reshape(-1)
        return offsets


_GM_TYPES = (PtrType, TensorViewType, PartitionTensorViewType)


def evaluate(op: Operation, operands: list[Numbers]) -> Numbers | None:
    """An operation of `arith` on integers of all blocks and trips; None where it is not known or fails."""
    if op.name == "arith.select":
        condition, a, b = operands
        return np.where(condition != 0, a, b)
    source, target = integers.width(op.operands[0].type), integers.width(op.results[0].type)
    predicate = op.properties.get("predicate")
    kind = predicate.value.data if op.name == "arith.cmpi" and isinstance(predicate, IntegerAttr) else 0
    if op.name in _READ_UNSIGNED or kind >= integers.UNSIGNED_FROM:
        if source == 64 and any((v < 0).any() for v in operands):
            return None
        operands = [integers.unsigned(v, source) for v in operands]
    if op.name == "arith.cmpi":
        return getattr(operator, integers.PREDICATES[kind])(*operands).astype(np.int64)
    if op.name in integers.CASTS:
        return integers.cast(op.name, operands[0], source, target)
    unknown = op.name not in _BINARY
    if unknown or (op.name in integers.DIVISIONS and (operands[1] == 0).any()):
        return None
    if op.name in integers.SHIFTS and ((operands[1] < 0) | (operands[1] >= 64)).any():
        return None
    return integers.wrap(_BINARY[op.name](*operands), target)


def _deepen(array: Any, depth: int) -> Any:
    """Axes of size 1 for the inner loops that an array does not depend on."""
    return array if array.ndim > depth else array.reshape(array.shape + (1,) * (depth + 1 - array.ndim))


# -- who touches what ------------------------------------------------------------------------------


def together(parts: list[OwnedAddresses]) -> OwnedAddresses:
    empty = np.zeros(0, np.int64)
    return OwnedAddresses(
        np.concatenate([empty, *(p.addresses for p in parts)]),
        np.concatenate([empty, *(p.owners for p in parts)]),
    )


def _per_element(touched: OwnedAddresses) -> tuple[Numbers, Numbers, Numbers]:
    """Sorted addresses, each once, with the least and the greatest owner."""
    order = np.argsort(touched.addresses, kind="stable")
    addresses, first = np.unique(touched.addresses[order], return_index=True)
    if not len(first):
        return addresses, addresses, addresses
    owners = touched.owners[order]
    return addresses, np.minimum.reduceat(owners, first), np.maximum.reduceat(owners, first)


def meet_across(a: OwnedAddresses, b: OwnedAddresses) -> int | None:
    """An element that one owner touches in `a` and a different one in `b`, if there is one."""
    at_a, low_a, high_a = _per_element(a)
    at_b, low_b, high_b = _per_element(b)
    common, i, j = np.intersect1d(at_a, at_b, assume_unique=True, return_indices=True)
    apart = (low_a[i] != high_a[i]) | (low_b[j] != high_b[j]) | (low_a[i] != low_b[j])
    return int(common[apart][0]) if apart.any() else None


def meet_within(a: OwnedAddresses, b: OwnedAddresses) -> int | None:
    """An element that one owner touches both in `a` and in `b`, if there is one."""
    if not len(a.addresses) or not len(b.addresses):
        return None
    many = int(max(a.owners.max(), b.owners.max())) + 1
    common = np.intersect1d(a.addresses * many + a.owners, b.addresses * many + b.owners)
    return int(common[0]) // many if len(common) else None


def owners_of(stores: OwnedAddresses, addresses: Numbers) -> tuple[int | None, int | None, Numbers]:
    """The task that stores each address; or an address that no task or several tasks store."""
    known, low, high = _per_element(stores)
    at = np.minimum(np.searchsorted(known, addresses), max(len(known) - 1, 0))
    missing = known[at] != addresses if len(known) else np.ones(len(addresses), np.bool_)
    if missing.any():
        return int(addresses[missing][0]), None, addresses
    several = low[at] != high[at]
    return None, int(addresses[several][0]) if several.any() else None, low[at]
