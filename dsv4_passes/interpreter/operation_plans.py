"""What an operation consists of, asked of xDSL once: operands, destinations, layouts, extents."""

from collections.abc import Sequence
from typing import NamedTuple

from xdsl.ir import Operation, SSAValue

from dialects.pto.base import TileOp, is_tile, layout_of
from dialects.pto.types import DYNAMIC, TileLayout

from .semantics import SEMANTICS, Semantics
from .values import Extent


class TileOpPlan(NamedTuple):
    """The parts of a tile operation that `tile_op` needs."""

    semantics: "Semantics | None"
    operands: tuple[tuple[str, SSAValue], ...]
    destinations: tuple[SSAValue, ...]
    layouts: tuple[TileLayout, ...]
    """Of the destinations; nothing where one of them is no tile."""
    extents: tuple[Extent | None, ...]
    """Of the destinations, where their types say them."""
    valid: tuple[SSAValue, ...]
    scratch: tuple[SSAValue, ...]
    in_memory: bool
    reads_destination: bool

    @classmethod
    def of(cls, op: TileOp) -> "TileOpPlan":
        in_memory, destinations = bool(op.outs), tuple(op.destinations())
        layouts = tuple(map(layout_of, destinations)) if all(map(is_tile, destinations)) else ()
        return cls(
            SEMANTICS.get(op.mnemonic()),
            tuple((name, value) for name, value in op.named_operands() if name != "tmp"),
            destinations,
            layouts,
            tuple(map(_stated, layouts)),
            tuple(op.valid),
            tuple(op.scratch_operands()),
            in_memory,
            in_memory and op.reads_destination(),
        )


def _stated(layout: TileLayout) -> Extent | None:
    """The valid extent that a type says by itself, if it does and it is one."""
    rows, cols = layout.valid
    inside = DYNAMIC not in layout.valid and 0 <= rows <= layout.rows and 0 <= cols <= layout.cols
    return layout.valid if inside else None


class Plans:
    """What does not change from one visit of an operation to the next, kept because xDSL is slow to say it.

    Machines that run the same function share it.
    """

    def __init__(self) -> None:
        self._tile_ops: dict[TileOp, TileOpPlan] = {}
        self._operands: dict[Operation, Sequence[Sequence[SSAValue]]] = {}

    def tile_op(self, op: TileOp) -> TileOpPlan:
        plan = self._tile_ops.get(op)
        if plan is None:
            plan = self._tile_ops[op] = TileOpPlan.of(op)
        return plan

    def operands(self, op: Operation, *names: str) -> Sequence[Sequence[SSAValue]]:
        """The operands of each of the groups; of an operation the same ones each time."""
        groups = self._operands.get(op)
        if groups is None:
            groups = self._operands[op] = [tuple(getattr(op, name)) for name in names]
        return groups
