"""Fills and tables that every trip makes anew are made once where memory allows; overwritten fills go."""

import numpy as np
import pytest
from xdsl.context import Context
from xdsl.dialects import func, scf
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation

from dialects.dsv4.functions import KERNEL, program_functions
from dialects.pto.base import TileOp
from dialects.pto.broadcast import TExpandsOp
from dialects.pto.tiles import UndefOp
from dsv4_passes.cli.run import run_on_arrays
from dsv4_passes.diagnostics import Diagnostic, collect
from dsv4_passes.formats.pto.reader import parse_text, verify_module
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.formats.pypto.target import changed_functions, program_text
from dsv4_passes.interpreter.kernels import choose_kernel, find_kernels
from dsv4_passes.transforms.lowering.lower_tiles import PtoLowerPass
from dsv4_passes.transforms.memory.hoist_fills import HoistFillsPass, hoist_function
from dsv4_passes.transforms.rope import RopePass
from tests.unit.kernels import Array, kernel
from tests.unit.programs import Kernel, arrays, program, same_bits

# -- programs -------------------------------------------------------------------------------------------

TENSORS = {"x": "256x64xf32", "cos": "1x64xf32", "sin": "1x64xf32", "y": "256x64xf32"}
TABLE = """
start = ci(pl.const(0, pl.INT32), [1, 64], "1x64xi32", dtype=pl.INT32, descending=False)
f = cast(start, "1x64xf32", target_type=pl.FP32, mode="round")
h = muls(f, 0.5, "1x64xf32")
d = cast(h, "1x64xi32", target_type=pl.INT32, mode="trunc")
e = cast(d, "1x64xf32", target_type=pl.FP32, mode="round")
t = muls(e, 2.0, "1x64xf32")
odd = sub(f, t, "1x64xf32")
two = muls(odd, 2.0, "1x64xf32")
up = adds(f, 1.0, "1x64xf32")
s = sub(up, two, "1x64xf32")
swap = cast(s, "1x64xi32", target_type=pl.INT32, mode="round")
sign = subs(two, 1.0, "1x64xf32")
"""
"""Lane numbers exchanged in pairs, and −1, 1, −1, 1, …: 12 operations."""
ROTATE = """
v = load(x, [b * 64 + r, 0], "1x64xf32")
tmp = create([1, 64], "1x64xi32", dtype=pl.INT32, target_memory=pl.Mem.Vec)
o = gather(v, swap, tmp, "1x64xf32")
p = mul(v, c, "1x64xf32")
q = mul(o, sign, "1x64xf32")
w = mul(q, z, "1x64xf32")
u = add(p, w, "1x64xf32")
store(u, [b * 64 + r, 0], y)
"""
ANGLES = """
c = load(cos, [0, 0], "1x64xf32")
z = load(sin, [0, 0], "1x64xf32")
"""


def indented(text: str, by: int = 1) -> str:
    return "".join(f"{'    ' * by}{line}\n" for line in text.strip().splitlines())


def rows(outside: str, inside: str) -> ModuleOp:
    """A kernel that works on one row per trip."""
    body = f"{outside}\nfor r in range(0, 64, 1):\n{indented(inside)}"
    return program([Kernel("rope", 4, ["x", "cos", "sin"], ["y"], body)], TENSORS, ["y"])


def in_loops(root: Operation) -> list[str]:
    """What is computed in loops."""
    loops = [op for op in root.walk() if isinstance(op, scf.ForOp)]
    inside = {op: None for loop in loops for op in loop.body.walk() if isinstance(op, TileOp)}
    return [op.name.removeprefix("pto.") for op in inside]


def test_tables_of_a_rotation_are_built_once() -> None:
    before = rows(ANGLES, TABLE + ROTATE)
    after = before.clone()
    with collect() as said:
        HoistFillsPass("a3").apply(Context(), after)
    verify_module(after)
    (remark,) = said.entries
    assert remark.message == (
        "12 operations on tiles (tadds, tci, tcvt, tmuls, tsub, tsubs) done once, in front of the loop around"
    )
    assert in_loops(after) == ["tload", "tgather", "tmul", "tmul", "tmul", "tadd", "tstore"]
    assert same_bits(before, after, arrays(TENSORS))
    again = parse_program(program_text(after), "p.py")
    assert same_bits(before, again, arrays(TENSORS))
    assert changed_functions(after) == ["rope"]


def test_loads_stay_and_so_does_what_needs_them() -> None:
    """Somebody may write what is loaded between two trips."""
    after = rows("", ANGLES + "n = neg(z, '1x64xf32')\n".replace("'", '"') + TABLE + ROTATE)
    with collect():
        HoistFillsPass("a3").apply(Context(), after)
    assert in_loops(after)[:3] == ["tload", "tload", "tneg"]


def test_what_is_computed_from_tiles_in_front_of_the_loop_moves_too() -> None:
    before = rows(ANGLES + TABLE, ROTATE.replace("q = mul(o, sign", "k = mul(z, sign, 'X')\nq = mul(o, k", 1)
                  .replace("'X'", '"1x64xf32"').replace("mul(q, z", "mul(q, c"))  # fmt: skip
    after = before.clone()
    with collect() as said:
        HoistFillsPass("a3").apply(Context(), after)
    assert [e.message for e in said.entries] == [
        "1 operation on tiles (tmul) done once, in front of the loop around"
    ]
    assert same_bits(before, after, arrays(TENSORS))


def test_a_program_without_lane_moves_comes_back_to_the_letter() -> None:
    fill = 'o = full([1, 64], "1x64xf32", dtype=pl.FP32, value=2.0)\n'
    plain = ROTATE.replace(
        'tmp = create([1, 64], "1x64xi32", dtype=pl.INT32, target_memory=pl.Mem.Vec)\n', ""
    )
    plain = plain.replace('o = gather(v, swap, tmp, "1x64xf32")\n', fill).replace("sign", "z")
    module = rows(ANGLES, plain)
    before = program_text(module)
    with collect() as said:
        RopePass(chip="a3").apply(Context(), module)
    assert (program_text(module), said.entries) == (before, [])
    with collect():
        HoistFillsPass("a3").apply(Context(), module)
    assert "texpands" not in in_loops(module)


# -- kernels --------------------------------------------------------------------------------------------


def hoisted(text: str) -> tuple[func.FuncOp, list[Diagnostic], int]:
    """The kernel after hoisting, which must do the same on numbers."""
    before, after = parse_text(text, "k.mlir"), parse_text(text, "k.mlir")
    (function,) = (op for op in after.ops if isinstance(op, func.FuncOp))
    with collect() as said:
        function, count = hoist_function(function, "a2a3")
    verify_module(after)
    assert results(before).keys() == results(after).keys()
    for name, array in results(before).items():
        assert array.tobytes() == results(after)[name].tobytes(), name
    return function, said.entries, count


def results(module: ModuleOp) -> dict[str, Array]:
    found = choose_kernel(find_kernels(module), None, "k.mlir")
    rng = np.random.default_rng(3)
    given = {
        a.name: rng.standard_normal(a.shape).astype(np.float32)
        for a in found.arguments.values()
        if a.pointer and a.shape is not None
    }
    return run_on_arrays(found, given, 1, "inputs")


FILL = "%one = arith.constant 1.0 : f32\n"
LOOP = "scf.for %i = %c0 to %c4 step %c1 {"


def test_it_leaves_as_many_loops_as_it_can() -> None:
    function, _, count = hoisted(
        kernel(
            f"""{FILL}
            {LOOP}
              %x = load x
              scf.for %j = %c0 to %c4 step %c1 {{
                %a = pto.texpands ins(%one : f32) -> T<4x16xf32>
                %b = pto.tadd ins(%x, %x : T<4x16xf32>, T<4x16xf32>) -> T<4x16xf32>
                %y = pto.tadd ins(%a, %b : T<4x16xf32>, T<4x16xf32>) -> T<4x16xf32>
                store %y to y
              }}
            }}""",
            x="4x16xf32",
            y="4x16xf32",
        )
    )
    (outer,) = (op for op in function.body.block.ops if isinstance(op, scf.ForOp))
    assert count == 3
    assert "texpands" not in in_loops(function)
    assert [op.name for op in outer.body.block.ops if isinstance(op, TileOp)] == [
        "pto.tload",
        "pto.tadd",
        "pto.tadd",
    ]


@pytest.mark.parametrize(
    "use",
    [
        pytest.param("%y = pto.insert %p into %a[%c0, %c0] : T<4x8xf32> into T<4x16xf32> -> T<4x16xf32>",
                     id="written in part"),
        pytest.param(f"""%y = {LOOP.replace("%i", "%j").replace("{", "iter_args(%t = %a) -> (T<4x16xf32>) {")}
                       %n = pto.tadd ins(%t, %x : T<4x16xf32>, T<4x16xf32>) -> T<4x16xf32>
                       scf.yield %n : T<4x16xf32>
                     }}""", id="carried"),
    ],
)  # fmt: skip
def test_a_tile_that_is_written_on_in_every_trip_is_made_in_every_trip(use: str) -> None:
    function, said, count = hoisted(
        kernel(
            f"""{FILL}
            {LOOP}
              %x = load x
              %p = pto.subview %x[%c0, %c0] sizes [4, 8] : T<4x16xf32> -> T<4x8xf32>
              %a = pto.texpands ins(%one : f32) -> T<4x16xf32>
              {use}
              store %y to y
            }}""",
            x="4x16xf32",
            y="4x16xf32",
        )
    )
    assert (count, said) == (0, [])
    assert "texpands" in in_loops(function)


def test_an_only_trip_is_no_reason() -> None:
    text = kernel(
        f"""{FILL}
        scf.for %i = %c0 to %c4 step %c4 {{
          %x = load x
          %a = pto.texpands ins(%one : f32) -> T<4x16xf32>
          %y = pto.tadd ins(%a, %x : T<4x16xf32>, T<4x16xf32>) -> T<4x16xf32>
          store %y to y
        }}""",
        x="4x16xf32", y="4x16xf32",
    )  # fmt: skip
    assert hoisted(text)[1:] == ([], 0)


def test_kernels_that_say_when_what_runs_are_left_alone() -> None:
    text = kernel(
        f"""{FILL}
        {LOOP}
          %x = load x
          pto.barrier #pto.pipe<PIPE_ALL>
          %a = pto.texpands ins(%one : f32) -> T<4x16xf32>
          %y = pto.tadd ins(%a, %x : T<4x16xf32>, T<4x16xf32>) -> T<4x16xf32>
          store %y to y
        }}""",
        x="4x16xf32", y="4x16xf32",
    )  # fmt: skip
    assert hoisted(text)[1:] == ([], 0)


def large(rows_: int) -> str:
    """A small and a large table beside tiles of 64 KiB."""
    return kernel(
        f"""{FILL}
        {LOOP}
          %x = load x
          %s = pto.texpands ins(%one : f32) -> T<1x256xf32>
          %n = pto.tadd ins(%x, %x : T<64x256xf32>, T<64x256xf32>) -> T<64x256xf32>
          %m = pto.tmul ins(%n, %x : T<64x256xf32>, T<64x256xf32>) -> T<64x256xf32>
          %y = pto.tcolexpandmul ins(%m, %s : T<64x256xf32>, T<1x256xf32>) -> T<64x256xf32>
          store %y to y
          %a = pto.texpands ins(%one : f32) -> T<{rows_}x256xf32>
          store %a to z
        }}""",
        x="64x256xf32", y="64x256xf32", z=f"{rows_}x256xf32",
    )  # fmt: skip


def test_what_does_not_fit_stays_and_smaller_tiles_move() -> None:
    function, (remark,), count = hoisted(large(80))
    assert (remark.outcome, count) == ("rewritten", 1)
    assert remark.message.startswith("1 operation on tiles (texpands) done once")
    (inside,) = (
        op for op in function.walk() if isinstance(op, TExpandsOp) and op.parent is not function.body.block
    )
    assert str(inside.res[0].type) == "!pto.tile<vec, 80x256xf32>"


def test_where_nothing_fits_a_remark_says_so() -> None:
    text = large(80).replace("1x256xf32", "64x256xf32").replace("tcolexpandmul", "tmul")
    _, (remark,), count = hoisted(text)
    assert (remark.outcome, remark.reason, count) == ("refused", "does not fit", 0)
    assert remark.message.startswith(
        "2 operations on tiles (texpands) stay in their loop: in front of it 'k' needs "
    )
    assert "bytes of vec memory" in remark.message


def test_a_kernel_from_text_is_lowered_with_its_tables_in_front() -> None:
    text = kernel(
        f"""%zero = arith.constant 0 : i32
        {LOOP}
          %x = load x
          %n = pto.tci ins(%zero : i32) -> T<1x16xi32>
          %tmp = pto.undef : T<1x16xi32>
          %g = pto.tgather ins(%x, %n, %tmp : T<1x16xf32>, T<1x16xi32>, T<1x16xi32>) -> T<1x16xf32>
          store %g to y
        }}""",
        x="1x16xf32", y="1x16xf32",
    )  # fmt: skip
    module = parse_text(text, "k.mlir")
    PtoLowerPass("a2a3").apply(Context(), module)
    before = results(module)
    assert "tci" in in_loops(module)
    with collect() as said:
        RopePass(chip="a3").apply(Context(), module)
    verify_module(module)
    assert "tci" not in in_loops(module)
    assert [e.outcome for e in said.entries] == ["rewritten"]
    after = results(module)
    assert all(array.tobytes() == after[name].tobytes() for name, array in before.items())


# -- fills that are overwritten -----------------------------------------------------------------------------

HALVES = """
z = full([16, 64], "16x64xf32", dtype=pl.FP32, value=0.0)
v = load(x, [b * 64, 0], "16x32xf32")
w = load(x, [b * 64, 32], "16x32xf32")
one = assemble(z, v, [0, 0], "16x64xf32")
two = assemble(one, w, [{row}, {col}], "16x64xf32")
store({stored}, [b * 64, 0], y)
"""


def fills(module: ModuleOp) -> list[Operation]:
    kernels = program_functions(module, KERNEL)
    return [op for k in kernels for op in k.walk() if isinstance(op, TExpandsOp)]


@pytest.mark.parametrize(
    ("col", "stored", "goes"), [(32, "two", True), (0, "two", False), (31, "two", False), (32, "one", False)]
)
def test_a_fill_goes_if_every_lane_is_overwritten(col: int, stored: str, goes: bool) -> None:
    body = HALVES.format(row=0, col=col, stored=stored).replace("16x64xf32", "16x64xf32")
    before = program([Kernel("rope", 4, ["x"], ["y"], body)], TENSORS, ["y"])
    after = before.clone()
    with collect() as said:
        HoistFillsPass("a3").apply(Context(), after)
    verify_module(after)
    assert (fills(after) == []) is goes
    assert [e.message for e in said.entries] == [
        "the fill of 'pto.insert' goes: every lane is overwritten before it is read"
    ] * goes
    assert same_bits(before, after, arrays(TENSORS))


@pytest.mark.parametrize(("trips", "goes"), [(16, True), (15, False), (100, True), (1100, False)])
def test_a_loop_overwrites_what_it_starts_with(trips: int, goes: bool) -> None:
    """More trips than are followed one by one say nothing about what is overwritten."""
    height = max(trips, 16)
    text = kernel(
        f"""{FILL}
        %a = pto.texpands ins(%one : f32) -> T<{height}x16xf32>
        %x = load x
        %y = scf.for %i = %c0 to %c{trips} step %c1 iter_args(%t = %a) -> (T<{height}x16xf32>) {{
          %n = pto.insert %x into %t[%i, %c0] : T<1x16xf32> into T<{height}x16xf32> -> T<{height}x16xf32>
          scf.yield %n : T<{height}x16xf32>
        }}
        store %y to y""",
        x="1x16xf32", y=f"{height}x16xf32",
    )  # fmt: skip
    function, _, count = hoisted(text)
    assert count == goes
    assert any(isinstance(op, UndefOp) for op in function.walk()) is goes
