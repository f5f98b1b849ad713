"""Swap pairs of 16-bit lanes: every 32-bit word turned by 16 bits.

    %y = dsv4.swap_pairs %x : 32x64xbf16        %w = reshape %x : 32x64xbf16 -> 16x64xui32   (no bytes move)
                                                %u = tshls %w, 16
                                          =>    %d = tshrs %w, 16
                                                %t = tor %u, %d
                                                %y = reshape %t : 16x64xui32 -> 32x64xbf16

The element type plays no role: every bit is kept. Wants whole contiguous rows (P1, P2).
"""

from collections.abc import Sequence

from xdsl.ir import SSAValue

from dialects.pto.base import layout_of
from dialects.pto.types import TileLayout
from dsv4_passes.transforms.lanes.builder import Builder

from .form import Built, Form, Target, cannot_reinterpret, lacks, not_whole_rows, wants_bits
from .words import WORD, joined, seen_as, shifted, words_of


def refuse(target: Target, layout: TileLayout) -> str | None:
    return (
        wants_bits(layout, 16)
        or cannot_reinterpret(target)
        or not_whole_rows(layout, 32)
        or next((why for m in ("tshls", "tshrs", "tor") if (why := lacks(target, m, WORD))), None)
    )


def build(builder: Builder, operands: Sequence[SSAValue]) -> list[Built]:
    (x,) = operands
    words = words_of(builder, x)
    up, down = shifted(builder, words, 16), shifted(builder, words, -16)
    return [seen_as(builder, joined(builder, down, up), layout_of(x))]


BIT_SWAP = Form("bit-swap", "swap_pairs", refuse, build)
