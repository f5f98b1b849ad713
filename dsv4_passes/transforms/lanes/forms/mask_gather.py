"""Take pairs apart by two gathers with a mask.

%e, %o = dsv4.deinterleave %x        =>    %e = tgather %x {P0101};  %o = tgather %x {P1010}
"""

from collections.abc import Sequence

from xdsl.ir import SSAValue

from dialects.pto.types import TileLayout
from dsv4_passes.transforms.lanes.builder import Builder

from .form import Built, Form, Target, Widened, lacks, not_whole_rows, not_widened
from .scatter_pair import PATTERNS, gather


def refuse(target: Target, layout: TileLayout) -> str | None:
    return not_whole_rows(layout) or lacks(target, "tgather", layout.dtype, "mask")


def build(builder: Builder, operands: Sequence[SSAValue]) -> list[Built]:
    return [gather(builder, operands[0], pattern) for pattern in PATTERNS]


MASK_GATHER = Form("mask-gather", "deinterleave", refuse, build)


def refuse_wide(target: Target, layout: TileLayout) -> str | None:
    return not_widened(target, layout) or refuse(target, layout._replace(dtype="f32"))


def build_wide(builder: Builder, operands: Sequence[SSAValue]) -> list[Built]:
    wide = builder.f32_in_vec(operands[0])
    return [Widened(gather(builder, wide, pattern)) for pattern in PATTERNS]


WIDE_MASK_GATHER = Form("mask-gather", "deinterleave", refuse_wide, build_wide)
"""Short numbers as the f32 numbers that they widen to."""
