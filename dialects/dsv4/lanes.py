"""Lane operations: the pairs of a row taken apart, put together, exchanged and rotated.

    %e, %o = dsv4.deinterleave %x : T64 -> T32, T32        e[i] = x[2i], o[i] = x[2i+1]
    %x = dsv4.interleave %e, %o : T32, T32 -> T64          x[2i] = e[i], x[2i+1] = o[i]
    %y = dsv4.swap_pairs %x : T64 -> T64                   y[j] = x[j^1]
    %y = dsv4.rotate_pairs %x, %c, %s : T64, T32, T32 -> T64

They say what is wanted, not how a chip does it, and exist in value form only: `dsv4-raise-lanes` finds them
in code that moves lanes by whatever means, and `dsv4-lower-lanes` writes each in a form that the target has.
A user may write them, too.

Tiles lie in vector memory, row-major without boxes. Lanes have 8, 16 or 32 bits and are copied bit by bit;
only a rotation computes. All columns are valid, and their number is even; fewer rows may be valid, also a
number that is known at run time only, which then stands once for each result: `valid [%r, %r]`.
"""

from abc import ABC
from collections.abc import Sequence
from typing import ClassVar, Self

from xdsl.dialects.builtin import UnitAttr
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, opt_prop_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from dialects.pto.base import TileOp, layout_of, segment_sizes
from dialects.pto.syntax import parse_index_list, parse_names, print_index_list
from dialects.pto.target import ChipRules
from dialects.pto.types import TileLayout, TileType, element_bits


class LaneOp(TileOp, ABC):
    """What the lane operations share: their text, and the tiles they take.

    `OP %a, %b FLAG valid [%r, …] {attributes} : T, T -> T, T`
    """

    NOT_IN_PLACE: ClassVar = ("x", "even", "odd")

    def __init__(
        self,
        ins: Sequence[SSAValue],
        *,
        result: Attribute | Sequence[Attribute] = (),
        valid: Sequence[SSAValue] = (),
        flag: str | None = None,
    ):
        """`valid` is the number of valid rows, where the types say `?`, once for each result."""
        types = result if result else [TileType(layout) for layout in self.results_of(list(ins))]
        super().__init__(ins, result=types, valid=valid, properties={flag: UnitAttr()} if flag else None)

    @classmethod
    def results_of(cls, ins: Sequence[SSAValue]) -> list[TileLayout]:
        """The layouts of the results for these operands."""
        return [layout_of(ins[0])]

    def check(self, chip: ChipRules) -> None:
        if not self.is_value_form:
            raise VerifyException("exists in value form only")
        for value in (*self.ins, *self.res):
            check_layout(layout_of(value))
        self.check_operands()
        expected = self.results_of(list(self.ins))
        for result, layout in zip(self.res, expected, strict=True):
            if layout_of(result) != layout:
                raise VerifyException(f"expects a result of {TileType(layout)}, found {result.type}")

    def check_operands(self) -> None:
        """What the operands have to do with each other."""

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        position = parser.pos
        names = parse_names(parser)
        flags = [name for name in cls.INS_FLAGS if parser.parse_optional_keyword(name) is not None]
        valid = parse_index_list(parser) if parser.parse_optional_keyword("valid") is not None else []
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        types = parser.parse_comma_separated_list(parser.Delimiter.NONE, parser.parse_type)
        parser.parse_punctuation("->")
        results = parser.parse_comma_separated_list(parser.Delimiter.NONE, parser.parse_type)
        ins = parser.resolve_operands(names, types, position)
        return cls.create(
            operands=[*ins, *valid],
            result_types=results,
            properties={
                **{name: UnitAttr() for name in flags},
                "operandSegmentSizes": segment_sizes(len(ins), 0, len(valid)),
            },
            attributes=attributes,
        )

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_list(self.ins, printer.print_operand)
        for flag in self.INS_FLAGS:
            if flag in self.properties:
                printer.print_string(f" {flag}")
        if self.valid:
            printer.print_string(" valid ")
            print_index_list(printer, self.valid)
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_list([v.type for v in self.ins], printer.print_attribute)
        printer.print_string(" -> ")
        printer.print_list([v.type for v in self.res], printer.print_attribute)


def check_layout(layout: TileLayout) -> None:
    """The tile has whole lanes to move; raises VerifyException."""
    if layout.loc != "vec":
        raise VerifyException(f"expects tiles in vec memory, found {layout.loc}")
    if (layout.blayout, layout.slayout) != ("row_major", "none_box"):
        raise VerifyException(
            f"expects row_major tiles without boxes, found {layout.blayout} with {layout.slayout}"
        )
    if (bits := element_bits(layout.dtype)) not in (8, 16, 32):
        raise VerifyException(f"expects lanes of 8, 16 or 32 bits, found {layout.dtype} of {bits}")
    if layout.valid_cols != layout.cols:
        valid = "?" if layout.valid_cols < 0 else layout.valid_cols
        raise VerifyException(f"expects all {layout.cols} columns to be valid, found {valid}")


def _expect_even(layout: TileLayout) -> None:
    if layout.cols % 2:
        raise VerifyException(f"expects an even number of columns, found {layout.cols}")


def _with_columns(layout: TileLayout, cols: int) -> TileLayout:
    return layout._replace(cols=cols, valid_cols=cols)


@irdl_op_definition
class DeinterleaveOp(LaneOp):
    """The even and the odd lanes of each row, as two tiles half as wide."""

    name = "dsv4.deinterleave"
    OPERANDS: ClassVar = "x"
    DESTINATIONS: ClassVar = "even odd"
    ELEMENT: ClassVar = "even"

    @property
    def x(self) -> SSAValue:
        return self.ins[0]

    @property
    def even(self) -> SSAValue:
        return self.res[0]

    @property
    def odd(self) -> SSAValue:
        return self.res[1]

    @classmethod
    def results_of(cls, ins: Sequence[SSAValue]) -> list[TileLayout]:
        layout = layout_of(ins[0])
        return [_with_columns(layout, layout.cols // 2)] * 2

    def check_operands(self) -> None:
        _expect_even(layout_of(self.x))


@irdl_op_definition
class InterleaveOp(LaneOp):
    """Two tiles lane by lane in one twice as wide: `even` has its lanes 0, 2, 4 …"""

    name = "dsv4.interleave"
    OPERANDS: ClassVar = "even odd"

    @property
    def even(self) -> SSAValue:
        return self.ins[0]

    @property
    def odd(self) -> SSAValue:
        return self.ins[1]

    @classmethod
    def results_of(cls, ins: Sequence[SSAValue]) -> list[TileLayout]:
        layout = layout_of(ins[0])
        return [_with_columns(layout, layout.cols * 2)]

    def check_operands(self) -> None:
        if self.even.type != self.odd.type:
            raise VerifyException(f"expects halves of one type, found {self.even.type} and {self.odd.type}")


@irdl_op_definition
class SwapPairsOp(LaneOp):
    """The two lanes of each pair exchanged."""

    name = "dsv4.swap_pairs"
    OPERANDS: ClassVar = "x"

    @property
    def x(self) -> SSAValue:
        return self.ins[0]

    def check_operands(self) -> None:
        _expect_even(layout_of(self.x))


@irdl_op_definition
class RotatePairsOp(LaneOp):
    """Each pair `(e, o)` of f32 lanes rotated by an angle given by its cosine `c` and sine `s`.

                         even lane         odd lane
        forward          e*c - o*s         o*c + e*s
        `inverse`        e*c + o*s         o*c - e*s
        `signed`         e*c + o*s         o*c + e*s      the sign stands in the table

    Every product, sum and difference is rounded to f32 once; sums and products commute, and `a - b` is
    `a + (-b)`, bit for bit (NaN payloads aside). Both tables are half as wide as `x`, one entry for a pair,
    or as wide, one entry for a lane: `c` and `s` are then those of the lane that is computed. `signed` takes
    tables of full width only. A table has as many rows as `x`, or one row for all.
    """

    name = "dsv4.rotate_pairs"
    OPERANDS: ClassVar = "x cos sin"
    NOT_IN_PLACE: ClassVar = ("x", "cos", "sin")
    INS_FLAGS: ClassVar = ("inverse", "signed")
    inverse = opt_prop_def(UnitAttr)
    signed = opt_prop_def(UnitAttr)

    @property
    def x(self) -> SSAValue:
        return self.ins[0]

    @property
    def cos(self) -> SSAValue:
        return self.ins[1]

    @property
    def sin(self) -> SSAValue:
        return self.ins[2]

    @property
    def full_width(self) -> bool:
        """The tables have an entry for each lane, not for each pair."""
        return layout_of(self.cos).cols == layout_of(self.x).cols

    @property
    def signs(self) -> tuple[bool, bool]:
        """Whether the product with the sine is subtracted, of the even and of the odd lane."""
        if self.signed is not None:
            return False, False
        return (False, True) if self.inverse is not None else (True, False)

    def check_operands(self) -> None:
        layout = layout_of(self.x)
        _expect_even(layout)
        if self.inverse is not None and self.signed is not None:
            raise VerifyException("expects 'inverse' or 'signed', found both")
        if self.cos.type != self.sin.type:
            raise VerifyException(f"expects tables of one type, found {self.cos.type} and {self.sin.type}")
        table = layout_of(self.cos)
        if (layout.dtype, table.dtype) != ("f32", "f32"):
            raise VerifyException(f"expects f32 lanes and tables, found {layout.dtype} and {table.dtype}")
        if table.cols not in (layout.cols // 2, layout.cols):
            raise VerifyException(
                f"expects tables of {layout.cols // 2} or {layout.cols} columns, found {table.cols}"
            )
        if self.signed is not None and not self.full_width:
            raise VerifyException(f"expects signed tables of {layout.cols} columns, found {table.cols}")
        if (table.rows, table.valid_rows) not in ((layout.rows, layout.valid_rows), (1, 1)):
            raise VerifyException(
                f"expects tables with the rows of what they rotate, or one row, found {self.cos.type}"
            )


OPERATIONS: list[type[Operation]] = [DeinterleaveOp, InterleaveOp, SwapPairsOp, RotatePairsOp]
