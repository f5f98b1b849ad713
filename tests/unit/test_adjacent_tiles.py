"""Halves that are converted at once, tables of which half is loaded, and +0 in the halves."""

from collections import Counter

import numpy as np
import pytest
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp

from dialects.pto.base import TileOp, layout_of
from dialects.pto.convert import TCvtOp
from dsv4_passes.diagnostics import collect
from dsv4_passes.equivalence.lanes import lane_difference
from dsv4_passes.formats.pto.reader import parse_file, parse_text
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.targets import chip
from dsv4_passes.transforms.bind_facts import bind_arrays
from dsv4_passes.transforms.common.cost import function_cost
from dsv4_passes.transforms.lanes.adjacent_tiles import convert_adjacent_tiles
from dsv4_passes.transforms.rope import RopePass
from tests.unit.kernels import DATA, function, kernel
from tests.unit.rotations import Rotation
from tests.unit.test_lower_lanes import bits, lowered, run

RINT = "{rmode = #pto<round_mode RINT>}"
HALF, SHORT = "T<16x64xf32>", "T<16x64xbf16>"


def operations(module: ModuleOp | func.FuncOp) -> Counter[str]:
    return Counter(op.mnemonic() for op in module.walk() if isinstance(op, TileOp))


def test_conversions_that_meet_are_one() -> None:
    body = f"""
    %e = load e
    %o = load o
    %a = pto.tadd ins(%e, %o : {HALF}, {HALF}) -> {HALF}
    %b = pto.tsub ins(%e, %o : {HALF}, {HALF}) -> {HALF}
    %a16 = pto.tcvt ins(%a {RINT} : {HALF}) -> {SHORT}
    %b16 = pto.tcvt ins(%b {RINT} : {HALF}) -> {SHORT}
    %af = pto.tcvt ins(%a16 {RINT} : {SHORT}) -> {HALF}
    %bf = pto.tcvt ins(%b16 {RINT} : {SHORT}) -> {HALF}
    %y = pto.tmul ins(%af, %bf : {HALF}, {HALF}) -> {HALF}
    store %y to y"""
    before = function(kernel(body, e="16x64xf32", o="16x64xf32", y="16x64xf32"))
    after = before.clone()
    assert convert_adjacent_tiles(after)
    after.verify()
    assert operations(after)["tcvt"] == 2
    assert {layout_of(op.res[0]).shape for op in after.walk() if op.name == "pto.tcvt"} == {(32, 64)}  # pyright: ignore
    assert lane_difference(before, after) is None
    assert not convert_adjacent_tiles(after)


@pytest.mark.parametrize(
    ("what", "old", "new"),
    [
        ("read before the other is there", "%b = pto.tsub ins(%e, %o", "%b = pto.tsub ins(%a16f, %o"),
        (
            "in another mode",
            "ins(%b {rmode = #pto<round_mode RINT>",
            "ins(%b {rmode = #pto<round_mode FLOOR>",
        ),
        ("which never meet", "tsub", "tmul"),
    ],
)
def test_conversions_stay_apart(what: str, old: str, new: str) -> None:
    body = f"""
    %e = load e
    %o = load o
    %a = pto.tadd ins(%e, %o : {HALF}, {HALF}) -> {HALF}
    %a16 = pto.tcvt ins(%a {RINT} : {HALF}) -> {SHORT}
    %a16f = pto.tcvt ins(%a16 {RINT} : {SHORT}) -> {HALF}
    %b = pto.tsub ins(%e, %o : {HALF}, {HALF}) -> {HALF}
    %b16 = pto.tcvt ins(%b {RINT} : {HALF}) -> {SHORT}
    %bf = pto.tcvt ins(%b16 {RINT} : {SHORT}) -> {HALF}
    store %a16f to y
    store %bf to z"""
    text = kernel(body, e="16x64xf32", o="16x64xf32", y="16x64xf32", z="16x64xf32")
    assert old in text
    after = function(text.replace(old, new))
    assert not convert_adjacent_tiles(after), what


def test_a_view_that_comes_behind_the_first_reader_keeps_conversions_apart() -> None:
    flat, short = "T<8x128xf32>", "T<8x128xbf16>"
    body = f"""
    %e = load e
    %o = load o
    %a = pto.reshape %e : {HALF} -> {flat}
    %a16 = pto.tcvt ins(%a {RINT} : {flat}) -> {short}
    %af = pto.tcvt ins(%a16 {RINT} : {short}) -> {flat}
    %n = pto.tneg ins(%af : {flat}) -> {flat}
    %b = pto.reshape %o : {HALF} -> {flat}
    %b16 = pto.tcvt ins(%b {RINT} : {flat}) -> {short}
    %bf = pto.tcvt ins(%b16 {RINT} : {short}) -> {flat}
    %y = pto.tmul ins(%n, %bf : {flat}, {flat}) -> {flat}
    store %y to y
    %z = pto.tmul ins(%a, %b : {flat}, {flat}) -> {flat}
    store %z to z"""
    shapes = {"e": "16x64xf32", "o": "16x64xf32", "y": "8x128xf32", "z": "8x128xf32"}
    assert not convert_adjacent_tiles(function(kernel(body, **shapes)))
    view = f"    %b = pto.reshape %o : {HALF} -> {flat}\n"
    earlier = body.replace(view, "").replace("    %a = ", f"{view}    %a = ")
    before = function(kernel(earlier, **shapes))
    after = before.clone()
    assert convert_adjacent_tiles(after)
    assert lane_difference(before, after) is None


def test_halves_are_rounded_at_once_and_keep_their_bits() -> None:
    rotation = Rotation()
    module = lowered(rotation)
    assert operations(module)["tcvt"] == 2
    inputs = rotation.inputs()
    expected = run(parse_text(rotation.text(), "test.mlir"), inputs)
    assert np.array_equal(bits(run(module, inputs)), bits(expected))


def best(name: str) -> ModuleOp:
    module = parse_file(DATA / name / f"{name}.pto")
    with collect():
        if name == "rope_a":
            bind_arrays(module, str(DATA / "rope_a" / "inputs.npz"))
        RopePass("a3", "0.60").apply(Context(), module)
    return module


SPLIT_HALF = 644
"""Cycles by the model of a kernel that moves no lanes, of the same shape, dtypes and tables."""


@pytest.mark.parametrize("name", ["rope_a", "rope_b", "rope_c", "rope_d"])
def test_kernels_come_near_one_that_moves_no_lanes(name: str) -> None:
    module = best(name)
    (kernel_,) = (op for op in module.walk() if isinstance(op, func.FuncOp))
    assert function_cost(kernel_, chip("a3")).cycles.cycles <= 1.8 * SPLIT_HALF
    found = operations(module)
    assert not {"tgather", "tscatter", "tmatmul", "ttrans", "tmov"} & set(found)
    assert found["tcvt"] == 3  # the tables, the halves, and the halves back
    assert found["tadds"] == (1 if name == "rope_a" else 0)  # a product has no -0


def test_half_a_table_is_loaded_alone() -> None:
    """The tables of `rope_d` hold everything twice; their left halves are loaded."""
    shapes = Counter(
        layout_of(op.outs[0]).shape
        for op in best("rope_d").walk()
        if isinstance(op, TileOp) and op.mnemonic() == "tload"
    )
    assert shapes == {(32, 64): 1, (32, 32): 2}


@pytest.mark.parametrize(
    ("name", "facts", "split_half", "conversions"),
    [("mixed", "inputs", 782, {}), ("staged", "cpu_sim", 1316, {(32, 64): 2, (64, 64): 2})],
)
def test_programs_come_near_one_that_moves_no_lanes(
    name: str, facts: str, split_half: int, conversions: dict[tuple[int, int], int]
) -> None:
    """`mixed` has tables of one row, which fill vectors; in `staged` one conversion of both tables would wait
    too long for the second, so only what is computed is joined.
    """
    module = parse_program((DATA / name / "program.py").read_text(), "program.py")
    with collect():
        bind_arrays(module, str(DATA / name / f"{facts}.npz"))
        RopePass("a3").apply(Context(), module)
    (kernel_,) = (
        op
        for op in module.walk()
        if isinstance(op, func.FuncOp) and any(isinstance(o, TileOp) for o in op.walk())
    )
    assert function_cost(kernel_, chip("a3")).cycles.cycles <= 1.8 * split_half
    shapes = Counter(op.destination_layout().shape for op in module.walk() if isinstance(op, TCvtOp))
    assert not conversions or shapes == conversions
