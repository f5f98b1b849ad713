"""Using channels between the cube and the vector half of a kernel: push, pop, free.

The k-th push on one side meets the k-th pop on the other. A channel has a direction (`c2v`, `v2c`) and a
number; several may run between one pair of functions.
"""

from typing import ClassVar, Self

from xdsl.dialects.builtin import IndexType, IntegerAttr, IntegerType, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    result_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from .base import OrderedOp, leaf
from .pipes import ClausedOp, ClausedResultOp
from .syntax import parse_clauses, parse_value, print_value, segment_sizes
from .types import DYNAMIC, AnyTileType, TensorViewType, TileBufType


class ChannelOp(OrderedOp, ClausedOp):
    """An operation on one channel: `{id = 0, split = 0}`; an `id` left out means 0."""

    CLAUSES: ClassVar = {"id": 32, "split": 8}
    DIRECTION: ClassVar[str] = ""
    id = opt_prop_def(IntegerAttr)
    split = prop_def(IntegerAttr)

    @property
    def channel(self) -> tuple[str, int]:
        """Direction and number."""
        return self.DIRECTION, self.id.value.data if self.id else 0

    def verify_(self) -> None:
        if not 0 <= (split := self.split.value.data) <= 4:
            raise VerifyException(f"expects split to be between 0 and 4, found {split}")


def _parse_subblock(parser: Parser) -> list[SSAValue]:
    """`aiv_subblockid(%i)`, which of the two vector cores is meant; an i64."""
    if parser.parse_optional_keyword("aiv_subblockid") is None:
        return []
    with parser.in_parens():
        return [parser.resolve_operand(parser.parse_unresolved_operand(), i64)]


def _print_subblock(printer: Printer, value: SSAValue | None) -> None:
    if value is not None:
        printer.print_string(" aiv_subblockid(")
        printer.print_operand(value)
        printer.print_string(")")


def _expect_subblock(value: SSAValue | None, split: IntegerAttr) -> None:
    if value is not None and split.value.data == 0:
        raise VerifyException("expects aiv_subblockid only where the tile is split, found split = 0")


class PushOp(ChannelOp):
    """Put a tile into the channel: `pto.tpush_to_aiv(%t : T) {split = 0}`."""

    tile = operand_def(AnyTileType | TensorViewType)
    aiv_subblockid = opt_operand_def(IntegerType)

    def __init__(self, tile: SSAValue, split: int = 0, id: int | None = None):
        super().__init__(operands=[tile, None], properties=_properties(split, id))

    def verify_(self) -> None:
        super().verify_()
        _expect_subblock(self.aiv_subblockid, self.split)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        parser.parse_punctuation("(")
        operands = [parse_value(parser)]
        parser.parse_punctuation(")")
        properties = parse_clauses(parser, cls.CLAUSES)
        operands += _parse_subblock(parser)
        attributes = parser.parse_optional_attr_dict()
        return cls.create(operands=operands, properties=properties, attributes=attributes)

    def print(self, printer: Printer) -> None:
        printer.print_string("(")
        print_value(printer, self.tile)
        printer.print_string(")")
        self.print_clauses(printer)
        _print_subblock(printer, self.aiv_subblockid)
        printer.print_op_attributes(self.attributes)


class PopOp(ChannelOp):
    """Take the next tile out of the channel: `%t = pto.tpop_from_aic(%rows, %cols) {split = 0} -> T`.

    In buffer form the result is a buffer inside the channel, until it is freed.
    """

    valid_row = opt_operand_def(IndexType)
    valid_col = opt_operand_def(IndexType)
    aiv_subblockid = opt_operand_def(IntegerType)
    tile = result_def(AnyTileType | TensorViewType)
    irdl_options = (AttrSizedOperandSegments(as_property=True),)

    def __init__(
        self,
        result: Attribute,
        split: int = 0,
        id: int | None = None,
        valid: tuple[SSAValue, SSAValue] | None = None,
    ):
        row, col = valid or (None, None)
        super().__init__(operands=[row, col, None], result_types=[result], properties=_properties(split, id))

    def verify_(self) -> None:
        super().verify_()
        _expect_subblock(self.aiv_subblockid, self.split)
        tile = self.tile.type
        # As a value, a tile has constant extents in its type.
        if self.valid_row is not None and isinstance(tile, TileBufType):
            if tile.data.valid != (DYNAMIC, DYNAMIC):
                raise VerifyException(f"expects a result with valid=?x? beside valid extents, found {tile}")

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        operands: list[SSAValue] = []
        if parser.parse_optional_punctuation("(") is not None:
            operands.append(parser.resolve_operand(parser.parse_unresolved_operand(), IndexType()))
            parser.parse_punctuation(",")
            operands.append(parser.resolve_operand(parser.parse_unresolved_operand(), IndexType()))
            parser.parse_punctuation(")")
        valid = len(operands) // 2
        properties = parse_clauses(parser, cls.CLAUSES)
        subblock = _parse_subblock(parser)
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation("->")
        result = parser.parse_type()
        properties["operandSegmentSizes"] = segment_sizes(valid, valid, len(subblock))
        return cls.create(
            operands=operands + subblock, result_types=[result], properties=properties, attributes=attributes
        )

    def print(self, printer: Printer) -> None:
        if self.valid_row is not None and self.valid_col is not None:
            printer.print_string("(")
            printer.print_list([self.valid_row, self.valid_col], printer.print_operand)
            printer.print_string(")")
        self.print_clauses(printer)
        _print_subblock(printer, self.aiv_subblockid)
        printer.print_op_attributes(self.attributes)
        printer.print_string(" -> ")
        printer.print_attribute(self.tile.type)


class FreeOp(ChannelOp):
    """Give the oldest popped tile back to the channel: `pto.tfree_from_aic {split = 0}`."""

    entry = opt_operand_def(AnyTileType | TensorViewType)

    def __init__(self, split: int = 0, id: int | None = None):
        super().__init__(operands=[None], properties=_properties(split, id))

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        operands: list[SSAValue] = []
        if parser.parse_optional_punctuation("(") is not None:
            operands.append(parse_value(parser))
            parser.parse_punctuation(")")
        properties = parse_clauses(parser, cls.CLAUSES)
        attributes = parser.parse_optional_attr_dict()
        return cls.create(operands=operands, properties=properties, attributes=attributes)

    def print(self, printer: Printer) -> None:
        if self.entry is not None:
            printer.print_string("(")
            print_value(printer, self.entry)
            printer.print_string(")")
        self.print_clauses(printer)
        printer.print_op_attributes(self.attributes)


class AllocEntryOp(ChannelOp, ClausedResultOp):
    """Room in GM for the next push: `%v = pto.talloc_to_aiv {split = 0} -> !pto.tensor_view<16x16xf32>`."""

    entry = result_def(TensorViewType)


def _properties(split: int, id: int | None) -> dict[str, Attribute | None]:
    return {
        "id": None if id is None else IntegerAttr(id, IntegerType(32)),
        "split": IntegerAttr(split, IntegerType(8)),
    }


class SetQuantOp(OrderedOp, ClausedOp):
    """What the pushes of a channel scale by: `pto.set_quant_scalar(%s : f32) {id = 0}`, or a scaling tile."""

    CLAUSES: ClassVar = {"id": 32}
    scale = operand_def()
    id = opt_prop_def(IntegerAttr)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        parser.parse_punctuation("(")
        operands = [parse_value(parser)]
        parser.parse_punctuation(")")
        properties = parse_clauses(parser, cls.CLAUSES)
        attributes = parser.parse_optional_attr_dict()
        return cls.create(operands=operands, properties=properties, attributes=attributes)

    def print(self, printer: Printer) -> None:
        printer.print_string("(")
        print_value(printer, self.scale)
        printer.print_string(")")
        self.print_clauses(printer)
        printer.print_op_attributes(self.attributes)


OPERATIONS: list[type[Operation]] = [
    leaf(PushOp, "tpush_to_aiv", DIRECTION="c2v"),
    leaf(PushOp, "tpush_to_aic", DIRECTION="v2c"),
    leaf(PopOp, "tpop_from_aic", DIRECTION="c2v"),
    leaf(PopOp, "tpop_from_aiv", DIRECTION="v2c"),
    leaf(FreeOp, "tfree_from_aic", DIRECTION="c2v"),
    leaf(FreeOp, "tfree_from_aiv", DIRECTION="v2c"),
    leaf(AllocEntryOp, "talloc_to_aiv", DIRECTION="c2v"),
    leaf(AllocEntryOp, "talloc_to_aic", DIRECTION="v2c"),
    *(leaf(SetQuantOp, mnemonic) for mnemonic in ("set_quant_scalar", "set_quant_vector")),
]
