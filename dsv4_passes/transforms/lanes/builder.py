"""Get a known value into vector memory as f32, without changing a bit of it.

Looked through are moves between memories, back to the load they started from, which is done again into
vector memory at the old place (a store may lie between it and the user). A bf16 or f16 tile is widened,
which is exact. What cannot be brought into vector memory that way is a `CannotBuild` with the reason.
"""

from collections.abc import Iterator

from xdsl.dialects import scf
from xdsl.dialects.builtin import IndexType
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from dialects.dsv4.opaque import CoreMoveOp
from dialects.pto.attributes import RoundModeAttr
from dialects.pto.base import TileOp, layout_of
from dialects.pto.convert import TCvtOp
from dialects.pto.memory import MakeTensorViewOp, PartitionViewOp, TLoadOp, constant_int
from dialects.pto.moves import TExtractOp, TMovOp
from dialects.pto.tiles import ReinterpretOp, ReshapeOp, SetValidShapeOp, SubviewOp
from dialects.pto.types import DYNAMIC, TileLayout, TileType, element_bits
from dsv4_passes.targets import Chip, Ptoas, wrong_element
from dsv4_passes.xdsl_extras.insert import constant
from dsv4_passes.xdsl_extras.region_values import phi_inputs

WIDENED = ("bf16", "f16")
SEGMENTS = (2, 4, 8)
"""So many tiles are put side by side."""
PLACES = ("vec", "mat", "left", "right")
"""Memories whose values can be had in vector memory, cheapest first."""


def equal_parts(cols: int) -> Iterator[tuple[int, int]]:
    """Number and width of the equal parts, of two lanes at least, that rows may be put together from."""
    return ((count, cols // count) for count in SEGMENTS if not cols % count and cols // count >= 2)


class CannotBuild(Exception):
    """The reason why a value cannot be built in the requested form."""


class Builder:
    """Inserts operations in front of others and remembers them, so that all can be taken out again."""

    def __init__(
        self,
        site: Operation,
        chip: Chip | None = None,
        ptoas: Ptoas | None = None,
        instead_of: Operation | None = None,
        tci: bool = True,
    ):
        self.site, self.chip, self.ptoas = site, chip, ptoas
        self.tci = tci
        """Whether lanes may be counted by `tci`, as far as what goes on compiling the text is concerned."""
        self.location = (instead_of or site).location
        self.made: list[Operation] = []

    def add(self, op: Operation, before: Operation | None = None) -> Operation:
        """Insert in front of `before`, or behind what was built so far at the site.

        Raises CannotBuild where the chip or the assembler does not support the operation.
        """
        if isinstance(op, TileOp):
            try:
                self.require_legal(op)
            except CannotBuild:
                op.erase()
                raise
        op.location = self.location
        Rewriter.insert_op(op, InsertPoint.before(before or self.site))
        self.made.append(op)
        return op

    def require_legal(self, op: TileOp) -> None:
        """Ask the target for the operation's form and element type."""
        if self.chip is None:
            return
        what = f"{op.mnemonic()} ({op.form()})" if op.form() else op.mnemonic()
        if (wrong := wrong_element(op, self.chip)) is not None:
            raise CannotBuild(f"{self.chip.name} has no {what} of {wrong.dtype}")
        if self.ptoas is not None:
            for defect in self.ptoas.defects(self.chip, op.mnemonic(), op.form()):
                if not defect.when:
                    raise CannotBuild(
                        f"{what} with ptoas {self.ptoas.version}: {defect.effect} ({defect.source})"
                    )

    def outside_loops(self) -> Operation:
        """The outermost loop or branch that the site stands in, else the site."""
        op, parent = self.site, self.site.parent_op()
        while isinstance(parent, (scf.ForOp, scf.IfOp)):
            op, parent = parent, parent.parent_op()
        return op

    def shared(self, op: Operation, before: Operation) -> SSAValue:
        """The result of an operation on constants in front of another, or of an equal one that is there."""
        if (other := _equal_one(op, before)) is not None:
            op.erase()
            return other.results[0]
        self.add(op, before=before)
        return op.results[0]

    def undo(self) -> None:
        for op in reversed(self.made):
            Rewriter.erase_op(op)
        self.made.clear()

    # -- values ------------------------------------------------------------------------------------

    def f32_in_vec(self, value: SSAValue) -> SSAValue:
        """The lanes of `value` as an f32 tile in vector memory."""
        value = self.in_vec(value)
        layout = layout_of(value)
        if layout.dtype == "f32":
            return value
        if layout.dtype not in WIDENED:
            raise CannotBuild(f"its operand has {layout.dtype} elements")
        return self.convert(value, "f32", "RINT")

    def convert(self, value: SSAValue, dtype: str, mode: str) -> SSAValue:
        layout = layout_of(value)
        for use in value.uses:
            # the same widening may be there already, in front of the site
            op = use.operation
            if (
                isinstance(op, TCvtOp)
                and element_bits(dtype) > element_bits(layout.dtype)
                and layout_of(op.res[0]).dtype == dtype
                and op.parent is self.site.parent
                and op in self.made
            ):
                return op.res[0]
        result = TileType(layout._replace(dtype=dtype))
        rounding = {"rmode": RoundModeAttr(mode)}
        op = TCvtOp([value], result=result, valid=valid_of(value), properties=rounding)
        self.add(op)
        op.res[0].name_hint = value.name_hint
        return op.res[0]

    def in_vec(self, value: SSAValue) -> SSAValue:
        layout = layout_of(value)
        if layout.loc == "vec":
            if (layout.blayout, layout.slayout) != ("row_major", "none_box"):
                raise CannotBuild(f"its operand is a {layout.blayout} tile")
            return value
        load = self.load_behind(value)
        view = load.ins[0].owner
        if not isinstance(view, PartitionViewOp) or not is_row_major(view):
            raise CannotBuild("its operand is loaded through a view that is not row-major")
        again = TileType(TileLayout("vec", layout.rows, layout.cols, layout.dtype, *layout.valid))
        if layout.cols * element_bits(layout.dtype) % 256:
            raise CannotBuild(
                f"a row of its operand, {layout.cols} {layout.dtype}, is no multiple of 32 bytes"
            )
        for made in self.made:
            if isinstance(made, TLoadOp) and made.ins[0] is load.ins[0] and made.res[0].type == again:
                return made.res[0]
        op = TLoadOp([load.ins[0]], result=again, valid=list(load.valid), attributes=load.attributes)
        self.add(op, before=load)
        op.location = load.location
        op.res[0].name_hint = load.res[0].name_hint
        return op.res[0]

    def load_behind(self, value: SSAValue) -> TLoadOp:
        """The load that put these lanes into another memory, through whole-tile moves only."""
        op = value.owner
        while isinstance(op, (TMovOp, TExtractOp, CoreMoveOp)):
            source, result = op.operands[0], op.results[0]
            whole = layout_of(source).shape == layout_of(result).shape
            same = layout_of(source).dtype == layout_of(result).dtype
            if not (whole and same) or (
                isinstance(op, TExtractOp) and any(constant_int(v) != 0 for v in op.offsets())
            ):
                raise CannotBuild("its operand is a part of a tile in another memory")
            value, op = source, source.owner
        if not isinstance(op, TLoadOp):
            raise CannotBuild(
                f"its operand is computed in {layout_of(value).loc} memory, which vector memory cannot reach"
            )
        return op


def valid_of(value: SSAValue) -> list[SSAValue]:
    """The extents that a tile's type writes `?`, as operands.

    Looked through are views, and loops and branches that yield the extents they are given. CannotBuild where
    nothing in sight is that number.
    """
    return _valid_of(value, frozenset()) or []


def _valid_of(value: SSAValue, carried: frozenset[SSAValue]) -> list[SSAValue] | None:
    """None for a value whose extents are those of one in `carried`, which are being asked for."""
    extents = layout_of(value).valid
    if DYNAMIC not in extents:
        return []
    while isinstance(op := value.owner, (ReshapeOp, ReinterpretOp)):
        value = op.source
    if value in carried:
        return None
    if (inputs := phi_inputs(value)) is not None:
        each = [_valid_of(v, carried | {value}) for v in inputs]
        found = [extents for extents in each if extents is not None]
        if found and all(other == found[0] for other in found):
            return found[0]
    if isinstance(op, TileOp):
        given = iter(op.valid)
        for result in op.res:
            own = [next(given) for extent in layout_of(result).valid if extent == DYNAMIC]
            if result is value:
                return own
    operands: list[SSAValue] = []
    if isinstance(op, SetValidShapeOp):
        operands = [op.valid_row, op.valid_col]
    elif isinstance(op, SubviewOp):
        operands = list(op.valid)
    if len(operands) != 2:
        raise CannotBuild("the number of its valid rows is not at hand")
    return [operand for operand, extent in zip(operands, extents, strict=True) if extent == DYNAMIC]


def is_row_major(view: PartitionViewOp) -> bool:
    """The view's last dimension is contiguous in GM."""
    whole = view.source.owner
    return isinstance(whole, MakeTensorViewOp) and constant_int(whole.strides[-1]) == 1


def vec_type(rows: int, cols: int, dtype: str = "f32") -> TileType:
    """A row-major tile in vector memory of which all is valid."""
    return TileType(TileLayout("vec", rows, cols, dtype, rows, cols))


def index_constant(builder: Builder, value: int) -> SSAValue:
    """A constant of type index in front of the builder's site."""
    op = constant(value, IndexType())
    builder.add(op)
    return op.result


def _equal_one(op: Operation, before: Operation) -> Operation | None:
    """The first operation in front of `before`, in its block, that does the same as one that stands nowhere.

    It uses the same first operand, if there is one: only users of that are looked at.
    """
    block = before.parent
    assert block is not None
    others = (use.operation for use in op.operands[0].uses) if op.operands else block.ops
    types, operands = [r.type for r in op.results], tuple(op.operands)
    found: Operation | None = None
    for other in others:
        if type(other) is not type(op) or other.parent is not block:
            continue
        if tuple(other.operands) != operands or other.properties != op.properties:
            continue
        if [r.type for r in other.results] != types or not other.is_before_in_block(before):
            continue
        if found is None or other.is_before_in_block(found):
            found = other
    return found
