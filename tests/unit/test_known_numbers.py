"""Tiles that a kernel computes from nothing but constants are known numbers in terms, in their own dtype."""

import numpy as np
import pytest

from dialects.pto.base import TileOp, layout_of
from dialects.pto.types import TileType
from dsv4_passes.equivalence.lanes import run_lanes
from dsv4_passes.formats.pto.reader import parse_file
from tests.unit.kernels import DATA, Array, function, kernel, run
from tests.unit.test_raise_lower import functions, raise_all

COMPUTED = {
    "i32 arithmetic": ("i32", """
        %a = pto.tci ins(%k3 : i32) -> T<1x32xi32>
        %b = pto.tmuls ins(%a, %k7 : T<1x32xi32>, i32) -> T<1x32xi32>
        %y = pto.tadds ins(%b, %m5 : T<1x32xi32>, i32) -> T<1x32xi32>"""),
    "products that wrap": ("i16", """
        %a = pto.tci ins(%h3 : i16) -> T<1x32xi16>
        %b = pto.tmul ins(%a, %a : T<1x32xi16>, T<1x32xi16>) -> T<1x32xi16>
        %c = pto.tmul ins(%b, %b : T<1x32xi16>, T<1x32xi16>) -> T<1x32xi16>
        %y = pto.tmul ins(%c, %b : T<1x32xi16>, T<1x32xi16>) -> T<1x32xi16>"""),
    "shifts and masks": ("i16", """
        %a = pto.tci ins(%h3 : i16) -> T<1x32xi16>
        %b = pto.tshls ins(%a, %h3 : T<1x32xi16>, i16) -> T<1x32xi16>
        %c = pto.tshrs ins(%a, %h3 : T<1x32xi16>, i16) -> T<1x32xi16>
        %d = pto.tor ins(%b, %c : T<1x32xi16>, T<1x32xi16>) -> T<1x32xi16>
        %y = pto.tands ins(%d, %h7 : T<1x32xi16>, i16) -> T<1x32xi16>"""),
    "j ^ 1 by roundings": ("i32", """
        %a = pto.tci ins(%k0 : i32) -> T<1x32xi32>
        %f = pto.tcvt ins(%a {rmode = #pto<round_mode RINT>} : T<1x32xi32>) -> T<1x32xf32>
        %h = pto.tmuls ins(%f, %half : T<1x32xf32>, f32) -> T<1x32xf32>
        %i = pto.tcvt ins(%h {rmode = #pto<round_mode FLOOR>} : T<1x32xf32>) -> T<1x32xi32>
        %d = pto.tadd ins(%i, %i : T<1x32xi32>, T<1x32xi32>) -> T<1x32xi32>
        %r = pto.tsub ins(%a, %d : T<1x32xi32>, T<1x32xi32>) -> T<1x32xi32>
        %n = pto.tmuls ins(%r, %m2 : T<1x32xi32>, i32) -> T<1x32xi32>
        %p = pto.tadds ins(%n, %k1 : T<1x32xi32>, i32) -> T<1x32xi32>
        %y = pto.tadd ins(%a, %p : T<1x32xi32>, T<1x32xi32>) -> T<1x32xi32>"""),
    "short floats round each time": ("bf16", """
        %a = pto.tci ins(%k3 : i32) -> T<1x32xi32>
        %f = pto.tcvt ins(%a {rmode = #pto<round_mode RINT>} : T<1x32xi32>) -> T<1x32xf32>
        %g = pto.tmuls ins(%f, %third : T<1x32xf32>, f32) -> T<1x32xf32>
        %y = pto.tcvt ins(%g {rmode = #pto<round_mode ROUND>} : T<1x32xf32>) -> T<1x32xbf16>"""),
    "bits of a number": ("ui16", """
        %f = pto.texpands ins(%third : f32) -> T<1x16xf32>
        %y = pto.reinterpret %f : T<1x16xf32> -> T<1x32xui16>"""),
    "a mask built in bits": ("ui16", """
        %a = pto.texpands ins(%m65536 : i32) -> T<1x16xi32>
        %u = pto.bitcast %a : T<1x16xi32> -> T<1x16xui32>
        %s = pto.tshrs ins(%u, %k8 : T<1x16xui32>, i32) -> T<1x16xui32>
        %y = pto.reinterpret %s : T<1x16xui32> -> T<1x32xui16>"""),
}  # fmt: skip
NUMBERS = """
    %k0 = arith.constant 0 : i32
    %k1 = arith.constant 1 : i32
    %k3 = arith.constant 3 : i32
    %k7 = arith.constant 7 : i32
    %k8 = arith.constant 8 : i32
    %m2 = arith.constant -2 : i32
    %m5 = arith.constant -5 : i32
    %m65536 = arith.constant -65536 : i32
    %h3 = arith.constant 3 : i16
    %h7 = arith.constant 7 : i16
    %half = arith.constant 5.000000e-01 : f32
    %third = arith.constant 3.333000e-01 : f32"""


@pytest.mark.parametrize("what", COMPUTED)
def test_numbers_are_those_of_the_run(what: str) -> None:
    dtype, body = COMPUTED[what]
    text = kernel(f"{NUMBERS}{body}\nstore %y to y", x="1x32xi32", y=f"1x32x{dtype}")
    found = run_lanes(function(text))
    (store,) = found.stores
    known = found.context.domain.concrete(store.ids, dtype)
    ran: Array = run(text, 1, x=np.zeros((1, 32), np.int32))["y"]
    assert known.tobytes() == ran.tobytes()
    assert len(np.unique(ran)) > 1


@pytest.mark.parametrize("symbolic", [False, True])
@pytest.mark.parametrize(("name", "index"), [("rope_b", 4), ("rope_d", 1)])
def test_index_tiles_of_compiled_kernels_are_known(name: str, index: int, symbolic: bool) -> None:
    """Each gather and scatter by index, in loops that run once too."""
    (f,) = functions(raise_all(parse_file(DATA / name / f"{name}.pto")))
    found = run_lanes(f, symbolic_loops=symbolic)
    checked = 0
    for op in f.walk():
        if isinstance(op, TileOp) and op.operand("idx") is not None and "maskPattern" not in op.properties:
            tile = found.tile(op.required("idx"))
            assert tile is not None
            assert found.context.domain.is_constant(tile.data).all()
            checked += 1
    assert checked >= index
    tables = [r for op in f.walk() for r in op.results if isinstance(r.type, TileType)]
    assert any(layout_of(t).dtype == "i32" for t in tables)
