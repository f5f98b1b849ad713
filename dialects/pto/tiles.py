"""Views of a tile, and the operations that only the value form has."""

from collections.abc import Sequence
from typing import Self

from xdsl.dialects.builtin import I64, DenseArrayBase, IndexType, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_result_def,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import EffectInstance, MemoryEffect, MemoryEffectKind, Pure
from xdsl.utils.exceptions import VerifyException

from .allocation import AllocTileOp as AllocTileOp
from .allocation import box_shape as box_shape
from .base import layout_of
from .memory import constant_int, constant_or_dynamic
from .rules import expect_relation
from .syntax import parse_index_list, print_conversion, print_index_list, segment_sizes
from .types import DYNAMIC, AnyTileType, TileLayout, TileType, element_bits


def _expect_same_form(source: SSAValue, result: SSAValue) -> None:
    if type(source.type) is not type(result.type):
        raise VerifyException(
            f"expects source and result in the same form, found !{source.type.name} and !{result.type.name}"
        )


@irdl_op_definition
class SubviewOp(IRDLOperation):
    """A box of a tile: a window on its memory, or in value form the value of that window.

    `%s = pto.subview %t[%r, %c] sizes [1, 64] valid [%vr, %vc] : T -> T'`
    """

    name = "pto.subview"
    source = operand_def(AnyTileType)
    offsets = var_operand_def(IndexType)
    valid = var_operand_def(IndexType)
    sizes = prop_def(DenseArrayBase[I64])
    res = result_def(AnyTileType)
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    traits = traits_def(Pure())

    def __init__(
        self,
        source: SSAValue,
        offsets: Sequence[SSAValue],
        sizes: Sequence[int],
        result_type: Attribute,
        valid: Sequence[SSAValue] = (),
    ):
        super().__init__(
            operands=[source, offsets, valid],
            properties={"sizes": DenseArrayBase.from_list(i64, list(sizes))},
            result_types=[result_type],
        )

    @property
    def static_sizes(self) -> tuple[int, int]:
        rows, cols = self.sizes.get_values()
        return rows, cols

    def verify_(self) -> None:
        if len(self.offsets) != 2 or len(self.sizes.get_values()) != 2:
            raise VerifyException("expects two offsets and two sizes")
        source, result = layout_of(self.source), layout_of(self.res)
        _expect_same_form(self.source, self.res)
        if result.shape != self.static_sizes:
            raise VerifyException(
                f"expects a result of {self.static_sizes[0]}x{self.static_sizes[1]}, "
                f"found {result.rows}x{result.cols}"
            )
        for what in ("loc", "dtype", "blayout", "slayout"):
            expected, found = getattr(source, what), getattr(result, what)
            if found != expected:
                raise VerifyException(f"expects the {what} of its source, {expected}, found {found}")
        for what, extent, operand in zip(("rows", "columns"), result.valid, self.valid, strict=False):
            expect_relation(f"the valid {what} of the result", extent, constant_or_dynamic(operand))
        for axis, (offset, size, extent) in enumerate(
            zip(self.offsets, self.static_sizes, source.shape, strict=True)
        ):
            start = constant_int(offset) or 0
            if start < 0 or start + size > extent:
                raise VerifyException(
                    f"reaches from {start} to {start + size} on axis {axis} of a source with {extent}"
                )

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        source = parser.parse_unresolved_operand()
        offsets = parse_index_list(parser)
        parser.parse_keyword("sizes")
        sizes = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_integer)
        valid = parse_index_list(parser) if parser.parse_optional_keyword("valid") else []
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        position = parser.pos
        source_type = parser.parse_type()
        if not isinstance(source_type, AnyTileType):
            parser.raise_error("expected a tile type", position)
        if len(sizes) != 2:
            parser.raise_error(f"expected two sizes, found {len(sizes)}", position)
        if parser.parse_optional_punctuation("->") is not None:
            result = parser.parse_type()
        else:
            extents = [constant_int(v) for v in valid] or sizes
            rows, cols = (DYNAMIC if e is None else e for e in extents)
            result = source_type.with_(rows=sizes[0], cols=sizes[1], valid_rows=rows, valid_cols=cols)
        return cls.create(
            operands=[parser.resolve_operand(source, source_type), *offsets, *valid],
            result_types=[result],
            properties={
                "operandSegmentSizes": segment_sizes(1, len(offsets), len(valid)),
                "sizes": DenseArrayBase.from_list(i64, sizes),
            },
            attributes=attributes,
        )

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_operand(self.source)
        print_index_list(printer, self.offsets)
        rows, cols = self.static_sizes
        printer.print_string(f" sizes [{rows}, {cols}]")
        if self.valid:
            printer.print_string(" valid ")
            print_index_list(printer, self.valid)
        print_conversion(printer, self.attributes, self.source, self.res)


class _CastOp(IRDLOperation):
    """`%r = pto.OP %s : T -> T'`: the same bytes seen as another type, in either form."""

    source = operand_def(AnyTileType)
    res = result_def(AnyTileType)
    traits = traits_def(Pure())
    assembly_format = "$source attr-dict `:` type($source) `->` type($res)"

    def __init__(self, source: SSAValue, result_type: Attribute):
        super().__init__(operands=[source], result_types=[result_type])

    def verify_(self) -> None:
        source, result = layout_of(self.source), layout_of(self.res)
        _expect_same_form(self.source, self.res)
        if source.loc != result.loc:
            raise VerifyException(f"expects a result in {source.loc} memory, found {result.loc}")
        if source.bytes != result.bytes:
            raise VerifyException(f"expects a result of {source.bytes} bytes, found {result.bytes}")


@irdl_op_definition
class BitcastOp(_CastOp):
    """The same bits as another element type of the same width."""

    name = "pto.bitcast"

    def verify_(self) -> None:
        super().verify_()
        source, result = layout_of(self.source), layout_of(self.res)
        if source.shape != result.shape:
            raise VerifyException(
                f"expects a result of {source.rows}x{source.cols}, found {result.rows}x{result.cols}"
            )


@irdl_op_definition
class TReshapeOp(_CastOp):
    """The same bytes in another shape (buffer form; raised to `pto.reshape`)."""

    name = "pto.treshape"


@irdl_op_definition
class ReshapeOp(_CastOp):
    """Value form: the lanes in row-major order, in another shape."""

    name = "pto.reshape"

    def verify_(self) -> None:
        super().verify_()
        if not isinstance(self.res.type, TileType):
            raise VerifyException("exists in value form only")


@irdl_op_definition
class ReinterpretOp(_CastOp):
    """Value form: the bytes in row-major order as lanes of another width, the first lane in the low bits.

    `%p = pto.reinterpret %x : !pto.tile<vec, 64x64xbf16> -> !pto.tile<vec, 32x64xui32>`

    Source and result are row-major without boxes. Where not all of them is valid they have as many rows,
    and a row of valid lanes has as many bytes.
    """

    name = "pto.reinterpret"

    def verify_(self) -> None:
        super().verify_()
        source, result = layout_of(self.source), layout_of(self.res)
        if not isinstance(self.res.type, TileType):
            raise VerifyException("exists in value form only")
        for what, layout in (("source", source), ("result", result)):
            if not is_contiguous(layout):
                raise VerifyException(f"expects a {what} that is row_major without boxes")
            if element_bits(layout.dtype) % 8:
                raise VerifyException(f"expects a {what} of whole bytes, found {layout.dtype}")
        if source.full and result.full:
            return
        if source.rows != result.rows:
            raise VerifyException(
                f"expects {source.rows} rows where not all lanes are valid, found {result.rows}"
            )
        if source.valid_rows != result.valid_rows:
            raise VerifyException("expects as many valid rows as in its source")
        widths = [
            layout.valid_cols * element_bits(layout.dtype)
            for layout in (source, result)
            if layout.valid_cols != DYNAMIC
        ]
        if len(widths) < 2 or widths[0] != widths[1]:
            raise VerifyException("expects as many bytes of valid columns as in its source")


def is_contiguous(layout: TileLayout) -> bool:
    """The lanes lie in memory in row-major order."""
    return layout.slayout == "none_box" and (layout.blayout == "row_major" or 1 in layout.shape)


@irdl_op_definition
class TransposeOp(_CastOp):
    """Value form: rows and columns exchanged at no cost, as a mat tile in NZ is one in ZN."""

    name = "pto.transpose"

    def verify_(self) -> None:
        super().verify_()
        source, result = layout_of(self.source), layout_of(self.res)
        if source.shape != result.shape[::-1]:
            raise VerifyException(
                f"expects a result of {source.cols}x{source.rows}, found {result.rows}x{result.cols}"
            )


class SetValidEffect(MemoryEffect):
    """In buffer form it changes what the handle says, so nothing may move across it."""

    @classmethod
    def get_effects(cls, op: Operation) -> set[EffectInstance]:
        if op.results:
            return set()
        return {EffectInstance(MemoryEffectKind.WRITE, op.operands[0])}


@irdl_op_definition
class SetValidShapeOp(IRDLOperation):
    """Change which part of a tile is valid: in place in buffer form, as a new value in value form.

    `pto.set_validshape %t, %r, %c : TB`; `%v = pto.set_validshape %t, %r, %c : T -> T'`
    """

    name = "pto.set_validshape"
    source = operand_def(AnyTileType)
    valid_row = operand_def(IndexType)
    valid_col = operand_def(IndexType)
    res = opt_result_def(TileType)

    traits = traits_def(SetValidEffect())

    def __init__(
        self, source: SSAValue, valid_row: SSAValue, valid_col: SSAValue, result: Attribute | None = None
    ):
        super().__init__(operands=[source, valid_row, valid_col], result_types=[[result] if result else []])

    assembly_format = "$source `,` $valid_row `,` $valid_col attr-dict `:` type($source) (`->` type($res)^)?"

    def verify_(self) -> None:
        if (self.res is not None) != isinstance(self.source.type, TileType):
            raise VerifyException("expects a result exactly when its operand is a value")


@irdl_op_definition
class UndefOp(IRDLOperation):
    """Value form: an uninitialised tile. Reading its lanes is an error, overwriting them is not."""

    name = "pto.undef"
    res = result_def(TileType)
    traits = traits_def(Pure())
    assembly_format = "attr-dict `:` type($res)"

    def __init__(self, result_type: Attribute):
        super().__init__(result_types=[result_type])


@irdl_op_definition
class InsertOp(IRDLOperation):
    """Value form: `dest` with the valid lanes of `source` put at `[row, col]`; the others stay as they are.

    `%d = pto.insert %s into %t[%r, %c] : T' into T`
    """

    name = "pto.insert"
    source = operand_def(TileType)
    dest = operand_def(TileType)
    row = operand_def(IndexType)
    col = operand_def(IndexType)
    res = result_def(TileType)
    traits = traits_def(Pure())
    assembly_format = (
        "$source `into` $dest `[` $row `,` $col `]` attr-dict "
        "`:` type($source) `into` type($dest) `->` type($res)"
    )

    def __init__(
        self, source: SSAValue, dest: SSAValue, row: SSAValue, col: SSAValue, result: Attribute | None = None
    ):
        super().__init__(operands=[source, dest, row, col], result_types=[result or dest.type])

    def verify_(self) -> None:
        piece, whole = layout_of(self.source), layout_of(self.dest)
        if piece.dtype != whole.dtype or piece.loc != whole.loc:
            raise VerifyException(
                f"expects a {whole.loc} tile of {whole.dtype} to insert, found {piece.loc} of {piece.dtype}"
            )
        if piece.rows > whole.rows or piece.cols > whole.cols:
            raise VerifyException(f"cannot insert {piece.rows}x{piece.cols} into {whole.rows}x{whole.cols}")


CASTS = (ReshapeOp, ReinterpretOp, TransposeOp, BitcastOp)
"""The bytes of a whole tile value under another type."""
VIEWS = (SubviewOp, *CASTS, SetValidShapeOp)
"""Tile values whose bytes are those of another one."""
BUFFER_VIEWS = (SubviewOp, BitcastOp, TReshapeOp)
"""Handles of bytes that another handle has, in buffer form."""

OPERATIONS: list[type[Operation]] = [
    SubviewOp,
    BitcastOp,
    TReshapeOp,
    ReshapeOp,
    ReinterpretOp,
    TransposeOp,
    SetValidShapeOp,
    UndefOp,
    InsertOp,
]
