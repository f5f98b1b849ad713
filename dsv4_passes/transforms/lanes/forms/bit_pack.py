"""Put 16-bit lanes together: the even ones are the low halves of words, the odd ones the high halves.

    %y = dsv4.interleave %e, %o : 32x32xbf16        %a = tcvt %e : bf16 -> f32;  %b = tcvt %o : bf16 -> f32
                                                    %l = tshrs %a, 16                (words of %a)
                                              =>    %w = tor %l, %b
                                                    %y = reshape %w : 16x64xui32 -> 32x64xbf16

Widening a bf16 puts it into the high half of a word with zeros below, whatever rounding made it (P5). Lanes
of other 16-bit types are seen as bf16 first, so that their bits are what is widened.

    %y = dsv4.interleave %c, %c : 32x32xbf16   =>   %a = tcvt %c;  %w = tor (tshrs %a, 16), %a
"""

from collections.abc import Sequence

from xdsl.ir import SSAValue

from dialects.pto.base import layout_of
from dialects.pto.types import TileLayout
from dsv4_passes.transforms.lanes.builder import Builder, CannotBuild

from .form import Built, Form, Target, cannot_reinterpret, lacks, not_whole_rows, wants_bits
from .short import shortened_from, without_sign
from .words import WORD, full_rows, joined, seen_as, shifted, words_of


def refuse(target: Target, layout: TileLayout) -> str | None:
    return (
        wants_bits(layout, 16)
        or cannot_reinterpret(target)
        or not_whole_rows(layout)
        or next((why for m in ("tshrs", "tor") if (why := lacks(target, m, WORD))), None)
    )


def build(builder: Builder, operands: Sequence[SSAValue]) -> list[Built]:
    even, odd = (words_of(builder, widened(builder, half)) for half in operands)
    half = layout_of(operands[0])
    whole = half._replace(cols=half.cols * 2, valid_cols=half.cols * 2)
    return [seen_as(builder, joined(builder, shifted(builder, even, -16), odd), whole)]


def widened(builder: Builder, half: SSAValue) -> SSAValue:
    """16-bit lanes as the high halves of words: where they were shortened from such, those."""
    if layout_of(half).dtype == "bf16" and (wide := shortened_from(half)) is not None:
        return wide
    layout = full_rows(layout_of(half)._replace(dtype="f32"))._replace(dtype="bf16")
    return builder.convert(seen_as(builder, half, layout), "f32", "RINT")


def build_double(builder: Builder, operands: Sequence[SSAValue]) -> list[Built]:
    if without_sign(operands[0]) is not without_sign(operands[1]):
        raise CannotBuild("its halves are two tiles")
    return build(builder, operands)


BIT_PACK = Form("bit-pack", "interleave", refuse, build)
BIT_DOUBLE = Form("bit-double", "interleave", refuse, build_double)
"""Half a table made whole, `c c` or `-s s`: a tile is packed with itself, or with its negative."""
