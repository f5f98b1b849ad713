"""Waiting and making visible: flags between pipelines, barriers, fences, locks on buffers, all cores."""

from abc import ABC
from typing import ClassVar, Self

from xdsl.dialects.builtin import I32, IndexType, IntegerAttr, i32
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    var_operand_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from .attributes import (
    AddressSpaceAttr,
    EventAttr,
    FenceScopeAttr,
    PipeAttr,
    SyncAllModeAttr,
    SyncCoreTypeAttr,
)
from .base import OrderedOp, leaf, target_arch
from .syntax import parse_pointer_type, parse_values, parse_word, print_values, print_word, segment_sizes
from .target import chip_rules
from .types import PartitionTensorViewType, PtrType, TensorViewType

_MOVERS = ("PIPE_FIX", "PIPE_MTE1", "PIPE_MTE2", "PIPE_MTE3", "PIPE_V")
"""Pipelines that can signal another core (ptoas 0.60, PTO.cpp verifyNamedSyncEventOp)."""


class FlagOp(OrderedOp, IRDLOperation, ABC):
    """One pipeline waits for another: `pto.set_flag[<PIPE_MTE2>, <PIPE_V>, <EVENT_ID0>]`.

    `record_event` and `wait_event` name the kinds of operation instead of the pipelines. The event may
    be a value of type index.
    """

    KEYS: ClassVar[tuple[str, str]] = ("src_pipe", "dst_pipe")
    src_pipe = opt_prop_def()
    dst_pipe = opt_prop_def()
    src_op = opt_prop_def()
    dst_op = opt_prop_def()
    event_id = opt_prop_def(EventAttr)
    event = opt_operand_def(IndexType)

    def verify_(self) -> None:
        if (self.event_id is None) == (self.event is None):
            raise VerifyException("expects one event, as an attribute or as an operand")
        for key in self.KEYS:
            if key not in self.properties:
                raise VerifyException(f"expects {key}, found none")

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        properties: dict[str, Attribute] = {}
        operands: list[SSAValue] = []
        parser.parse_punctuation("[")
        for key in cls.KEYS:
            properties[key] = parse_word(parser, PipeAttr)
            parser.parse_punctuation(",")
        if (name := parser.parse_optional_unresolved_operand()) is not None:
            operands.append(parser.resolve_operand(name, IndexType()))
        else:
            properties["event_id"] = parse_word(parser, EventAttr)
        parser.parse_punctuation("]")
        attributes = parser.parse_optional_attr_dict()
        return cls.create(operands=operands, properties=properties, attributes=attributes)

    def print(self, printer: Printer) -> None:
        printer.print_string("[")
        for key in self.KEYS:
            print_word(printer, self.properties[key])
            printer.print_string(", ")
        if self.event is not None:
            printer.print_operand(self.event)
        elif self.event_id is not None:
            print_word(printer, self.event_id)
        printer.print_string("]")
        printer.print_op_attributes(self.attributes)


class CoreFlagOp(OrderedOp, IRDLOperation, ABC):
    """A signal between cores: `pto.sync.set <PIPE_MTE3>, 0 {ffts_mode = 2 : i32}`.

    The number of the event may be a value of type index.
    """

    pipe = prop_def(PipeAttr)
    event_id = opt_prop_def(IntegerAttr)
    ffts_mode = opt_prop_def(IntegerAttr)
    event = opt_operand_def(IndexType)

    def verify_(self) -> None:
        if (self.event_id is None) == (self.event is None):
            raise VerifyException("expects one event, as a number or as an operand")
        chip = chip_rules(target_arch(self))
        most = chip.last_event(self.name.removeprefix("pto."))
        if most is None:
            return
        if self.event_id is not None and not 0 <= (number := self.event_id.value.data) <= most:
            raise VerifyException(f"expects an event between 0 and {most} on {chip.name}, found {number}")
        if self.pipe.data not in _MOVERS:
            raise VerifyException(
                f"expects one of {', '.join(_MOVERS)} on {chip.name}, found {self.pipe.data}"
            )

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        properties: dict[str, Attribute] = {"pipe": parse_word(parser, PipeAttr)}
        parser.parse_punctuation(",")
        operands: list[SSAValue] = []
        if (name := parser.parse_optional_unresolved_operand()) is not None:
            operands.append(parser.resolve_operand(name, IndexType()))
        else:
            properties["event_id"] = IntegerAttr(parser.parse_integer(), i32)
            if parser.parse_optional_punctuation(":") is not None:
                parser.parse_type()
        attributes = parser.parse_optional_attr_dict()
        if "ffts_mode" in attributes:
            properties["ffts_mode"] = attributes.pop("ffts_mode")
        return cls.create(operands=operands, properties=properties, attributes=attributes)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        print_word(printer, self.pipe)
        printer.print_string(", ")
        if self.event is not None:
            printer.print_operand(self.event)
        elif self.event_id is not None:
            printer.print_string(str(self.event_id.value.data))
        shown = {"ffts_mode": self.ffts_mode} if self.ffts_mode is not None else {}
        printer.print_op_attributes({**shown, **self.attributes})


class BufferLockOp(OrderedOp, IRDLOperation, ABC):
    """Take or give back a numbered buffer: `pto.get_buf "PIPE_MTE2", 0, 0`, or `[#pto…<TLOAD>, 0, 0]`.

    Behind the number of the buffer, which may be a value, stands the mode, 0 unless written.
    """

    op_type = prop_def()
    buf_id = opt_prop_def(IntegerAttr)
    mode = prop_def(IntegerAttr, default_value=IntegerAttr(0, i32))
    buffer = opt_operand_def(IndexType)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        bracket = parser.parse_optional_punctuation("[") is not None
        kind = parser.parse_attribute() if bracket else parse_word(parser, PipeAttr)
        properties: dict[str, Attribute] = {"op_type": kind, "mode": IntegerAttr(0, i32)}
        operands: list[SSAValue] = []
        parser.parse_punctuation(",")
        if (name := parser.parse_optional_unresolved_operand()) is not None:
            operands.append(parser.resolve_operand(name, IndexType()))
        else:
            properties["buf_id"] = IntegerAttr(parser.parse_integer(), i32)
        if parser.parse_optional_punctuation(",") is not None:
            properties["mode"] = IntegerAttr(parser.parse_integer(), i32)
        if bracket:
            parser.parse_punctuation("]")
        attributes = parser.parse_optional_attr_dict()
        return cls.create(operands=operands, properties=properties, attributes=attributes)

    def print(self, printer: Printer) -> None:
        pipe = isinstance(self.op_type, PipeAttr)
        printer.print_string(" " if pipe else "[")
        if isinstance(self.op_type, PipeAttr):
            printer.print_string_literal(self.op_type.data)
        else:
            printer.print_attribute(self.op_type)
        printer.print_string(", ")
        if self.buffer is not None:
            printer.print_operand(self.buffer)
        elif self.buf_id is not None:
            printer.print_string(str(self.buf_id.value.data))
        printer.print_string(f", {self.mode.value.data}{'' if pipe else ']'}")
        printer.print_op_attributes(self.attributes)


@irdl_op_definition
class BarrierOp(OrderedOp, IRDLOperation):
    """Everything before it in that pipeline is finished: `pto.barrier <PIPE_ALL>`."""

    name = "pto.barrier"
    pipe = prop_def(PipeAttr)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        pipe = parse_word(parser, PipeAttr)
        return cls.create(properties={"pipe": pipe}, attributes=parser.parse_optional_attr_dict())

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        print_word(printer, self.pipe)
        printer.print_op_attributes(self.attributes)


@irdl_op_definition
class BarrierSyncOp(OrderedOp, IRDLOperation):
    """Wait for one kind of operation: `pto.barrier_sync[#pto.sync_op_type<TVEC>]`."""

    name = "pto.barrier_sync"
    op_type = prop_def()
    assembly_format = "`[` $op_type `]` attr-dict"


@irdl_op_definition
class FenceBarrierAllOp(OrderedOp, IRDLOperation):
    """Writes before it are visible to all who read after it: `pto.fence.barrier_all #pto.fence_scope<gm>`."""

    name = "pto.fence.barrier_all"
    scope = prop_def(FenceScopeAttr)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        scope = parse_word(parser, FenceScopeAttr)
        return cls.create(properties={"scope": scope}, attributes=parser.parse_optional_attr_dict())

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_attribute(self.scope)
        printer.print_op_attributes(self.attributes)


@irdl_op_definition
class CmoCacheInvalidOp(OrderedOp, IRDLOperation):
    """Forget cached GM: `all #pto.address_space<gm>`, or `%v single_cache_line : T` where a view starts."""

    name = "pto.cmo.cacheinvalid"
    addr = opt_operand_def(PtrType | TensorViewType | PartitionTensorViewType)
    space = prop_def(AddressSpaceAttr)

    def verify_(self) -> None:
        if (space := self.space.data) not in ("gm", "zero"):
            raise VerifyException(f"expects the address space gm, found {space}")

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        operands: list[SSAValue] = []
        space: Attribute = AddressSpaceAttr("gm")
        if parser.parse_optional_keyword("all") is not None:
            space = parse_word(parser, AddressSpaceAttr)
        else:
            name = parser.parse_unresolved_operand()
            parser.parse_keyword("single_cache_line")
            parser.parse_punctuation(":")
            operands.append(parser.resolve_operand(name, parser.parse_type()))
        attributes = parser.parse_optional_attr_dict()
        return cls.create(operands=operands, properties={"space": space}, attributes=attributes)

    def print(self, printer: Printer) -> None:
        if self.addr is None:
            printer.print_string(" all ")
            printer.print_attribute(self.space)
        else:
            printer.print_string(" ")
            printer.print_operand(self.addr)
            printer.print_string(" single_cache_line : ")
            printer.print_attribute(self.addr.type)
        printer.print_op_attributes(self.attributes)


@irdl_op_definition
class SyncAllOp(OrderedOp, IRDLOperation):
    """All cores meet: `pto.syncall() mode = #pto.sync_all_mode<hard>, core_type = #pto.sync_core_type<mix>`.

    The soft mode works in a piece of GM, and may be told how many cores take part.
    """

    name = "pto.syncall"
    gm_workspace = opt_operand_def(PtrType | TensorViewType | PartitionTensorViewType)
    used_cores = opt_operand_def(I32)
    mode = prop_def(SyncAllModeAttr)
    core_type = prop_def(SyncCoreTypeAttr)
    irdl_options = (AttrSizedOperandSegments(as_property=True),)

    def verify_(self) -> None:
        if (self.mode.data == "soft") != (self.gm_workspace is not None):
            expected = "a" if self.mode.data == "soft" else "no"
            raise VerifyException(f"expects {expected} GM workspace in {self.mode.data} mode")

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        operands = parse_values(parser)
        properties: dict[str, Attribute] = {}
        for position, (key, attr) in enumerate((("mode", SyncAllModeAttr), ("core_type", SyncCoreTypeAttr))):
            if position:
                parser.parse_punctuation(",")
            parser.parse_keyword(key)
            parser.parse_punctuation("=")
            properties[key] = parse_word(parser, attr)
        if len(operands) > 2:
            parser.raise_error(f"expected at most a workspace and a number of cores, found {len(operands)}")
        properties["operandSegmentSizes"] = segment_sizes(int(bool(operands)), int(len(operands) > 1))
        attributes = parser.parse_optional_attr_dict()
        return cls.create(operands=operands, properties=properties, attributes=attributes)

    def print(self, printer: Printer) -> None:
        printer.print_string("(")
        if self.operands:
            print_values(printer, list(self.operands))
        printer.print_string(") mode = ")
        printer.print_attribute(self.mode)
        printer.print_string(", core_type = ")
        printer.print_attribute(self.core_type)
        printer.print_op_attributes(self.attributes)


@irdl_op_definition
class TSyncOp(OrderedOp, IRDLOperation):
    """Wait for what is done to tiles or views: `pto.tsync ins(%a, %b : T, T)`."""

    name = "pto.tsync"
    events = var_operand_def()

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        parser.parse_keyword("ins")
        return cls.create(operands=parse_values(parser), attributes=parser.parse_optional_attr_dict())

    def print(self, printer: Printer) -> None:
        printer.print_string(" ins(")
        print_values(printer, self.events)
        printer.print_string(")")
        printer.print_op_attributes(self.attributes)


@irdl_op_definition
class SetFFTsOp(OrderedOp, IRDLOperation):
    """Where signals between cores are kept: `pto.set_ffts %p : !pto.ptr<i64>`."""

    name = "pto.set_ffts"
    ffts = operand_def(PtrType)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        name = parser.parse_unresolved_operand()
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        return cls.create(
            operands=[parser.resolve_operand(name, parse_pointer_type(parser))], attributes=attributes
        )

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_operand(self.ffts)
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_attribute(self.ffts.type)


_KINDS = {"KEYS": ("src_op", "dst_op")}

OPERATIONS: list[type[Operation]] = [
    *(leaf(FlagOp, name) for name in ("set_flag", "wait_flag", "set_flag_dyn", "wait_flag_dyn")),
    *(leaf(FlagOp, name, **_KINDS) for name in ("record_event", "wait_event")),
    *(leaf(CoreFlagOp, name) for name in ("sync.set", "sync.wait")),
    *(leaf(CoreFlagOp, name) for name in ("set_cross_block", "wait_cross_block")),
    *(leaf(CoreFlagOp, name) for name in ("set_intra_block", "wait_intra_block")),
    *(leaf(BufferLockOp, name) for name in ("get_buf", "rls_buf", "get_buf_dyn", "rls_buf_dyn")),
    *(BarrierOp, BarrierSyncOp, FenceBarrierAllOp, CmoCacheInvalidOp, SyncAllOp, TSyncOp, SetFFTsOp),
]
