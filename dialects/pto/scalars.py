"""Single lanes of tiles, and the small arrays of the scalar unit."""

from collections.abc import Sequence
from typing import ClassVar, Self

from xdsl.dialects.builtin import IndexType
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import IRDLOperation, irdl_op_definition, operand_def, result_def, traits_def, var_operand_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import EffectInstance, MemoryEffect, MemoryEffectKind
from xdsl.utils.exceptions import VerifyException

from .base import TileOp, is_tile, layout_of, leaf
from .handles import EventIdArrayType, LocalArrayType
from .syntax import merge_attributes, parse_index_list, parse_ins, print_index_list, segment_sizes
from .target import ChipRules
from .types import ELEMENT_TYPES, element_name


@irdl_op_definition
class TSetValOp(TileOp):
    """One lane becomes the scalar; the offset is flat, in elements of the physical tile.

    `pto.tsetval ins(%offset, %value : index, f32) outs(%d : TB)`
    """

    name = "pto.tsetval"
    OPERANDS: ClassVar = "offset value old?"
    TIED: ClassVar = "old"

    def check(self, chip: ChipRules) -> None:
        dst = self.destination_layout()
        if (value := element_name(self.ins[1].type)) != dst.dtype:
            raise VerifyException(f"expects a value of type {dst.dtype}, found {value}")


@irdl_op_definition
class TGetValOp(TileOp):
    """One lane as a scalar, in either form: `%v = pto.tgetval ins(%s, %offset : T, index) outs : f32`."""

    name = "pto.tgetval"
    OPERANDS: ClassVar = "src offset"
    DESTINATIONS: ClassVar = ""

    def __init__(self, src: SSAValue, offset: SSAValue):
        super().__init__([src, offset], result=ELEMENT_TYPES[layout_of(src).dtype])

    def destinations(self) -> list[SSAValue]:
        """It produces no tile."""
        return []

    def check(self, chip: ChipRules) -> None:
        if not is_tile(self.ins[0]):
            raise VerifyException(f"expects a tile to read from, found {self.ins[0].type}")
        if len(self.res) != 1:
            raise VerifyException(f"expects one result, found {len(self.res)}")
        src = layout_of(self.ins[0])
        if src.loc != "vec":
            raise VerifyException(f"expects a tile in vec memory, found {src.loc}")
        if (found := element_name(self.res[0].type)) != src.dtype:
            raise VerifyException(f"expects a result of type {src.dtype}, found {found}")

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        attributes: dict[str, Attribute] = {}
        parser.parse_keyword("ins")
        ins = parse_ins(parser, attributes)
        parser.parse_keyword("outs")
        parser.parse_punctuation(":")
        result = parser.parse_type()
        merge_attributes(parser, attributes, parser.parse_optional_attr_dict())
        return cls.create(
            operands=ins,
            result_types=[result],
            properties={"operandSegmentSizes": segment_sizes(len(ins), 0, 0)},
            attributes=attributes,
        )

    def print(self, printer: Printer) -> None:
        self._print_ins(printer, ())
        printer.print_string(" outs : ")
        printer.print_list([value.type for value in self.res], printer.print_attribute)
        printer.print_op_attributes(self.attributes)


# -- arrays --------------------------------------------------------------------------------------


class ArrayEffect(MemoryEffect):
    """A declaration allocates, an access reads or writes the array."""

    @classmethod
    def get_effects(cls, op: Operation) -> set[EffectInstance]:
        if not op.operands:
            return {EffectInstance(MemoryEffectKind.ALLOC, op.results[0])}
        kind = MemoryEffectKind.READ if op.results else MemoryEffectKind.WRITE
        return {EffectInstance(kind, op.operands[0])}


class ArrayOp(IRDLOperation):
    """What the operations on arrays share."""

    traits = traits_def(ArrayEffect())
    ARRAY: ClassVar[type[Attribute]] = LocalArrayType

    def verify_(self) -> None:
        array = self.operands[0] if self.operands else self.results[0]
        if not isinstance(array.type, self.ARRAY):
            raise VerifyException(f"expects a !{self.ARRAY.name}, found {array.type}")
        if isinstance(array.type, LocalArrayType) and self.operands:
            rank, given = len(array.type.data.dims), len(self.operands) - 1 - (not self.results)
            if rank != given:
                raise VerifyException(f"expects {rank} indices, found {given}")


class DeclareArrayOp(ArrayOp):
    """`%a = pto.declare_local_array -> !pto.local_array<2xi32>`."""

    res = result_def()
    assembly_format = "attr-dict `->` type($res)"

    def __init__(self, type_: Attribute):
        super().__init__(result_types=[type_])


class ArrayGetOp(ArrayOp):
    """`%v = pto.local_array_get %a[%i] : !pto.local_array<2xi32> -> i32`."""

    array = operand_def()
    indices = var_operand_def(IndexType)
    res = result_def()

    def __init__(self, array: SSAValue, indices: Sequence[SSAValue], result: Attribute):
        super().__init__(operands=[array, indices], result_types=[result])

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        array = parser.parse_unresolved_operand()
        indices = parse_index_list(parser)
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        array_type = parser.parse_type()
        result: Attribute = IndexType()
        if cls.ARRAY is LocalArrayType:
            parser.parse_punctuation("->")
            result = parser.parse_type()
        operands = [parser.resolve_operand(array, array_type), *indices]
        return cls.create(operands=operands, result_types=[result], attributes=attributes)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_operand(self.array)
        print_index_list(printer, self.indices)
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_attribute(self.array.type)
        if self.ARRAY is LocalArrayType:
            printer.print_string(" -> ")
            printer.print_attribute(self.res.type)


class ArraySetOp(ArrayOp):
    """`pto.local_array_set %a[%i], %v : !pto.local_array<2xi32>, i32`."""

    array = operand_def()
    indices = var_operand_def(IndexType)
    value = operand_def()

    def __init__(self, array: SSAValue, indices: Sequence[SSAValue], value: SSAValue):
        super().__init__(operands=[array, indices, value])

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        array = parser.parse_unresolved_operand()
        indices = parse_index_list(parser)
        parser.parse_punctuation(",")
        value = parser.parse_unresolved_operand()
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        array_type = parser.parse_type()
        value_type: Attribute = IndexType()
        if cls.ARRAY is LocalArrayType:
            parser.parse_punctuation(",")
            value_type = parser.parse_type()
        operands = [
            parser.resolve_operand(array, array_type),
            *indices,
            parser.resolve_operand(value, value_type),
        ]
        return cls.create(operands=operands, attributes=attributes)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_operand(self.array)
        print_index_list(printer, self.indices)
        printer.print_string(", ")
        printer.print_operand(self.value)
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_attribute(self.array.type)
        if self.ARRAY is LocalArrayType:
            printer.print_string(", ")
            printer.print_attribute(self.value.type)


OPERATIONS: list[type[Operation]] = [
    TSetValOp,
    TGetValOp,
    *(
        leaf(base, mnemonic.format(name), ARRAY=array)
        for name, array in (("local_array", LocalArrayType), ("eventid_array", EventIdArrayType))
        for base, mnemonic in (
            (DeclareArrayOp, "declare_{}"),
            (ArrayGetOp, "{}_get"),
            (ArraySetOp, "{}_set"),
        )
    ),
]
