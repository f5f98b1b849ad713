"""Sections, block numbers, barriers and flags: what surrounds the tile operations."""

from typing import Self

from xdsl.dialects.builtin import I64, i64
from xdsl.ir import Block, Operation
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    region_def,
    result_def,
    traits_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import NoTerminator, Pure

from .base import leaf


class SectionOp(IRDLOperation):
    """Code for one kind of core inside a function for both."""

    body = region_def("single_block")
    traits = traits_def(NoTerminator())

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        body = parser.parse_region()
        if not body.blocks:
            body.add_block(Block())
        return cls(regions=[body], attributes=parser.parse_optional_attr_dict())

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_region(self.body)
        printer.print_op_attributes(self.attributes)


@irdl_op_definition
class SectionCubeOp(SectionOp):
    """`pto.section.cube { … }`."""

    name = "pto.section.cube"


@irdl_op_definition
class SectionVectorOp(SectionOp):
    """`pto.section.vector { … }`."""

    name = "pto.section.vector"


class CoreNumberOp(IRDLOperation):
    """Which block, or sub-block, this core works on, and how many there are; an i64."""

    res = result_def(I64)
    traits = traits_def(Pure())
    assembly_format = "attr-dict"

    def __init__(self) -> None:
        super().__init__(result_types=[i64])


OPERATIONS: list[type[Operation]] = [
    SectionCubeOp,
    SectionVectorOp,
    *(leaf(CoreNumberOp, f"get_{core}_{what}") for core in ("block", "subblock") for what in ("idx", "num")),
]
