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
AddressSpaceAttr = _word_attr(AngleAttr, "address_space", "zero gm mat left right acc vec bias scaling")
CmpAttr = _word_attr(SpacedAttr, "cmp", "eq ne lt le gt ge")
RoundModeAttr = _word_attr(SpacedAttr, "round_mode", "NONE RINT ROUND FLOOR CEIL TRUNC ODD CAST_RINT")
SaturationModeAttr = _word_attr(SpacedAttr, "saturation_mode", "ON OFF")
AccPhaseAttr = _word_attr(SpacedAttr, "acc_phase", "unspecified partial final")

_PIPES = (
    "PIPE_S PIPE_V PIPE_M PIPE_MTE1 PIPE_MTE2 PIPE_MTE3 PIPE_ALL PIPE_MTE4 PIPE_MTE5 PIPE_V2 PIPE_FIX "
    "VIRTUAL_PIPE_MTE2_L1A VIRTUAL_PIPE_MTE2_L1B PIPE_NUM PIPE_UNASSIGNED"
)
_SYNC_OPS = (
    "TLOAD TSTORE_ACC TSTORE_VEC TMOV_M2L TMOV_M2S TMOV_M2B TMOV_M2V TMOV_V2M TMATMUL TVEC TVECWAIT_EVENT"
)

PipeAttr = _word_attr(AngleAttr, "pipe", _PIPES)
EventAttr = _word_attr(AngleAttr, "event", " ".join(f"EVENT_ID{i}" for i in range(8)))
SyncAllModeAttr = _word_attr(AngleAttr, "sync_all_mode", "hard soft")
SyncCoreTypeAttr = _word_attr(AngleAttr, "sync_core_type", "aiv_only aic_only mix")
FenceScopeAttr = _word_attr(AngleAttr, "fence_scope", "local_memory gm all")
AtomicTypeAttr = _word_attr(SpacedAttr, "atomic_type", "atomic_none atomic_add")
NotifyOpAttr = _word_attr(SpacedAttr, "notify_op", "atomic_add set")
WaitCmpAttr = _word_attr(SpacedAttr, "wait_cmp", "eq ne gt ge lt le")
ReduceOpAttr = _word_attr(SpacedAttr, "reduce_op", "sum max min")
QuantTypeAttr = _word_attr(SpacedAttr, "quant_type", "INT8_SYM INT8_ASYM MXFP8 MXFP4_E2M1")
CoalesceAttr = _word_attr(SpacedAttr, "coalesce", "row elem")

_ANGLE = {
    "pipe_event_type": _SYNC_OPS,
    "sync_op_type": _SYNC_OPS,
    "blayout": "row_major col_major",
    "slayout": "none_box row_major col_major",
    "pad_value": "null zero max min",
    "compact_mode": "null normal row_plus_one",
    "padmode": "PadNull PadFirstElem PadValue",
    "acc_to_vec_mode": "single_mode_vec0 single_mode_vec1 dual_mode_split_m dual_mode_split_n",
    "tinsert_mode": "split2 split4",
}
_SPACED = {
    "st_phase": "unspecified partial final",
    "relu_pre_mode": "no_relu normal_relu scalar_relu vector_relu pwl",
    "gather_oob": "undefined clamp wrap zero",
    "scatter_atomic_op": "none add max min",
    "scatter_oob": "undefined skip clamp wrap",
    "scatter_conflict": "default last",
    "print_format": "width8_precision4 width8_precision2 width10_precision6",
    "quant_scale_alg": "ocp nv",
    "mx_group_axis": "axis0 axis1",
    "vec_store_mode": "nd nz",
} | {
    f"{function}_precision": "default high_precision"
    for function in ("div", "exp", "log", "recip", "rem", "rsqrt", "sqrt", "fmod", "pow")
}

_ACC_PUSH_EPILOGUE = {"layout": "nz2nd nz2dn nz2nz", "quant": "", "relu": "no_relu normal_relu"}


def _epilogue_problem(key: str, value: str) -> str | None:
    words = _ACC_PUSH_EPILOGUE[key].split()
    if not words or value in words:
        return None
    return f"expected {key} to be one of {', '.join(words)}, found '{value}'"


@irdl_attr_definition
class AccPushEpilogueAttr(Data[tuple[str, str, str]]):
    """What a push from the accumulator does on its way: `#pto.acc_push_epilogue<layout = nz2nd, …>`.

    `data` is layout, quantisation and activation, in the order of the text.
    """

    name = "pto.acc_push_epilogue"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> tuple[str, str, str]:
        values: list[str] = []
        with parser.in_angle_brackets():
            for position, key in enumerate(_ACC_PUSH_EPILOGUE):
                if position:
                    parser.parse_punctuation(",")
                parser.parse_keyword(key)
                parser.parse_punctuation("=")
                place = parser.pos
                values.append(parser.parse_identifier())
                if problem := _epilogue_problem(key, values[-1]):
                    parser.raise_error(problem, place, place + len(values[-1]))
        layout, quant, relu = values
        return layout, quant, relu

    def print_parameter(self, printer: Printer) -> None:
        pairs = zip(_ACC_PUSH_EPILOGUE, self.data, strict=True)
        printer.print_string("<" + ", ".join(f"{key} = {value}" for key, value in pairs) + ">")

    def verify(self) -> None:
        for key, value in zip(_ACC_PUSH_EPILOGUE, self.data, strict=True):
            if problem := _epilogue_problem(key, value):
                raise VerifyException(problem)


ATTRIBUTES: list[type[Attribute]] = [
    *(MaskPatternAttr, LayoutAttr, KernelKindAttr, AddressSpaceAttr, CmpAttr, RoundModeAttr),
    *(SaturationModeAttr, AccPhaseAttr, PipeAttr, EventAttr, SyncAllModeAttr, SyncCoreTypeAttr),
    *(FenceScopeAttr, AtomicTypeAttr, NotifyOpAttr, WaitCmpAttr, ReduceOpAttr, QuantTypeAttr, CoalesceAttr),
    *(_word_attr(AngleAttr, mnemonic, words) for mnemonic, words in _ANGLE.items()),
    *(_word_attr(SpacedAttr, mnemonic, words) for mnemonic, words in _SPACED.items()),
    AccPushEpilogueAttr,
]
