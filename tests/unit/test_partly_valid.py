"""Rows that a tile does not have are undefined, whoever looks at them, and rows that it has are what they are."""

# ruff: noqa: E501  (types make long lines)

import pytest

from dsv4_passes.equivalence.lanes import lane_difference, run_lanes
from dsv4_passes.formats.pto.reader import parse_text
from dsv4_passes.transforms.common.lane_index import LaneIndex
from dsv4_passes.validation.modules import compare_modules
from tests.unit.kernels import function, kernel
from tests.unit.test_raise_lower import lower_all

START = """
    %n = arith.index_cast %__pypto_spmd_block_idx : i32 to index
    %x_all = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = [%c8, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<8x32xf32>
    %y_all = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c8, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<8x32xf32>
    %y_some = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%n, %c32] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<?x32xf32>
    %x = pto.tload ins(%x_all : !pto.partition_tensor_view<8x32xf32>) -> ALL
    %some = pto.set_validshape %x, %n, %c32 : ALL -> SOME"""
STORE_ALL = "\n    pto.tstore ins(%r : ALL) outs(%y_all : !pto.partition_tensor_view<8x32xf32>)"
STORE_SOME = "\n    pto.tstore ins(%r : SOME) outs(%y_some : !pto.partition_tensor_view<?x32xf32>)"
NEGATED = "%q = pto.tneg ins(%some : SOME) valid [%n] -> SOME"


def text(body: str) -> str:
    body = (START + "\n" + body).replace("SOME", "T<8x32xf32, valid=?x32>").replace("ALL", "T<8x32xf32>")
    return kernel(body, x="8x32xf32", y="8x32xf32")


WIDER = {
    "set_validshape": f"{NEGATED}\n%r = pto.set_validshape %q, %c8, %c32 : SOME -> ALL",
    "insert": f"{NEGATED}\n%z = pto.undef : ALL\n%r = pto.insert %q into %z[%c0, %c0] : SOME into ALL -> ALL",
    "operand": "%r = pto.tneg ins(%some : SOME) -> ALL",
    "subview": f"{NEGATED}\n%r = pto.subview %q[%c0, %c0] sizes [8, 32] : SOME -> ALL",
    "bitcast": f"{NEGATED}\n%b = pto.bitcast %q : SOME -> T<8x32xi32>\n%r = pto.bitcast %b : T<8x32xi32> -> ALL",
    "reshape": f"{NEGATED}\n%b = pto.reshape %q : SOME -> T<4x64xf32>\n%r = pto.reshape %b : T<4x64xf32> -> ALL",
    "branch": f"""{NEGATED}
        %is = arith.cmpi sgt, %n, %c1 : index
        %b = scf.if %is -> (SOME) {{
        %e = pto.set_validshape %x, %c8, %c32 : ALL -> SOME
        scf.yield %e : SOME
        }} else {{
        scf.yield %q : SOME
        }}
        %r = pto.set_validshape %b, %c8, %c32 : SOME -> ALL""",
}


@pytest.mark.parametrize("way", WIDER)
def test_rows_beyond_the_valid_ones_are_not_those_of_the_operation(way: str) -> None:
    """All eight rows negated, and only the first n of them, with all eight stored."""
    plain = text("%r = pto.tneg ins(%x : ALL) -> ALL" + STORE_ALL)
    found = function(text(WIDER[way] + STORE_ALL))
    assert lane_difference(function(plain), found) is not None
    assert lane_difference(found, function(plain)) is not None


@pytest.mark.parametrize("way", [way for way in WIDER if way != "operand"])
def test_rows_that_are_valid_are_those_of_the_operation(way: str) -> None:
    """The same with only the first n rows stored; below an operation terms do not look for what is undefined."""
    narrow = "\n%m = pto.set_validshape %r, %n, %c32 : ALL -> SOME" + STORE_SOME.replace("%r", "%m")
    whole = "%r = pto.tneg ins(%x : ALL) -> ALL"
    if way == "branch":
        whole = (
            WIDER[way]
            .replace("(%some : SOME) valid [%n] -> SOME", "(%x : ALL) -> ALL")
            .replace(
                "scf.yield %q : SOME",
                "%f = pto.set_validshape %q, %c8, %c32 : ALL -> SOME\nscf.yield %f : SOME",
            )
        )
    assert lane_difference(function(text(whole + narrow)), function(text(WIDER[way] + narrow))) is None


IN_PLACE = """
    %is = arith.cmpi sgt, %n, %c1 : index
    %r = scf.if %is -> (SOME) {
    OUTER
    NEGATED
    scf.yield %q : SOME
    } else {
    scf.yield %some : SOME
    }"""


@pytest.mark.parametrize("outer", ["", "%more = pto.tabs ins(%some : SOME) valid [%n] -> SOME"])
def test_a_branch_may_write_valid_rows_in_place(outer: str) -> None:
    """Lowered, the branch overwrites the first rows of the tile that the other side leaves as it is."""
    body = IN_PLACE.replace("NEGATED", NEGATED.replace("%some", "%more" if outer else "%some"))
    before = parse_text(text(body.replace("OUTER", outer) + STORE_SOME), "k.pto")
    after = lower_all(before.clone(), "level3")
    (verdict,) = compare_modules(before, after)
    assert (verdict.outcome, verdict.reason) == ("proved", "")
    wrong = parse_text(text(body.replace("OUTER", outer).replace("tneg", "texp") + STORE_SOME), "k.pto")
    (verdict,) = compare_modules(wrong, after)
    assert verdict.outcome == "different"


def test_an_operation_reads_the_rows_that_it_writes() -> None:
    """One operand is seen with all its rows, undefined ones included; those are not read."""
    plain = f"{NEGATED}\n%r = pto.tadd ins(%q, %some : SOME, SOME) valid [%n] -> SOME"
    wider = plain.replace("%r =", "%w = pto.set_validshape %q, %c8, %c32 : SOME -> ALL\n%r =")
    wider = wider.replace("%q, %some : SOME, SOME", "%w, %some : ALL, SOME")
    assert lane_difference(function(text(plain + STORE_SOME)), function(text(wider + STORE_SOME))) is None


@pytest.mark.parametrize("columns", [4, 5, 16, 32])
def test_the_columns_of_a_mask_are_bytes(columns: int) -> None:
    """A mask as wide as what it masks, of which so many bytes count: four hold the bits of 32 lanes."""
    mask = f"!pto.tile<vec, 8x32xui8, valid=8x{columns}>"
    body = f"""
    %zero = arith.constant 0.0 : f32
    %mask = pto.tcmps ins(%x, %zero {{cmpMode = #pto<cmp gt>}} : ALL, f32) -> {mask}
    %q = pto.tneg ins(%x : ALL) -> ALL
    %r = pto.tsel ins(%mask, FIRST, %q : {mask}, ALL, ALL) -> ALL"""
    chosen, swapped = (function(text(body.replace("FIRST", name) + STORE_ALL)) for name in ("%x", "%q"))
    assert lane_difference(chosen, chosen) is None
    assert lane_difference(chosen, swapped) is not None


def test_nobody_asks_whose_lanes_are_undefined() -> None:
    """Rewrites that read rows that a tile does not have could not be run."""
    body = (
        f"{NEGATED}\n%r = pto.set_validshape %q, %c8, %c32 : SOME -> ALL\n%s = pto.tabs ins(%r : ALL) -> ALL"
    )
    read = function(text(body + STORE_ALL))
    index = LaneIndex(read, run_lanes(read), partly=True)
    known = {v.name_hint for v in index.run.instances if index.ids(v) is not None}
    assert known == {"x", "some", "q"}
