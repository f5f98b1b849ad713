"""Talking to other devices: puts, gets, signals, collectives, and their asynchronous relatives.

All have one text: `pto.comm.OP(%a, %b, STAGING(%ping, %pong), group(%p0, %p1) : types) {…} -> T`, where the
staging buffers are on-chip scratch memory and the group has one view per device.
"""

from abc import ABC
from typing import ClassVar, Self

from xdsl.dialects.builtin import IntegerAttr, IntegerType
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    result_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from .attributes import AtomicTypeAttr, NotifyOpAttr, ReduceOpAttr, WaitCmpAttr
from .base import OrderedOp, leaf
from .handles import AsyncSessionType, PrefetchAsyncContextType
from .operand_names import expect_count
from .syntax import parse_names, parse_typed_names, segment_sizes
from .types import AnyTileType, AnyViewType


class CommOp(OrderedOp, IRDLOperation, ABC):
    """What they share; a row of the table below says the rest."""

    OPERANDS: ClassVar[str] = "dst src"
    """Names of the operands in front of the staging buffers."""
    STAGING: ClassVar[str] = ""
    """The word in front of the staging buffers, if the operation has any."""
    GROUP: ClassVar[bool] = False
    """It has one view for each device of a group."""
    RESULTS: ClassVar[int] = 0
    REQUIRED: ClassVar[tuple[str, ...]] = ()
    """Properties it cannot go without."""

    args = var_operand_def()
    staging = var_operand_def(AnyTileType)
    group = var_operand_def(AnyViewType)
    res = var_result_def()
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    atomicType = opt_prop_def(AtomicTypeAttr)
    notifyOp = opt_prop_def(NotifyOpAttr)
    cmp = opt_prop_def(WaitCmpAttr)
    reduceOp = opt_prop_def(ReduceOpAttr)
    root = opt_prop_def(IntegerAttr)

    def operand(self, name: str) -> SSAValue:
        """The operand of that name in front of the staging buffers."""
        return self.args[self.OPERANDS.split().index(name)]

    def scratch_operands(self) -> list[SSAValue]:
        """Tiles that the operation overwrites on its way."""
        return list(self.staging)

    def verify_(self) -> None:
        expect_count("operand", self.OPERANDS.split(), len(self.args))
        if bool(self.STAGING) != bool(self.staging) or len(self.staging) > 2:
            expected = "1 or 2" if self.STAGING else "no"
            raise VerifyException(f"expects {expected} staging buffers, found {len(self.staging)}")
        if self.GROUP != bool(self.group):
            expected = "a group" if self.GROUP else "no group"
            raise VerifyException(f"expects {expected}, found {len(self.group)} views")
        if len(self.res) != self.RESULTS:
            raise VerifyException(f"expects {self.RESULTS} results, found {len(self.res)}")
        for name in self.REQUIRED:
            if name not in self.properties:
                raise VerifyException(f"expects attribute {name}, found none")
        if self.root is not None and self.root.value.data >= len(self.group):
            raise VerifyException(
                f"expects a root below the group's size {len(self.group)}, found {self.root.value.data}"
            )
        self._verify_types()

    def _verify_types(self) -> None:
        if self.OPERANDS == "signal value":
            signal, value = self.args
            if not isinstance(signal.type, AnyViewType) or signal.type.data.dtype != "i32":
                raise VerifyException(f"expects a view of i32 as signal, found {signal.type}")
            if value.type != IntegerType(32):
                raise VerifyException(f"expects an i32 value, found {value.type}")
        elif self.OPERANDS == "dst src":
            dst, src = (arg.type for arg in self.args)
            if dst != src:
                raise VerifyException(f"expects views of one type, found {dst} and {src}")
        views = [v.type.data.dtype for v in (*self.args, *self.group) if isinstance(v.type, AnyViewType)]
        for tile in self.staging:
            assert isinstance(tile.type, AnyTileType)
            if tile.type.data.dtype != views[0]:
                raise VerifyException(
                    f"expects staging buffers of {views[0]} elements, found {tile.type.data.dtype}"
                )

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        parser.parse_punctuation("(")
        names = parse_names(parser)
        arguments = len(names)
        sizes = {cls.STAGING: 0, "group": 0}
        while (word := parser.parse_optional_identifier()) is not None:
            if not word or word not in sizes:
                parser.raise_error(f"unexpected '{word}'")
            with parser.in_parens():
                added = parse_names(parser)
            sizes[word] = len(added)
            names += added
            if parser.parse_optional_punctuation(",") is None:
                break
        parser.parse_punctuation(":")
        operands = parse_typed_names(parser, names, [], [])
        parser.parse_punctuation(")")
        attributes = parser.parse_optional_attr_dict()
        results = [parser.parse_type()] if parser.parse_optional_punctuation("->") is not None else []
        properties: dict[str, Attribute] = {
            "operandSegmentSizes": segment_sizes(arguments, sizes[cls.STAGING], sizes["group"])
        }
        declared = cls.get_irdl_definition().properties
        properties |= {name: attributes.pop(name) for name in list(attributes) if name in declared}
        return cls.create(
            operands=operands, result_types=results, properties=properties, attributes=attributes
        )

    def print(self, printer: Printer) -> None:
        printer.print_string("(")
        printer.print_list(self.args, printer.print_operand)
        for word, values in ((self.STAGING, self.staging), ("group", self.group)):
            if values:
                printer.print_string(f", {word}(")
                printer.print_list(values, printer.print_operand)
                printer.print_string(")")
        printer.print_string(" : ")
        printer.print_list([value.type for value in self.operands], printer.print_attribute)
        printer.print_string(")")
        shown = {name: attr for name, attr in self.properties.items() if name != "operandSegmentSizes"}
        printer.print_op_attributes({**shown, **self.attributes})
        if self.res:
            printer.print_string(" -> ")
            printer.print_list([value.type for value in self.res], printer.print_attribute)


@irdl_op_definition
class GetPrefetchAsyncSessionOp(IRDLOperation):
    """`%s = pto.get_prefetch_async_session %ctx : !pto.prefetch_async_context -> !pto.async_session`."""

    name = "pto.get_prefetch_async_session"
    ctx = operand_def(PrefetchAsyncContextType)
    session = result_def(AsyncSessionType)
    traits = traits_def(Pure())
    assembly_format = "$ctx attr-dict `:` type($ctx) `->` type($session)"


_SIGNAL = {"OPERANDS": "signal value"}
_COLLECTIVE = {"STAGING": "recv", "GROUP": True, "REQUIRED": ("root",)}
_ONE = {"RESULTS": 1}
_EVENT = {"OPERANDS": "event session", "RESULTS": 1}

OPERATIONS: list[type[Operation]] = [
    *(leaf(CommOp, f"comm.{name}", STAGING="buf") for name in ("tput", "tget")),
    leaf(CommOp, "comm.tnotify", REQUIRED=("notifyOp",), **_SIGNAL),
    leaf(CommOp, "comm.twait", REQUIRED=("cmp",), **_SIGNAL),
    leaf(CommOp, "comm.ttest", REQUIRED=("cmp",), **_SIGNAL, **_ONE),
    *(leaf(CommOp, f"comm.{name}", OPERANDS="src", **_COLLECTIVE) for name in ("tbroadcast", "tscatter")),
    leaf(CommOp, "comm.tgather", OPERANDS="dst", **_COLLECTIVE),
    leaf(CommOp, "comm.treduce", **{**_COLLECTIVE, "OPERANDS": "dst acc", "REQUIRED": ("reduceOp", "root")}),
    leaf(CommOp, "comm.build_async_session", OPERANDS="scratch workspace", **_ONE),
    *(leaf(CommOp, f"comm.{name}_async", OPERANDS="dst src session", **_ONE) for name in ("tput", "tget")),
    *(leaf(CommOp, f"comm.{name}_async_event", **_EVENT) for name in ("wait", "test")),
    leaf(CommOp, "make_prefetch_async_context", OPERANDS="workspace", **_ONE),
    leaf(CommOp, "tprefetch_async", OPERANDS="src ctx", **_ONE),
    GetPrefetchAsyncSessionOp,
]
