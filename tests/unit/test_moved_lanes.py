"""Transposes, views with strides and moves only move lanes: whole-row forms of swapping and splitting pairs
are the gathers and scatters of the same lanes, in terms and in bits.
"""

import numpy as np
import pytest

from dsv4_passes.equivalence.lanes import lane_difference
from tests.unit.kernels import function, kernel, run

WIDE, TALL, PAIRS, HALF = "T<16x64xf32>", "T<64x16xf32>", "T<32x32xf32>", "T<32x16xf32>"
EVENS = "T<16x32xf32>"
EVEN, ODD = (f"{{maskPattern = #pto.mask_pattern<{p}>}}" for p in ("P0101", "P1010"))
ROWS_OF_PAIRS = f"""
    %t = pto.ttrans ins(%x : {WIDE}) -> {TALL}
    %p = pto.reshape %t : {TALL} -> {PAIRS}
    %e = pto.subview %p[%c0, %c0] sizes [32, 16] : {PAIRS} -> {HALF}
    %o = pto.subview %p[%c0, %c16] sizes [32, 16] : {PAIRS} -> {HALF}"""


def together(first: str, second: str) -> str:
    """Rows side by side, as pairs of rows, transposed back."""
    return f"""
    %u = pto.undef : {PAIRS}
    %v = pto.insert {first} into %u[%c0, %c0] : {HALF} into {PAIRS} -> {PAIRS}
    %w = pto.insert {second} into %v[%c0, %c16] : {HALF} into {PAIRS} -> {PAIRS}
    %b = pto.reshape %w : {PAIRS} -> {TALL}
    %y = pto.ttrans ins(%b : {TALL}) -> {WIDE}
    store %y to y"""


def scattered(even: str, odd: str) -> str:
    bits = "T<16x64xi32>"
    return f"""
    %p = pto.tscatter ins({even}, {EVEN} : {EVENS}, "row") -> {WIDE}
    %q = pto.tscatter ins({odd}, {ODD} : {EVENS}, "row") -> {WIDE}
    %pi = pto.bitcast %p : {WIDE} -> {bits}
    %qi = pto.bitcast %q : {WIDE} -> {bits}
    %yi = pto.tor ins(%pi, %qi : {bits}, {bits}) -> {bits}
    %y = pto.bitcast %yi : {bits} -> {WIDE}
    store %y to y"""


def gathered(even: str, odd: str) -> str:
    return f"""
    {even} = pto.tgather ins(%x, {EVEN} : {WIDE}, "row") -> {EVENS}
    {odd} = pto.tgather ins(%x, {ODD} : {WIDE}, "row") -> {EVENS}"""


def split(even: str, odd: str) -> str:
    return f"store {even} to e\nstore {odd} to o"


LOAD = "%x = load x"
ONE = {"x": "16x64xf32", "y": "16x64xf32"}
TWO = {"x": "16x64xf32", "e": "16x32xf32", "o": "16x32xf32"}
LOADS = "%e = load e\n%o = load o"
MERGED = {"e": "16x32xf32", "o": "16x32xf32", "y": "16x64xf32"}
APART = f"""
    %te = pto.ttrans ins(%e : {HALF}) -> {EVENS}
    %to = pto.ttrans ins(%o : {HALF}) -> {EVENS}"""
MOVED = f"""
    %te = pto.ttrans ins(%e : {EVENS}) -> {HALF}
    %to = pto.ttrans ins(%o : {EVENS}) -> {HALF}"""
COPIED = f"""
    %me = pto.tmov ins(%e : {HALF}) -> {HALF}
    %mo = pto.tmov ins(%o : {HALF}) -> {HALF}"""

FORMS = {
    "swap": (LOAD + ROWS_OF_PAIRS + COPIED + together("%mo", "%me"), LOAD + gathered("%e", "%o")
             + scattered("%o", "%e"), ONE),
    "apart": (LOAD + ROWS_OF_PAIRS + APART + split("%te", "%to"), LOAD + gathered("%e", "%o")
              + split("%e", "%o"), TWO),
    "together": (LOADS + MOVED + together("%te", "%to"), LOADS + scattered("%e", "%o"), MERGED),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_transposes_are_gathers_and_scatters(form: str) -> None:
    by_rows, by_lanes, shapes = FORMS[form]
    texts = [kernel(body, **shapes) for body in (by_rows, by_lanes)]
    assert lane_difference(function(texts[0]), function(texts[1])) is None
    rng = np.random.default_rng(5)
    inputs = {
        name: rng.integers(0, 2**32, tuple(map(int, shape.split("x")[:2])), dtype=np.uint32).view(np.float32)
        for name, shape in shapes.items()
        if f"load {name}" in by_rows
    }
    one, other = (run(text, 1, **inputs) for text in texts)
    assert {name: array.tobytes() for name, array in one.items()} == {
        name: array.tobytes() for name, array in other.items()
    }


def test_a_transpose_of_the_wrong_halves_is_told_apart() -> None:
    by_rows, by_lanes, shapes = FORMS["swap"]
    wrong = by_rows.replace("%mo into", "%me into", 1)
    assert (
        lane_difference(function(kernel(wrong, **shapes)), function(kernel(by_lanes, **shapes))) is not None
    )
