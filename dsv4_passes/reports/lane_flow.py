"""From which lanes of which load each lane of a value comes: what the lane diagrams show.

A cell is 16 bits of one lane of a tile. Its origin is a set of (load, column) pairs, or nothing where it
holds zeros or a constant. Cells are looked up backwards from what is asked for, so that only the few that a
diagram shows cost anything. This is a picture, not a proof: an operation that is not known mixes the lanes of
its operands at the same place.
"""

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from xdsl.dialects import func, scf
from xdsl.ir import BlockArgument, Operation, SSAValue

from dialects.pto.base import TileOp, is_tile, layout_of
from dialects.pto.lanes import LANES, TGatherOp, TScatterOp
from dialects.pto.memory import TLoadOp, TStoreOp, constant_int
from dialects.pto.tiles import InsertOp, SubviewOp
from dialects.pto.types import TileLayout
from dsv4_passes.targets.elements import element_bytes

from .known_numbers import number_at


class LoadedLane(NamedTuple):
    """A lane of a load."""

    source: str
    column: int


Origins = frozenset[LoadedLane]
NOTHING: Origins = frozenset()


@dataclass(frozen=True)
class Strip:
    """The first lanes of a row of one value, and what made it."""

    title: str
    dtype: str
    lanes: Sequence[Origins]

    def of(self, sources: Container[str]) -> "Strip":
        """Only what comes from these loads: tables that lanes are multiplied with are left out."""
        return replace(self, lanes=[frozenset(o for o in lane if o.source in sources) for lane in self.lanes])


class LaneFlow:
    """Looks up origins in a function in value form."""

    def __init__(self, function: func.FuncOp):
        self._function = function
        self._known: dict[tuple[SSAValue, int, int, int], Origins] = {}
        self._names: dict[SSAValue, str] = {
            op.res[0]: _source_name(op) for op in function.walk() if isinstance(op, TLoadOp) and op.res
        }

    def strip(self, value: SSAValue, title: str, count: int = 8) -> Strip:
        """The first `count` lanes of the first row."""
        layout = layout_of(value)
        lanes = [
            NOTHING.union(*(self.cell(value, 0, lane, half) for half in range(_halves(layout))))
            for lane in range(min(count, layout.cols))
        ]
        return Strip(title, layout.dtype, lanes)

    def cell(self, value: SSAValue, row: int, col: int, half: int) -> Origins:
        """Where 16 bits of a lane come from; `half` counts from the low end."""
        key = value, row, col, half
        if (known := self._known.get(key)) is None:
            self._known[key] = NOTHING  # of a value that is carried round a loop
            known = self._known[key] = self._find(value, row, col, half)
        return known

    def _find(self, value: SSAValue, row: int, col: int, half: int) -> Origins:
        layout = layout_of(value)
        if not (0 <= row < layout.rows and 0 <= col < layout.cols):
            return NOTHING
        if value in self._names:
            return frozenset({LoadedLane(self._names[value], col)})
        owner = value.owner
        if isinstance(value, BlockArgument):
            return self._carried(value, row, col, half)
        assert isinstance(owner, Operation)
        if isinstance(owner, (scf.ForOp, scf.IfOp)):
            index = list(owner.results).index(value)  # pyright: ignore[reportArgumentType]
            yields = [r.block.last_op for r in owner.regions if r.blocks]
            found = [y.operands[index] for y in yields if isinstance(y, scf.YieldOp)]
            return NOTHING.union(*(self.cell(v, row, col, half) for v in found))
        if (rule := _RULES.get(owner.name)) is not None:
            return rule(self, owner, row, col, half)
        if owner.name.removeprefix("pto.") in _SAME_BYTES:
            return self._reinterpreted(owner.operands[0], layout, row, col, half)
        return self._mixed(owner, row, col, half)

    def _carried(self, value: BlockArgument, row: int, col: int, half: int) -> Origins:
        loop = value.owner.parent_op()
        if not isinstance(loop, scf.ForOp) or value.index == 0:
            return NOTHING
        return self.cell(loop.iter_args[value.index - 1], row, col, half)

    def _reinterpreted(self, source: SSAValue, layout: TileLayout, row: int, col: int, half: int) -> Origins:
        before = layout_of(source)
        offset = (row * layout.cols + col) * _halves(layout) + half
        lane, half = divmod(offset, _halves(before))
        return self.cell(source, *divmod(lane, before.cols), half)

    def _mixed(self, op: Operation, row: int, col: int, half: int) -> Origins:
        tiles = [v for v in (op.inputs() if isinstance(op, TileOp) else op.operands) if is_tile(v)]
        found = NOTHING
        for value in tiles:
            layout = layout_of(value)
            at = min(row, layout.rows - 1), col if layout.cols > 1 else 0
            if op.name in ("pto.tor", "pto.tand", "pto.bitcast"):
                found |= self.cell(value, *at, min(half, _halves(layout) - 1))
            else:
                found = found.union(*(self.cell(value, *at, h) for h in range(_halves(layout))))
        return found


def _shifted(flow: LaneFlow, op: Operation, row: int, col: int, half: int) -> Origins:
    source, by = op.operands[0], constant_int(op.operands[1])
    step = (by or 0) // 16 * (1 if op.name == "pto.tshls" else -1)
    from_half = half - step
    return flow.cell(source, row, col, from_half) if 0 <= from_half < _halves(layout_of(source)) else NOTHING


def _converted(flow: LaneFlow, op: Operation, row: int, col: int, half: int) -> Origins:
    """Wider: the number stands in the upper half; narrower: both halves count."""
    source, result = layout_of(op.operands[0]), layout_of(op.results[0])
    if _halves(result) > _halves(source) and source.dtype == "bf16" and half == 0:
        return NOTHING
    return NOTHING.union(*(flow.cell(op.operands[0], row, col, h) for h in range(_halves(source))))


def _gathered(flow: LaneFlow, op: Operation, row: int, col: int, half: int) -> Origins:
    assert isinstance(op, TGatherOp)
    if op.form() == "mask" and op.pattern is not None:
        first, step = LANES[op.pattern]
        return flow.cell(op.src, row, first + step * col, half)
    index = number_at(op.idx, row, col) if op.form() == "index" else None
    cols = layout_of(op.src).cols
    if index is not None:
        return flow.cell(op.src, *divmod(int(index), cols), half)
    # an index that is loaded: any lane
    return NOTHING.union(*(flow.cell(op.src, row, lane, half) for lane in range(min(8, cols))))


def _scattered(flow: LaneFlow, op: Operation, row: int, col: int, half: int) -> Origins:
    assert isinstance(op, TScatterOp)
    if op.pattern is None:
        return flow.cell(op.src, row, col // 2, half)
    first, step = LANES[op.pattern]
    lane, rest = divmod(col - first, step)
    return flow.cell(op.src, row, lane, half) if rest == 0 else NOTHING


def _transposed(flow: LaneFlow, op: Operation, row: int, col: int, half: int) -> Origins:
    return flow.cell(op.operands[0], col, row, half)


def _part(flow: LaneFlow, op: Operation, row: int, col: int, half: int) -> Origins:
    assert isinstance(op, SubviewOp)
    down, right = (constant_int(v) or 0 for v in op.offsets)
    return flow.cell(op.source, row + down, col + right, half)


def _inserted(flow: LaneFlow, op: Operation, row: int, col: int, half: int) -> Origins:
    assert isinstance(op, InsertOp)
    piece = layout_of(op.source)
    down, right = constant_int(op.row), constant_int(op.col) or 0
    # a row that is not known stands for every row, as in a loop over them
    row_in = row - down if down is not None else min(row, piece.rows - 1)
    if 0 <= row_in < piece.rows and 0 <= col - right < piece.cols:
        return flow.cell(op.source, row_in, col - right, half)
    return flow.cell(op.dest, row, col, half)


def _product(flow: LaneFlow, op: Operation, row: int, col: int, half: int) -> Origins:
    """All lanes of the left side's row, the first of them: what a selector picks is not known here."""
    assert isinstance(op, TileOp)
    left = op.required("lhs")
    found = NOTHING.union(*(flow.cell(left, row, k, half) for k in range(min(8, layout_of(left).cols))))
    acc = op.operand("acc")
    return found | flow.cell(acc, row, col, half) if acc is not None else found


_RULES: dict[str, Callable[[LaneFlow, Operation, int, int, int], Origins]] = {
    "pto.tshls": _shifted,
    "pto.tshrs": _shifted,
    "pto.tcvt": _converted,
    "pto.tgather": _gathered,
    "pto.tscatter": _scattered,
    "pto.ttrans": _transposed,
    "pto.transpose": _transposed,
    "pto.subview": _part,
    "pto.insert": _inserted,
    "pto.tmatmul": _product,
    "pto.tmatmul.acc": _product,
    "pto.undef": lambda flow, op, row, col, half: NOTHING,
    "pto.texpands": lambda flow, op, row, col, half: NOTHING,
    "pto.tci": lambda flow, op, row, col, half: NOTHING,
}
_SAME_BYTES = frozenset(("reshape", "treshape", "bitcast", "reinterpret", "set_validshape"))
MOVES_LANES = frozenset(
    "pto.tgather pto.tscatter pto.ttrans pto.tshls pto.tshrs pto.tor pto.tmatmul pto.tmatmul.acc "
    "dsv4.deinterleave dsv4.interleave dsv4.swap_pairs dsv4.rotate_pairs".split()
)


def lane_strips(function: func.FuncOp, limit: int = 10) -> list[Strip]:
    """What is loaded with lanes to move, each operation that moves them, and what is stored.

    The function is in value form. Shown is what comes from the load of which pairs of lanes are stored
    together, or else from that whose lanes are moved first; equal pictures in a row are one.
    """
    flow = LaneFlow(function)
    everything: list[Strip] = []
    first: set[str] = set()
    pairs: set[str] = set()
    for op in function.walk():
        value, title = _shown(op)
        if value is None:
            continue
        everything.append(strip := flow.strip(value, title))
        if isinstance(op, TStoreOp):
            pairs |= {
                o.source for o in strip.lanes[0] if LoadedLane(o.source, o.column ^ 1) in strip.lanes[0]
            }
        if op.name in MOVES_LANES and not first:
            first = {origin.source for lane in strip.lanes for origin in lane}
    subject = pairs or first
    strips: list[Strip] = []
    for strip in everything:
        strip = strip.of(subject)
        if any(strip.lanes) and not (strips and strips[-1].lanes == strip.lanes):
            strips.append(strip)
    if len(strips) > limit:
        strips = [*strips[: limit - 3], *strips[-3:]]
    return strips


def _shown(op: Operation) -> tuple[SSAValue | None, str]:
    if isinstance(op, TStoreOp):
        tiles = [v for v in op.inputs() if is_tile(v)]
        return (tiles[0], "stored") if tiles else (None, "")
    if isinstance(op, TLoadOp) and op.res:
        return op.res[0], f"{_source_name(op)} loaded"
    if op.name in MOVES_LANES and op.results and is_tile(op.results[0]):
        form = op.form() if isinstance(op, TileOp) else ""
        pattern = op.pattern if isinstance(op, (TGatherOp, TScatterOp)) else None
        detail = f" ({pattern or form})" if pattern or form else ""
        return op.results[0], op.name.removeprefix("pto.") + detail
    return None, ""


def _source_name(op: TLoadOp) -> str:
    value = op.ins[0]
    while isinstance(value.owner, Operation):
        tensors = [v for v in value.owner.operands if "view" in v.type.name or "ptr" in v.type.name]
        if not tensors:
            break
        value = tensors[0]
    if value.name_hint:
        return value.name_hint.partition("__ssa")[0]  # as pypto numbers its values
    return f"arg{value.index}" if isinstance(value, BlockArgument) else "tensor"


def _halves(layout: TileLayout) -> int:
    return max(1, element_bytes(layout.dtype) // 2)
