"""Take pairs of bf16 lanes apart: a bf16 is the high half of the f32 it widens to.

    %e, %o = dsv4.deinterleave %x : 32x64xbf16      %w = reshape %x : 32x64xbf16 -> 16x64xui32
                                                    %e = tshls %w, 16
                                              =>    %d = tshrs %w, 16
                                                    %o = tshls %d, 16
                                                    reshape %e, %o : 16x64xui32 -> 32x32xf32

The odd lanes may also be what is left of a word when its low half is cleared: by `tands` with a number where
the chip has that for 32 bits, else by `tand` with a tile of masks, made once outside of loops.

The halves come out widened, which is what arithmetic wants. Every bit is kept. For other 16-bit types the
words are not the numbers they widen to.
"""

from collections.abc import Callable, Sequence

from xdsl.ir import SSAValue

from dialects.pto.base import layout_of
from dialects.pto.types import TileLayout
from dsv4_passes.transforms.lanes.builder import Builder

from .form import Built, Form, FormBuilder, Target, Widened, cannot_reinterpret, lacks, not_whole_rows
from .words import (
    HIGH_HALF,
    SIGNED_WORD,
    WORD,
    masked,
    masked_by_number,
    seen_as,
    shifted,
    words_of,
)


def refuse(target: Target, layout: TileLayout) -> str | None:
    if layout.dtype != "bf16":
        return f"bits widen bf16 alone, not {layout.dtype}"
    return (
        not_whole_rows(layout, 32)
        or cannot_reinterpret(target)
        or next((why for m in ("tshls", "tshrs") if (why := lacks(target, m, WORD))), None)
    )


def _by(mnemonic: str) -> Callable[[Target, TileLayout], str | None]:
    return lambda target, layout: refuse(target, layout) or lacks(target, mnemonic, SIGNED_WORD)


def by_shifts(builder: Builder, words: SSAValue) -> SSAValue:
    """The high half of each word, zeros below: to the right and back."""
    return shifted(builder, shifted(builder, words, -16), 16)


def by_mask(builder: Builder, words: SSAValue) -> SSAValue:
    """The same by a tile of masks."""
    return masked(builder, words, HIGH_HALF)


def by_number(builder: Builder, words: SSAValue) -> SSAValue:
    """The same by one number for all words."""
    return masked_by_number(builder, words, HIGH_HALF)


def _build(odd_lanes: Callable[[Builder, SSAValue], SSAValue]) -> FormBuilder:
    def build(builder: Builder, operands: Sequence[SSAValue]) -> list[Built]:
        (x,) = operands
        layout = layout_of(x)
        half = layout._replace(cols=layout.cols // 2, valid_cols=layout.cols // 2, dtype="f32")
        words = words_of(builder, x)
        even, odd = shifted(builder, words, 16), odd_lanes(builder, words)
        return [Widened(seen_as(builder, lanes, half)) for lanes in (even, odd)]

    return build


BITS_APART = (
    Form("bit-pack", "deinterleave", _by("tands"), _build(by_number)),
    Form("bit-pack", "deinterleave", _by("tand"), _build(by_mask)),
    Form("bit-pack", "deinterleave", refuse, _build(by_shifts)),
)
