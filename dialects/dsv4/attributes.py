"""What is known about kernel arguments, and how arguments and loops are meant.

Facts: `#dsv4.selector<even>` on an argument says that the matrix in it is one-hot and picks the even lanes:
`m[2i, i] = 1` where it has twice as many rows as columns, `m[i, 2i] = 1` where it has twice as many columns,
`+0` elsewhere (`odd`: `2i + 1`). `#dsv4.table<even>` says the same of a row of lane numbers.
"""

from typing import ClassVar, NamedTuple

from xdsl.ir import Attribute, Data
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from dialects.pto.attributes import AngleAttr


@irdl_attr_definition
class SelectorAttr(AngleAttr):
    """A select matrix: which lanes it picks, or puts back when used transposed.

    A square one exchanges the lanes of each pair: as they are (`swap`), with the sign of what becomes an even
    lane turned (`rotate`: -x1 x0 -x3 x2 …), or of what becomes an odd lane (`unrotate`: x1 -x0 x3 -x2 …).
    """

    name = "dsv4.selector"
    WORDS: ClassVar = ("even", "odd", "swap", "rotate", "unrotate")


@irdl_attr_definition
class TableAttr(AngleAttr):
    """A row of lane numbers: `even` 0 2 4 …, `odd` 1 3 5 …, `swap` 1 0 3 2 …, `repeat` 0 0 1 1 …"""

    name = "dsv4.table"
    WORDS: ClassVar = ("even", "odd", "swap", "repeat")


@irdl_attr_definition
class DirectionAttr(AngleAttr):
    """What a function does with a GM tensor: `in` only reads, `out` writes, `inout` does both."""

    name = "dsv4.direction"
    WORDS: ClassVar = ("in", "out", "inout")

    @property
    def written(self) -> bool:
        return self.data != "in"


class Loop(NamedTuple):
    """`stage` is the depth of a software pipeline, 0 for other kinds; `options` is text for pypto alone."""

    kind: str
    stage: int = 0
    options: str = ""


@irdl_attr_definition
class LoopAttr(Data[Loop]):
    """How the iterations of an `scf.for` may run: `#dsv4.loop<pipeline 2>`, `#dsv4.loop<parallel>`.

    A text behind that is what the program says for pypto alone, as in `#dsv4.loop<range "{\"unroll\": 2}">`.
    A loop without one is a plain `range`. The meaning is that of the iterations in order.
    """

    name = "dsv4.loop"
    KINDS: ClassVar = ("range", "pipeline", "parallel", "unroll")

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> Loop:
        with parser.in_angle_brackets():
            kind = parser.parse_identifier()
            stage = parser.parse_optional_integer(allow_boolean=False, allow_negative=False)
            options = parser.parse_optional_str_literal()
        return Loop(kind, stage or 0, options or "")

    def print_parameter(self, printer: Printer) -> None:
        stage = f" {self.data.stage}" if self.data.stage else ""
        printer.print_string(f"<{self.data.kind}{stage}")
        if self.data.options:
            printer.print_string(" ")
            printer.print_string_literal(self.data.options)
        printer.print_string(">")

    def verify(self) -> None:
        if self.data.kind not in self.KINDS:
            raise VerifyException(f"expected one of {', '.join(self.KINDS)}, found '{self.data.kind}'")


ATTRIBUTES: list[type[Attribute]] = [SelectorAttr, TableAttr, DirectionAttr, LoopAttr]
