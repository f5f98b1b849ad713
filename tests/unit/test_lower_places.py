"""Buffers and windows: a kernel computes the same in memory as on values."""

from io import StringIO

import numpy as np
from xdsl.context import Context

from dsv4_passes.formats.pto.reader import parse_text, verify_module
from dsv4_passes.formats.pto.writer import SpelledPrinter
from dsv4_passes.transforms.lowering.lower_tiles import PtoLowerPass
from dsv4_passes.validation.modules import compare_modules
from tests.unit.kernels import kernel, run


def lowered(text: str) -> str:
    module = parse_text(text, "test.pto")
    PtoLowerPass().apply(Context(), module)
    verify_module(module)
    output = StringIO()
    SpelledPrinter(output).print_op(module)
    return output.getvalue()


def test_a_window_is_kept_from_the_piece_that_is_written_to_it_on() -> None:
    """The tile begins, in the text, long after the piece that is written straight into its window."""
    text = kernel(
        """
        %a = load x
        %a1 = pto.tneg ins(%a : T<4x64xf32>) -> T<4x64xf32>
        %a2 = pto.tcvt ins(%a1 {rmode = #pto<round_mode RINT>} : T<4x64xf32>) -> T<4x64xbf16>
        %b = load y
        %b1 = pto.tneg ins(%b : T<4x64xf32>) -> T<4x64xf32>
        %b2 = pto.tcvt ins(%b1 {rmode = #pto<round_mode RINT>} : T<4x64xf32>) -> T<4x64xbf16>
        %u = pto.undef : T<8x64xbf16>
        %v = pto.insert %a2 into %u[%c0, %c0] : T<4x64xbf16> into T<8x64xbf16> -> T<8x64xbf16>
        %w = pto.insert %b2 into %v[%c4, %c0] : T<4x64xbf16> into T<8x64xbf16> -> T<8x64xbf16>
        store %w to out
        """,
        x="4x64xf32",
        y="4x64xf32",
        out="8x64xbf16",
    )
    rng = np.random.default_rng(3)
    x, y = (rng.standard_normal((4, 64)).astype(np.float32) for _ in range(2))
    before, after = run(text, x=x, y=y)["out"], run(lowered(text), x=x, y=y)["out"]
    assert np.array_equal(before, after)
    assert len(np.unique(before)) > 100


def test_an_inner_loop_begins_with_what_the_outer_one_carries_and_it_reads() -> None:
    """What a loop carries and leaves is one buffer, whatever else has to be copied for that."""
    text = kernel(
        """
        %a = load x
        %r = scf.for %i = %c0 to %c4 step %c1 iter_args(%p = %a) -> (T<8x16xf32>) {
        %s = scf.for %j = %c0 to %c2 step %c1 iter_args(%q = %p) -> (T<8x16xf32>) {
        %d = pto.tsub ins(%q, %p : T<8x16xf32>, T<8x16xf32>) -> T<8x16xf32>
        %m = pto.tadd ins(%d, %q : T<8x16xf32>, T<8x16xf32>) -> T<8x16xf32>
        scf.yield %m : T<8x16xf32>
        }
        scf.yield %s : T<8x16xf32>
        }
        store %a to y
        store %r to z
        """,
        x="8x16xf32",
        y="8x16xf32",
        z="8x16xf32",
    )
    before = parse_text(text, "test.pto")
    (verdict,) = compare_modules(before, parse_text(lowered(text), "lowered.pto"))
    assert verdict.outcome == "proved"
