"""When an operation meets a known defect of ptoas."""

from collections.abc import Callable, Mapping

from xdsl.ir import Operation

from dialects.pto.base import TileOp, layout_of
from dialects.pto.lanes import MaskedOp
from dialects.pto.types import DYNAMIC
from dsv4_passes.targets import Defect


def meets(op: TileOp, defect: Defect) -> bool:
    """Whether the operation, which the defect is about, meets its condition."""
    condition = _CONDITIONS.get(defect.name)
    return condition(op) if condition is not None else not defect.when


def _mask_scatter_is_static(op: TileOp) -> bool:
    return DYNAMIC not in (layout_of(op.ins[0]).valid_cols, layout_of(op.outs[0]).valid_cols)


def predicate_differs(op: TileOp) -> bool:
    """The verifier compares the shapes of the predicate and of the operands."""
    return op.destination_layout().shape != layout_of(op.ins[0]).shape


def _gathers_columns(op: TileOp) -> bool:
    return isinstance(op, MaskedOp) and op.along == "col"


def _is_read_by_scalar(op: TileOp) -> bool:
    """Something that is not a vector operation has the result as an operand."""
    others = (use.operation for use in op.outs[0].uses if use.operation is not op)
    return op.operand("tmp") is not None and any(_is_scalar(other) for other in others)


def _is_scalar(op: Operation) -> bool:
    if not isinstance(op, TileOp):
        return False
    return op.mnemonic() in ("tstore", "tgetval") or (op.mnemonic(), op.form()) == ("tscatter", "index")


_CONDITIONS: Mapping[str, Callable[[TileOp], bool]] = {
    "mask_scatter_widths_inverted": _mask_scatter_is_static,
    "tgather_col_axis_dropped": _gathers_columns,
    "a5_compare_shapes": predicate_differs,
    "tci_scratch_race": _is_read_by_scalar,
}
"""When a defect is met that is not always met; one that is not here, ours do not meet."""


def only_warns(defect: Defect) -> bool:
    """What ptoas takes and its C++ compiler refuses is the assembler's text all the same, and a race that
    was only looked for in one place is not certain."""
    return "does not compile" in defect.effect or defect.name == "tci_scratch_race"
