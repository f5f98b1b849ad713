"""Which tiles may hold known numbers, judged without running a kernel."""

import pytest
from xdsl.ir import SSAValue

from dsv4_passes.transforms.lanes.constant_reachability import KnownLanes
from tests.unit.kernels import function, kernel

T = "T<16x16xf32>"


def value(text: str, name: str) -> tuple[KnownLanes, SSAValue]:
    body = function(text)
    (found,) = (r for op in body.walk() for r in op.results if r.name_hint == name)
    return KnownLanes(body), found


@pytest.mark.parametrize(
    ("body", "known"),
    [
        ("%a = load x", False),
        ("%b = load x\n%a = pto.tmul ins(%b, %b : T, T) -> T", False),
        ("%f = arith.constant 0.0 : f32\n%a = pto.texpands ins(%f : f32) -> T", True),
        (
            "%f = arith.constant 0.0 : f32\n%b = load x\n%c = pto.texpands ins(%f : f32) -> T\n"
            "%a = pto.tmax ins(%b, %c : T, T) -> T",
            True,
        ),
        ("%b = load x\n%a = pto.tscatter ins(%b, {maskPattern = #pto.mask_pattern<P0101>} : T) -> T", True),
        ("%b = load x\n%a = pto.tgather ins(%b, {maskPattern = #pto.mask_pattern<P0101>} : T) -> T", False),
        ("%b = load x\n%a = pto.tcvt ins(%b {rmode = #pto<round_mode RINT>} : T) -> T", False),
        ("%b = load y\nstore %b to x\n%a = load x", True),  # what was stored may be known
        ("%b = load y\nstore %b to y\n%a = load x", False),
    ],
)
def test_where_numbers_come_from(body: str, known: bool):
    text = kernel(body.replace("T)", T + ")").replace("T,", T + ",").replace("-> T", f"-> {T}"), **XY)
    lanes, a = value(text, "a")
    assert lanes.possible(a) is known


XY = {"x": "16x16xf32", "y": "16x16xf32"}


@pytest.mark.parametrize(("first", "known"), [("%x0", False), ("%zeros", True)])
def test_numbers_are_carried_around_loops(first: str, known: bool):
    text = kernel(
        f"""%f = arith.constant 0.0 : f32
    %x0 = load x
    %zeros = pto.texpands ins(%f : f32) -> {T}
    %a = scf.for %i = %c0 to %c4 step %c1 iter_args(%s = {first}) -> ({T}) {{
      %t = pto.tadd ins(%s, %x0 : {T}, {T}) -> {T}
      scf.yield %t : {T}
    }}""",
        **XY,
    )
    lanes, a = value(text, "a")
    assert lanes.possible(a) is known
    loop = a.owner
    assert lanes.possible(loop.regions[0].block.args[1]) is known  # pyright: ignore[reportAttributeAccessIssue]


def test_a_fact_says_numbers():
    text = kernel("%a = load x", x="4x16xi32", y="4x16xi32")
    text = text.replace("%arg0: !pto.ptr<i32>", "%arg0: !pto.ptr<i32> {dsv4.table = #dsv4.table<swap>}")
    lanes, a = value(text, "a")
    assert lanes.possible(a)
