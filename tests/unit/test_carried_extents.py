"""Tiles of which some rows are valid, carried by loops and branches: lowered with their own extents."""

# ruff: noqa: E501  (types make long lines)

import re

import pytest
from xdsl.context import Context
from xdsl.dialects import scf

from dsv4_passes.diagnostics import UserError, collect
from dsv4_passes.formats.pto.reader import parse_text, verify_module
from dsv4_passes.transforms.lanes.builder import valid_of
from dsv4_passes.transforms.lanes.lower_lanes import LowerLanesPass
from dsv4_passes.transforms.lowering.lower_tiles import PtoLowerPass
from dsv4_passes.validation.modules import compare_modules

TILE, PART = "!pto.tile<vec, 16x64xf32, valid=?x64>", "!pto.partition_tensor_view<?x64xf32>"
KERNEL = f"""module attributes {{pto.target_arch = "a3"}} {{
func.func @k(%x: !pto.ptr<f32>, %y: !pto.ptr<f32>, %n: index) {{
%c0 = arith.constant 0 : index
%c1 = arith.constant 1 : index
%c2 = arith.constant 2 : index
%c9 = arith.constant 9 : index
%c64 = arith.constant 64 : index
%valid = arith.minsi %n, %c9 : index
%other = arith.subi %valid, %c1 : index
%xv = pto.make_tensor_view %x, shape = [%c64, %c64], strides = [%c64, %c1] : !pto.tensor_view<?x?xf32>
%yv = pto.make_tensor_view %y, shape = [%c64, %c64], strides = [%c64, %c1] : !pto.tensor_view<?x?xf32>
%xp = pto.partition_view %xv, offsets = [%c0, %c0], sizes = [%valid, %c64] : !pto.tensor_view<?x?xf32> -> {PART}
%yp = pto.partition_view %yv, offsets = [%c0, %c0], sizes = [%valid, %c64] : !pto.tensor_view<?x?xf32> -> {PART}
%t = pto.tload ins(%xp : {PART}) valid [%valid] -> {TILE}
BODY
pto.tstore ins(%r : {TILE}) outs(%yp : {PART})
return
}}
}}
"""
LOOP = f"""%r = scf.for %i = %c0 to %n step %c1 iter_args(%a = %t) -> ({TILE}) {{
%b = OP valid [ROWS] : {TILE} -> {TILE}
scf.yield %b : {TILE}
}}"""
BRANCH = f"""%is = arith.cmpi slt, %n, %c2 : index
%r = scf.if %is -> ({TILE}) {{
%b = OP valid [ROWS] : {TILE} -> {TILE}
scf.yield %b : {TILE}
}} else {{
scf.yield %t : {TILE}
}}"""


def kernel(body: str, op: str, rows: str = "%valid") -> str:
    return KERNEL.replace("BODY", body.replace("OP", op).replace("ROWS", rows))


def negated(body: str, rows: str = "%valid") -> str:
    source = "%a" if body is LOOP else "%t"
    text = f"pto.tneg ins({source} : {TILE}) valid [{rows}] -> {TILE}"
    return kernel(body.replace(f"OP valid [ROWS] : {TILE} -> {TILE}", text), "", rows)


@pytest.mark.parametrize("body", [LOOP, BRANCH], ids=["loop", "branch"])
@pytest.mark.parametrize("level", ["level2", "level3"])
def test_a_carried_tile_keeps_its_extent(body: str, level: str) -> None:
    """Its buffer is not taken as fully valid: a store of it would write rows that nobody computed."""
    module = parse_text(negated(body), "k.mlir")
    PtoLowerPass(level=level).apply(Context(), module)  # pyright: ignore[reportArgumentType]
    verify_module(module)
    text = str(module)
    stored = re.findall(r"pto\.tstore.*?ins\((%\w+)", text)
    assert len(stored) == 1
    definition = re.search(rf"{stored[0]} = (.*)", text)
    assert definition is not None
    assert "%valid" in definition[1]


@pytest.mark.parametrize("body", [LOOP, BRANCH], ids=["loop", "branch"])
def test_an_extent_that_depends_on_the_way_is_an_error(body: str) -> None:
    module = parse_text(negated(body, "%other"), "k.mlir")
    with pytest.raises(UserError, match="expected a valid extent that is the same on all ways"):
        PtoLowerPass(level="level3").apply(Context(), module)


@pytest.mark.parametrize("body", [LOOP, BRANCH], ids=["loop", "branch"])
def test_lane_operations_find_the_extent(body: str) -> None:
    """How many rows are valid is looked up where the loop or branch got them."""
    module = parse_text(negated(body), "k.mlir")
    carried = next(op for op in module.walk() if isinstance(op, scf.ForOp | scf.IfOp)).results[0]
    (extent,) = valid_of(carried)
    assert extent.name_hint == "valid"


def test_a_lane_operation_on_what_has_no_known_extent_says_so() -> None:
    text = kernel(LOOP, "dsv4.swap_pairs %a", "%other").replace(
        f"pto.tstore ins(%r : {TILE})",
        f"%s = dsv4.rotate_pairs %r, %t, %t valid [%valid] : {TILE}, {TILE}, {TILE} -> {TILE}\n"
        f"pto.tstore ins(%s : {TILE})",
    )
    module = parse_text(text.replace('"a3"', '"a5"'), "k.mlir")
    with collect() as said:
        LowerLanesPass(chip="a5").apply(Context(), module)
    (remark,) = said.entries
    assert remark.outcome == "refused"
    assert "the number of its valid rows is not at hand" in remark.message


def test_a_copy_of_a_view_has_its_rows() -> None:
    """A view that a branch yields, and that is read behind it as well, has to be copied."""
    bits = TILE.replace("f32", "i32")
    tneg = f"pto.tneg ins(%v : {TILE}) valid [%valid] -> {TILE}"
    body = BRANCH.replace("yield %t", "yield %v").replace(f"OP valid [ROWS] : {TILE} -> {TILE}", tneg)
    view = f"%w = pto.bitcast %t : {TILE} -> {bits}\n%v = pto.bitcast %w : {bits} -> {TILE}\n"
    again = f"pto.tstore ins(%v : {TILE}) outs(%yp : {PART})\npto.tstore ins(%r"
    before = parse_text(KERNEL.replace("BODY", view + body).replace("pto.tstore ins(%r", again), "k.mlir")
    after = before.clone()
    PtoLowerPass().apply(Context(), after)
    (verdict,) = compare_modules(before, after)
    assert verdict.outcome == "proved"
