"""Pointers: arithmetic, scalar loads and stores through them, conversion from and to numbers."""

from typing import Self

from xdsl.dialects.builtin import I64, IndexType, IntegerType
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import IRDLOperation, irdl_op_definition, operand_def, result_def, traits_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import EffectInstance, MemoryEffect, MemoryEffectKind, Pure
from xdsl.utils.exceptions import VerifyException

from .syntax import parse_pointer_type, print_conversion
from .types import PtrType


@irdl_op_definition
class AddPtrOp(IRDLOperation):
    """`%r = pto.addptr %p, %off : !pto.ptr<T> -> !pto.ptr<T>`; the offset is in elements."""

    name = "pto.addptr"
    ptr = operand_def(PtrType)
    offset = operand_def(IndexType)
    res = result_def(PtrType)
    traits = traits_def(Pure())

    def __init__(self, ptr: SSAValue, offset: SSAValue):
        super().__init__(operands=[ptr, offset], result_types=[ptr.type])

    def verify_(self) -> None:
        if self.ptr.type != self.res.type:
            raise VerifyException(f"expects a result of type {self.ptr.type}, found {self.res.type}")

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        ptr = parser.parse_unresolved_operand()
        parser.parse_punctuation(",")
        offset = parser.resolve_operand(parser.parse_unresolved_operand(), IndexType())
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        pointer = parser.resolve_operand(ptr, parse_pointer_type(parser))
        parser.parse_punctuation("->")
        result = parse_pointer_type(parser)
        return cls.create(operands=[pointer, offset], result_types=[result], attributes=attributes)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_list([self.ptr, self.offset], printer.print_operand)
        print_conversion(printer, self.attributes, self.ptr, self.res)


def expect_pointed(ptr: SSAValue, value: SSAValue) -> None:
    """The value has the element type of the pointer."""
    assert isinstance(ptr.type, PtrType)
    if value.type != ptr.type.element_type:
        raise VerifyException(f"expects a value of type {ptr.type.data.dtype}, found {value.type}")


def _parse_offset(parser: Parser) -> SSAValue:
    parser.parse_punctuation("[")
    offset = parser.resolve_operand(parser.parse_unresolved_operand(), IndexType())
    parser.parse_punctuation("]")
    return offset


def _print_place(printer: Printer, ptr: SSAValue, offset: SSAValue) -> None:
    printer.print_operand(ptr)
    printer.print_string("[")
    printer.print_operand(offset)
    printer.print_string("]")


class ScalarReadEffect(MemoryEffect):
    """Reads through its pointer operand, writes nothing."""

    @classmethod
    def get_effects(cls, op: Operation) -> set[EffectInstance]:
        return {EffectInstance(MemoryEffectKind.READ, op.operands[0])}


@irdl_op_definition
class LoadScalarOp(IRDLOperation):
    """`%v = pto.load_scalar %p[%i] : !pto.ptr<i32> -> i32`."""

    name = "pto.load_scalar"
    ptr = operand_def(PtrType)
    offset = operand_def(IndexType)
    res = result_def()
    traits = traits_def(ScalarReadEffect())

    def __init__(self, ptr: SSAValue, offset: SSAValue):
        assert isinstance(ptr.type, PtrType)
        super().__init__(operands=[ptr, offset], result_types=[ptr.type.element_type])

    def verify_(self) -> None:
        expect_pointed(self.ptr, self.res)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        ptr = parser.parse_unresolved_operand()
        offset = _parse_offset(parser)
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        pointer = parser.resolve_operand(ptr, parse_pointer_type(parser))
        parser.parse_punctuation("->")
        return cls.create(
            operands=[pointer, offset], result_types=[parser.parse_type()], attributes=attributes
        )

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        _print_place(printer, self.ptr, self.offset)
        print_conversion(printer, self.attributes, self.ptr, self.res)


class ScalarWriteEffect(MemoryEffect):
    @classmethod
    def get_effects(cls, op: Operation) -> set[EffectInstance]:
        return {EffectInstance(MemoryEffectKind.WRITE, op.operands[1])}


@irdl_op_definition
class StoreScalarOp(IRDLOperation):
    """`pto.store_scalar %v, %p[%i] : !pto.ptr<f32>, f32`."""

    name = "pto.store_scalar"
    value = operand_def()
    ptr = operand_def(PtrType)
    offset = operand_def(IndexType)
    traits = traits_def(ScalarWriteEffect())

    def __init__(self, value: SSAValue, ptr: SSAValue, offset: SSAValue):
        super().__init__(operands=[value, ptr, offset])

    def verify_(self) -> None:
        expect_pointed(self.ptr, self.value)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        value = parser.parse_unresolved_operand()
        parser.parse_punctuation(",")
        ptr = parser.parse_unresolved_operand()
        offset = _parse_offset(parser)
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        pointer = parser.resolve_operand(ptr, parse_pointer_type(parser))
        parser.parse_punctuation(",")
        stored = parser.resolve_operand(value, parser.parse_type())
        return cls.create(operands=[stored, pointer, offset], attributes=attributes)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_operand(self.value)
        printer.print_string(", ")
        _print_place(printer, self.ptr, self.offset)
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_attribute(self.ptr.type)
        printer.print_string(", ")
        printer.print_attribute(self.value.type)


class PointerCastOp(IRDLOperation):
    """`%r = pto.OP %x : T -> T'`, with pointers and integers on either side."""

    source = operand_def(PtrType | IntegerType)
    res = result_def(PtrType | IntegerType)
    traits = traits_def(Pure())

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        source = parser.parse_unresolved_operand()
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        source_type = parse_pointer_type(parser)
        parser.parse_punctuation("->")
        result = parse_pointer_type(parser)
        operand = parser.resolve_operand(source, source_type)
        return cls.create(operands=[operand], result_types=[result], attributes=attributes)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_operand(self.source)
        print_conversion(printer, self.attributes, self.source, self.res)


@irdl_op_definition
class CastPtrOp(PointerCastOp):
    """A pointer to other elements in the same memory, or a pointer from or to an integer."""

    name = "pto.castptr"

    def verify_(self) -> None:
        source, result = self.source.type, self.res.type
        if isinstance(source, PtrType) and isinstance(result, PtrType):
            if source.data.space != result.data.space:
                raise VerifyException(
                    f"expects a pointer to {source.data.space} memory, found {result.data.space}"
                )
        elif not isinstance(source, PtrType) and not isinstance(result, PtrType):
            raise VerifyException("expects a pointer on one side, found two integers")


@irdl_op_definition
class PtrToIntOp(PointerCastOp):
    """The byte address that a GM pointer is."""

    name = "pto.ptrtoint"
    source = operand_def(PtrType)
    res = result_def(I64)


@irdl_op_definition
class IntToPtrOp(PointerCastOp):
    """A GM pointer from a byte address."""

    name = "pto.inttoptr"
    source = operand_def(IntegerType)
    res = result_def(PtrType)


OPERATIONS: list[type[Operation]] = [
    *(AddPtrOp, LoadScalarOp, StoreScalarOp),
    *(CastPtrOp, PtrToIntOp, IntToPtrOp),
]
