"""Setting up channels between the cube and the vector half of a kernel: their buffers and initialisation."""

from abc import ABC
from collections.abc import Mapping
from typing import ClassVar, Self

from xdsl.dialects.builtin import (
    I32,
    BoolAttr,
    IntegerAttr,
    StringAttr,
    SymbolRefAttr,
)
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    irdl_op_definition,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    result_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from .attributes import AccPushEpilogueAttr, AddressSpaceAttr
from .base import OrderedOp, leaf
from .syntax import Clause, parse_clauses, parse_value, print_clauses, print_value, segment_sizes
from .types import PtrType, TensorViewType

_OPERANDS = ("gm_slot_buffer", "gm_slot_tensor", "c2v_consumer_buf", "v2c_consumer_buf")


class ClausedOp(IRDLOperation, ABC):
    """An operation whose properties stand in braces in front of its attributes."""

    CLAUSES: ClassVar[Mapping[str, Clause]] = {}
    """Its properties in the order of the text, and what they are."""

    def print_clauses(self, printer: Printer) -> None:
        printer.print_string(" ")
        print_clauses(printer, {name: self.properties.get(name) for name in self.CLAUSES})


class ClausedResultOp(ClausedOp):
    """`%r = pto.OP {…} -> T`."""

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        properties = parse_clauses(parser, cls.CLAUSES)
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation("->")
        return cls.create(result_types=[parser.parse_type()], properties=properties, attributes=attributes)

    def print(self, printer: Printer) -> None:
        self.print_clauses(printer)
        printer.print_op_attributes(self.attributes)
        printer.print_string(" -> ")
        printer.print_attribute(self.results[0].type)


class BufferOp(ClausedResultOp):
    """`%b = pto.OP {…} -> i32`; the result is an address in bytes."""

    buffer_name = prop_def(StringAttr, prop_name="name")
    res = result_def(I32)


@irdl_op_definition
class ReserveBufferOp(BufferOp):
    """Memory of this side of a channel, `size` bytes at `base`, or where ptoas puts it if `auto`.

    `pto.reserve_buffer {name = "c2v", size = 8192, location = #pto.address_space<vec>, auto = false,
    base = 0} -> i32`
    """

    name = "pto.reserve_buffer"
    CLAUSES: ClassVar = {"name": None, "size": 32, "location": AddressSpaceAttr, "auto": 1, "base": 32}
    size = prop_def(IntegerAttr[I32])
    space = prop_def(AddressSpaceAttr, prop_name="location")
    auto = prop_def(BoolAttr)
    base = opt_prop_def(IntegerAttr[I32])

    def verify_(self) -> None:
        if (size := self.size.value.data) <= 0:
            raise VerifyException(f"expects a positive size, found {size}")
        if (space := self.space.data) not in ("vec", "mat"):
            raise VerifyException(f"expects a location in vec or mat memory, found {space}")
        if not self.auto.value.data and self.base is None:
            raise VerifyException("expects a base where auto is false, found none")


@irdl_op_definition
class ImportReservedBufferOp(BufferOp):
    """The buffer that the function on the other side reserves.

    `pto.import_reserved_buffer {name = "c2v", peer_func = @rope_aiv} -> i32`
    """

    name = "pto.import_reserved_buffer"
    CLAUSES: ClassVar = {"name": None, "peer_func": None}
    peer_func = prop_def(SymbolRefAttr)


class InitializePipeOp(OrderedOp, ClausedOp):
    """Set up one side of a channel, or of the two channels with one number.

    `{id = 0, dir_mask = 1, slot_size = 1024}(gm_slot_buffer = %p : !pto.ptr<f32>,
    c2v_consumer_buf = %b : i32, v2c_consumer_buf = %c0 : i32)`. `dir_mask` is 1 for cube
    to vector, 2 for vector to cube, 3 for both; `slot_size` is in bytes. Older text has no `id`, which
    means 0.
    """

    CLAUSES: ClassVar = {
        "id": 32,
        "dir_mask": 8,
        "slot_size": 32,
        "slot_num": 32,
        "local_slot_num": 32,
        "nosplit": 1,
        "acc_push_epilogue": None,
    }
    gm_slot_buffer = opt_operand_def(PtrType)
    gm_slot_tensor = opt_operand_def(TensorViewType)
    c2v_consumer_buf = opt_operand_def(I32)
    v2c_consumer_buf = opt_operand_def(I32)
    id = opt_prop_def(IntegerAttr)
    dir_mask = prop_def(IntegerAttr)
    slot_size = prop_def(IntegerAttr)
    slot_num = opt_prop_def(IntegerAttr)
    local_slot_num = opt_prop_def(IntegerAttr)
    nosplit = opt_prop_def(BoolAttr)
    acc_push_epilogue = opt_prop_def(AccPushEpilogueAttr)
    irdl_options = (AttrSizedOperandSegments(as_property=True),)

    @property
    def channel(self) -> int:
        """The channel's number."""
        return self.id.value.data if self.id else 0

    @property
    def directions(self) -> tuple[str, ...]:
        mask = self.dir_mask.value.data
        return tuple(name for bit, name in ((1, "c2v"), (2, "v2c")) if mask & bit)

    def verify_(self) -> None:
        if (mask := self.dir_mask.value.data) not in (1, 2, 3):
            raise VerifyException(f"expects dir_mask to be 1, 2 or 3, found {mask}")
        if (size := self.slot_size.value.data) <= 0:
            raise VerifyException(f"expects a positive slot_size, found {size}")
        slots = self.slot_num.value.data if self.slot_num else 4 if mask == 3 else 8
        local = self.local_slot_num.value.data if self.local_slot_num else 1
        if not 1 <= local <= slots:
            raise VerifyException(f"expects 1 <= local_slot_num <= slot_num, found {local} and {slots}")
        if self.gm_slot_tensor is not None and self.gm_slot_buffer is not None:
            raise VerifyException("expects gm_slot_buffer or gm_slot_tensor, found both")
        if self.gm_slot_tensor is None:
            for direction in self.directions:
                if getattr(self, name := f"{direction}_consumer_buf") is None:
                    raise VerifyException(f"expects a {name} for dir_mask {mask}, found none")

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        properties = parse_clauses(parser, cls.CLAUSES)
        given: dict[str, SSAValue] = {}
        parser.parse_punctuation("(")
        while parser.parse_optional_punctuation(")") is None:
            position = parser.pos
            key = parser.parse_identifier()
            if key not in _OPERANDS or key in given:
                problem = "given twice" if key in given else f"not one of {', '.join(_OPERANDS)}"
                parser.raise_error(f"operand '{key}' is {problem}", position)
            parser.parse_punctuation("=")
            given[key] = parse_value(parser)
            if parser.parse_optional_punctuation(",") is None:
                parser.parse_punctuation(")")
                break
        attributes = parser.parse_optional_attr_dict()
        properties["operandSegmentSizes"] = segment_sizes(*(int(key in given) for key in _OPERANDS))
        operands = [given[key] for key in _OPERANDS if key in given]
        return cls.create(operands=operands, properties=properties, attributes=attributes)

    def print(self, printer: Printer) -> None:
        self.print_clauses(printer)
        printer.print_string("(")
        given = [(key, value) for key in _OPERANDS if (value := getattr(self, key)) is not None]
        for position, (key, value) in enumerate(given):
            printer.print_string(f"{', ' if position else ''}{key} = ")
            print_value(printer, value)
        printer.print_string(")")
        printer.print_op_attributes(self.attributes)


OPERATIONS: list[type[Operation]] = [
    *(ReserveBufferOp, ImportReservedBufferOp),
    *(leaf(InitializePipeOp, f"{core}_initialize_pipe") for core in ("aic", "aiv")),
]
