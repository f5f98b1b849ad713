"""The enumeration attributes of the `pto` dialect, as a table.

Two spellings exist, and each attribute has one of them: `#pto.layout<nd>` and `#pto<cmp ne>`
(`ptoas` 0.60, PTOAttrs.td: AttrDef with an assembly format, and EnumAttr). `data` is the chosen word.
"""

from typing import ClassVar

from xdsl.ir import Attribute, Data, SpacedOpaqueSyntaxAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException


class WordAttr(Data[str]):
    """An attribute that is one word out of `WORDS`."""

    WORDS: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def parse_word(cls, parser: AttrParser) -> str:
        position = parser.pos
        word = parser.parse_identifier_or_str_literal()
        if word not in cls.WORDS:
            what, known = cls.name.removeprefix("pto."), ", ".join(cls.WORDS)
            parser.raise_error(
                f"expected {what} to be one of {known}, found '{word}'", position, position + len(word)
            )
        return word

    def verify(self) -> None:
        if self.data not in self.WORDS:
            raise VerifyException(f"expected one of {', '.join(self.WORDS)}, found '{self.data}'")


class AngleAttr(WordAttr):
    """`#pto.layout<nd>`."""

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> str:
        with parser.in_angle_brackets():
            return cls.parse_word(parser)

    def print_parameter(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string(self.data)


class SpacedAttr(WordAttr, SpacedOpaqueSyntaxAttribute):
    """`#pto<cmp ne>`."""

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> str:
        return cls.parse_word(parser)

    def print_parameter(self, printer: Printer) -> None:
        printer.print_string(self.data)


def _word_attr(base: type[WordAttr], mnemonic: str, words: str) -> type[WordAttr]:
    """One row of the tables below as an attribute class."""
    class_name = "".join(part.capitalize() for part in mnemonic.split("_")) + "Attr"
    namespace = {"name": f"pto.{mnemonic}", "WORDS": tuple(words.split()), "__module__": __name__}
    return irdl_attr_definition(type(class_name, (base,), namespace))


MaskPatternAttr = _word_attr(AngleAttr, "mask_pattern", "P0101 P1010 P0001 P0010 P0100 P1000 P1111")
LayoutAttr = _word_attr(AngleAttr, "layout", "nd dn nz mx_a_zz mx_b_nn")
KernelKindAttr = _word_attr(AngleAttr, "kernel_kind", "cube vector")
AddressSpaceAttr = _word_attr(
    AngleAttr, "address_space", "zero gm mat left right acc vec bias scaling"
)
CmpAttr = _word_attr(SpacedAttr, "cmp", "eq ne lt le gt ge")
RoundModeAttr = _word_attr(
    SpacedAttr, "round_mode", "NONE RINT ROUND FLOOR CEIL TRUNC ODD CAST_RINT"
)
SaturationModeAttr = _word_attr(SpacedAttr, "saturation_mode", "ON OFF")
AccPhaseAttr = _word_attr(SpacedAttr, "acc_phase", "unspecified partial final")

_PIPES = "PIPE_S PIPE_V PIPE_M PIPE_MTE1 PIPE_MTE2 PIPE_MTE3 PIPE_ALL PIPE_MTE4 PIPE_MTE5 PIPE_V2 PIPE_FIX"

_MORE = [
    (AngleAttr, "pipe", _PIPES + " PIPE_UNASSIGNED"),
    (AngleAttr, "event", " ".join(f"EVENT_ID{i}" for i in range(8))),
    (
        AngleAttr,
        "pipe_event_type",
        "TLOAD TSTORE_ACC TSTORE_VEC TMOV_M2L TMOV_M2S TMOV_M2B TMOV_M2V TMOV_V2M "
        "TMATMUL TVEC TVECWAIT_EVENT",
    ),
    (AngleAttr, "blayout", "row_major col_major"),
    (AngleAttr, "slayout", "none_box row_major col_major"),
    (AngleAttr, "pad_value", "null zero max min"),
    (AngleAttr, "compact_mode", "null normal row_plus_one"),
    (AngleAttr, "padmode", "PadNull PadFirstElem PadValue"),
]

ATTRIBUTES: list[type[Attribute]] = [
    MaskPatternAttr,
    LayoutAttr,
    KernelKindAttr,
    AddressSpaceAttr,
    CmpAttr,
    RoundModeAttr,
    SaturationModeAttr,
    AccPhaseAttr,
    *(_word_attr(*row) for row in _MORE),
]
