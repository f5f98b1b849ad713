"""Raising and lowering: kernels compute the same bits in every form, and need no more memory than before."""

# ruff: noqa: E501  (types make long lines)

import re
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp

from dialects.pto.base import target_arch
from dialects.pto.types import TileBufType, TileType
from dsv4_passes.cli.run import run_on_arrays
from dsv4_passes.diagnostics import UserError, collect
from dsv4_passes.formats.pto.reader import parse_file, parse_text, verify_module
from dsv4_passes.formats.pto.writer import SpelledPrinter
from dsv4_passes.interpreter import numerics
from dsv4_passes.interpreter.kernels import find_kernels
from dsv4_passes.transforms.common.byte_ranges import TileByteRanges
from dsv4_passes.transforms.common.origin import Level
from dsv4_passes.transforms.lowering.lower_tiles import lower_function
from dsv4_passes.transforms.raising.raise_tiles import raise_function
from tests.unit.kernels import DATA, Array, kernel

LEVELS: tuple[Level, ...] = ("level2", "level3")
KERNELS = sorted(DATA.rglob("*.pto"))
NZ = "blayout=col_major, slayout=row_major"
ACC = f"16x16xf32, {NZ}, fractal=1024"
X = np.arange(128, dtype=np.float32).reshape(8, 16) - 40.5


def functions(module: ModuleOp) -> list[func.FuncOp]:
    return [op for op in module.walk() if isinstance(op, func.FuncOp)]


def forms(module: ModuleOp) -> set[type]:
    kinds = (TileBufType, TileType)
    return {type(r.type) for op in module.walk() for r in op.results if isinstance(r.type, kinds)}


def raise_all(module: ModuleOp) -> ModuleOp:
    for function in functions(module):
        raise_function(function)
    verify_module(module)
    return module


def lower_all(module: ModuleOp, level: Level) -> ModuleOp:
    for function in functions(module):
        lower_function(function, target_arch(module), "0.60", level)
    verify_module(module)
    return module


def printed(module: ModuleOp) -> str:
    out = StringIO()
    SpelledPrinter(out).print_op(module)
    return out.getvalue()


def outputs(module: ModuleOp, inputs: Mapping[str, Array], blocks: int = 1) -> dict[str, bytes]:
    """What all kernels of a module store, as bits."""
    results: dict[str, bytes] = {}
    for name, found in find_kernels(module).items():
        for argument, array in run_on_arrays(found, inputs, blocks, "inputs").items():
            results[f"{name} {argument}"] = array.tobytes()
    return results


def same_in_every_form(text: str, **inputs: Array) -> str:
    """Raise a kernel in buffer form, and lower it at both levels; the raised text."""
    expected = outputs(parse_text(text, "test.mlir"), inputs)
    assert any(any(bits) for bits in expected.values())
    raised = raise_all(parse_text(text, "test.mlir"))
    assert TileBufType not in forms(raised)
    assert outputs(raised, inputs) == expected
    shown = printed(raised)
    lowered_the_same(shown, expected, inputs)
    return shown


def lowered_the_same(text: str, expected: dict[str, bytes], inputs: Mapping[str, Array]) -> list[str]:
    """Lower a kernel in value form at both levels; the texts of both."""
    shown: list[str] = []
    for level in LEVELS:
        lowered = lower_all(parse_text(text, "test.mlir"), level)
        assert TileType not in forms(lowered)
        assert outputs(lowered, inputs) == expected, level
        shown.append(printed(lowered))
    return shown


def same_lowered(text: str, **inputs: Array) -> list[str]:
    """Lower a kernel in value form at both levels; the texts of both."""
    expected = outputs(parse_text(text, "test.mlir"), inputs)
    assert any(any(bits) for bits in expected.values())
    return lowered_the_same(text, expected, inputs)


def bytes_used(module: ModuleOp) -> dict[tuple[str, str], int]:
    """Bytes from address 0 on, by function and memory."""
    peaks: dict[tuple[str, str], int] = {}
    for function in functions(module):
        for handle in TileByteRanges(function.body.block).handles.values():
            space, _, end = handle.bytes
            if isinstance(space, str) and not handle.is_null:
                key = function.sym_name.data, space
                peaks[key] = max(end, peaks.get(key, 0))
    return peaks


# -- kernels as pypto writes them -------------------------------------------------------------------


def random_inputs(module: ModuleOp) -> dict[str, Array]:
    """Numbers for all arguments; integers are small so that indices stay inside of what they index."""
    rng = np.random.default_rng(7)
    inputs: dict[str, Array] = {}
    for found in find_kernels(module).values():
        for argument in found.arguments.values():
            dtype = numerics.numpy_dtype(argument.dtype)
            size = (argument.shape or (argument.size,)) if argument.pointer else ()
            if numerics.computes_as_float(argument.dtype):
                inputs[argument.name] = rng.standard_normal(size).astype(np.float32).astype(dtype)
            else:
                inputs[argument.name] = rng.integers(0, 2, size).astype(dtype)
    return inputs


@pytest.mark.parametrize("path", KERNELS, ids=lambda path: path.stem)
def test_a_kernel_computes_the_same_and_needs_no_more_memory(path: Path) -> None:
    module = parse_file(path)
    inputs, before = random_inputs(module), bytes_used(module)
    expected = outputs(module, inputs, blocks=2)
    assert any(any(bits) for bits in expected.values())
    raised = raise_all(module)
    assert TileBufType not in forms(raised)
    assert outputs(raised, inputs, blocks=2) == expected
    for level in LEVELS:
        lowered = lower_all(raise_all(parse_file(path)), level)
        assert outputs(lowered, inputs, blocks=2) == expected, level
        if level == "level3" and before:
            after = bytes_used(lowered)
            assert {place for place, peak in after.items() if peak > before[place]} == set()


# -- values from bytes ------------------------------------------------------------------------------


def alloc(name: str, address: int, tile: str, valid: str = "") -> str:
    """A handle; `valid` names the extents of a tile that is not, or not always, full."""
    return f"{name} = pto.alloc_tile addr = %a{address}{valid} : !pto.tile_buf<{tile}>"


def buffers(body: str, **arguments: str) -> str:
    """A kernel in buffer form; `alloc %t at 0 : 8x16xf32` is a handle on a vec tile."""
    body = re.sub(r"alloc (%\w+) at (\d+) : (.*)", lambda m: alloc(m[1], int(m[2]), f"vec, {m[3]}"), body)
    places = sorted({int(n) for n in re.findall(r"%a(\d+)\b", body)})
    constants = [f"%a{place} = arith.constant {place} : i64" for place in places]
    return kernel("\n".join([*constants, body]), **arguments)


def test_a_loop_carries_a_tile_beside_a_number() -> None:
    """An online sum: the tile is carried by its address alone, the number by the loop."""
    text = buffers(
        """
        alloc %sum at 0 : 8x16xf32
        alloc %x at 512 : 8x16xf32
        %one = arith.constant 1.5 : f32
        %x : B<8x16xf32> := load x
        %sum : B<8x16xf32> := load x
        %last = scf.for %i = %c0 to %c3 step %c1 iter_args(%f = %one) -> (f32) {
          alloc %before at 0 : 8x16xf32
          alloc %scaled at 1024 : 8x16xf32
          alloc %after at 0 : 8x16xf32
          pto.tmuls ins(%x, %f : B<8x16xf32>, f32) outs(%scaled : B<8x16xf32>)
          pto.tadd ins(%before, %scaled : B<8x16xf32>, B<8x16xf32>) outs(%after : B<8x16xf32>)
          %next = arith.mulf %f, %one : f32
          scf.yield %next : f32
        }
        alloc %result at 0 : 8x16xf32
        pto.tmuls ins(%result, %last : B<8x16xf32>, f32) outs(%result : B<8x16xf32>)
        store %result : B<8x16xf32> to y""",
        x="8x16xf32",
        y="8x16xf32",
    )
    raised = same_in_every_form(text, x=X)
    assert "-> (f32, !pto.tile<vec, 8x16xf32>)" in raised


@pytest.mark.parametrize("flag", [0, 1])
def test_a_branch_yields_what_its_sides_wrote(flag: int) -> None:
    text = buffers(
        """
        %n = pto.load_scalar %arg1[%c0] : !pto.ptr<i32> -> i32
        %zero = arith.constant 0 : i32
        %two = arith.constant 2.0 : f32
        alloc %x at 0 : 8x16xf32
        alloc %y at 512 : 8x16xf32
        %x : B<8x16xf32> := load x
        pto.texpands ins(%two : f32) outs(%y : B<8x16xf32>)
        %is = arith.cmpi eq, %n, %zero : i32
        scf.if %is {
          alloc %a at 512 : 8x16xf32
          pto.tadd ins(%x, %x : B<8x16xf32>, B<8x16xf32>) outs(%a : B<8x16xf32>)
        } else {
          alloc %b at 0 : 8x16xf32
          pto.tmuls ins(%b, %two : B<8x16xf32>, f32) outs(%b : B<8x16xf32>)
        }
        alloc %p at 0 : 8x16xf32
        alloc %q at 512 : 8x16xf32
        alloc %d at 1024 : 8x16xf32
        pto.tsub ins(%p, %q : B<8x16xf32>, B<8x16xf32>) outs(%d : B<8x16xf32>)
        store %d : B<8x16xf32> to y""",
        x="8x16xf32",
        flag="1xi32",
        y="8x16xf32",
    )
    raised = same_in_every_form(text, x=X, flag=np.array([flag], np.int32))
    assert raised.count("scf.yield") == 2


def test_nested_loops_carry_through_each_other() -> None:
    text = buffers(
        """
        alloc %x at 0 : 8x16xf32
        %x : B<8x16xf32> := load x
        scf.for %i = %c0 to %c3 step %c1 {
          scf.for %j = %c0 to %c2 step %c1 {
            alloc %a at 0 : 8x16xf32
            alloc %b at 512 : 8x16xf32
            pto.tadd ins(%a, %a : B<8x16xf32>, B<8x16xf32>) outs(%b : B<8x16xf32>)
            pto.tmov ins(%b : B<8x16xf32>) outs(%a : B<8x16xf32>)
          }
          alloc %c at 512 : 8x16xf32
          alloc %d at 0 : 8x16xf32
          pto.tadd ins(%c, %d : B<8x16xf32>, B<8x16xf32>) outs(%d : B<8x16xf32>)
        }
        alloc %e at 0 : 8x16xf32
        store %e : B<8x16xf32> to y""",
        x="8x16xf32",
        y="8x16xf32",
    )
    same_in_every_form(text, x=X)


def test_windows_are_read_and_written() -> None:
    """Row 2·i of a tile goes into row i of another, which had something in its other rows."""
    text = buffers(
        """
        alloc %x at 0 : 8x16xf32
        alloc %y at 512 : 8x16xf32
        %x : B<8x16xf32> := load x
        %y : B<8x16xf32> := load x
        scf.for %i = %c0 to %c4 step %c1 {
          %twice = arith.addi %i, %i : index
          %from = pto.subview %x[%twice, %c0] sizes [1, 16] : B<8x16xf32> -> B<1x16xf32>
          %to = pto.subview %y[%i, %c0] sizes [1, 16] : B<8x16xf32> -> B<1x16xf32>
          pto.tadd ins(%from, %from : B<1x16xf32>, B<1x16xf32>) outs(%to : B<1x16xf32>)
        }
        %half = pto.subview %y[%c2, %c8] sizes [4, 8] : B<8x16xf32> -> B<4x8xf32>
        %other = pto.subview %y[%c2, %c0] sizes [4, 8] : B<8x16xf32> -> B<4x8xf32>
        pto.tadd ins(%half, %other : B<4x8xf32>, B<4x8xf32>) outs(%half : B<4x8xf32>)
        store %y : B<8x16xf32> to y""",
        x="8x16xf32",
        y="8x16xf32",
    )
    raised = same_in_every_form(text, x=X)
    assert raised.count("pto.insert") == 2


def test_results_lie_on_operands() -> None:
    """In place, narrowed into the first half of the operand, and widened again over it."""
    text = buffers(
        """
        alloc %x at 0 : 8x16xf32
        alloc %h at 0 : 8x16xbf16
        alloc %w at 0 : 8x16xf32
        %x : B<8x16xf32> := load x
        pto.tadd ins(%x, %x : B<8x16xf32>, B<8x16xf32>) outs(%x : B<8x16xf32>)
        pto.tcvt ins(%x {rmode = #pto<round_mode RINT>} : B<8x16xf32>) outs(%h : B<8x16xbf16>)
        pto.tcvt ins(%h : B<8x16xbf16>) outs(%w : B<8x16xf32>)
        store %w : B<8x16xf32> to y""",
        x="8x16xf32",
        y="8x16xf32",
    )
    same_in_every_form(text, x=X / 3)


def test_an_accumulator_goes_by_another_name_in_every_trip() -> None:
    """`if first trip { c = a * b } else { c += a * b }`: each product names its own handle at address 0."""
    left, right = f"left, 16x16xf32, {NZ}", "right, 16x16xf32, slayout=col_major"
    tiles = {"m": f"mat, 16x16xf32, {NZ}", "l": left, "r": right, "c": f"acc, {ACC}"}
    made = {name: f"!pto.tile_buf<{tile}>" for name, tile in tiles.items()}
    text = buffers(
        f"""
        {alloc("%m", 0, tiles["m"])}
        scf.for %k = %c0 to %c3 step %c1 {{
          {alloc("%l", 0, tiles["l"])}
          {alloc("%r", 0, tiles["r"])}
          %row = arith.muli %k, %c16 : index
          %part = pto.partition_view %x_view, offsets = [%row, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
          pto.tload ins(%part : !pto.partition_tensor_view<16x16xf32>) outs(%m : {made["m"]})
          pto.tmov ins(%m : {made["m"]}) outs(%l : {made["l"]})
          pto.tmov ins(%m : {made["m"]}) outs(%r : {made["r"]})
          %first = arith.cmpi eq, %k, %c0 : index
          scf.if %first {{
            {alloc("%c", 0, tiles["c"])}
            pto.tmatmul ins(%l, %r : {made["l"]}, {made["r"]}) outs(%c : {made["c"]})
          }} else {{
            {alloc("%d", 0, tiles["c"])}
            pto.tmatmul.acc ins(%d, %l, %r : {made["c"]}, {made["l"]}, {made["r"]}) outs(%d : {made["c"]})
          }}
        }}
        {alloc("%e", 0, tiles["c"])}
        pto.tstore ins(%e : {made["c"]}) outs(%y_part : !pto.partition_tensor_view<16x16xf32>)""",
        x="48x16xf32",
        y="16x16xf32",
    )
    x = np.arange(48 * 16, dtype=np.float32).reshape(48, 16) % 7
    raised = same_in_every_form(text, x=x)
    assert "pto.tmatmul.acc" in raised
    parts = np.split(x, 3)
    total = outputs(parse_text(raised, "raised.mlir"), {"x": x})["k y"]
    np.testing.assert_array_equal(np.frombuffer(total, np.float32).reshape(16, 16), sum(p @ p for p in parts))


def test_many_names_for_the_same_bytes() -> None:
    """Sums of rows come as a column; the same bytes are a row, a part of a larger row, and a column again."""
    column = "8x1xf32, blayout=col_major"
    text = buffers(
        f"""
        alloc %x at 0 : 8x16xf32
        alloc %tmp at 2048 : 8x16xf32
        alloc %long at 512 : 1x16xf32
        alloc %column at 512 : {column}
        alloc %row at 512 : 1x8xf32
        alloc %again at 512 : {column}
        alloc %second at 544 : 1x8xf32
        %x : B<8x16xf32> := load x
        pto.texpands ins(%two : f32) outs(%long : B<1x16xf32>)
        pto.trowsum ins(%x, %tmp : B<8x16xf32>, B<8x16xf32>) outs(%column : B<{column}>)
        pto.tadd ins(%row, %second : B<1x8xf32>, B<1x8xf32>) outs(%row : B<1x8xf32>)
        pto.trowexpandadd ins(%x, %again : B<8x16xf32>, B<{column}>) outs(%x : B<8x16xf32>)
        store %x : B<8x16xf32> to y
        store %long : B<1x16xf32> to z""".replace(
            "alloc %x at", "%two = arith.constant 2.0 : f32\nalloc %x at", 1
        ),
        x="8x16xf32",
        y="8x16xf32",
        z="1x16xf32",
    )
    raised = same_in_every_form(text, x=X)
    assert "pto.reshape" in raised


def test_bytes_change_their_shape_without_an_operation() -> None:
    text = buffers(
        """
        alloc %x at 0 : 8x16xf32
        alloc %flat at 0 : 1x128xf32
        alloc %other at 0 : 4x32xf32
        alloc %part at 64 : 2x16xf32
        alloc %sum at 512 : 2x16xf32
        %x : B<8x16xf32> := load x
        pto.tadd ins(%flat, %flat : B<1x128xf32>, B<1x128xf32>) outs(%flat : B<1x128xf32>)
        pto.tadd ins(%part, %part : B<2x16xf32>, B<2x16xf32>) outs(%sum : B<2x16xf32>)
        store %other : B<4x32xf32> to y
        store %sum : B<2x16xf32> to z""",
        x="8x16xf32",
        y="4x32xf32",
        z="2x16xf32",
    )
    same_in_every_form(text, x=X)


@pytest.mark.parametrize("rows", [1, 5, 8])
def test_valid_extents_that_show_while_running(rows: int) -> None:
    """A tile of so many rows, by its allocation and by `set_validshape`, within a loop that changes them."""
    partly = "8x16xf32, valid=?x?"
    text = buffers(
        f"""
        %n32 = pto.load_scalar %arg1[%c0] : !pto.ptr<i32> -> i32
        %n = arith.index_cast %n32 : i32 to index
        {alloc("%x", 0, f"vec, {partly}", " valid_row = %n valid_col = %c16")}
        {alloc("%d", 512, f"vec, {partly}", " valid_row = %c8 valid_col = %c16")}
        %box = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = [%n, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<?x16xf32>
        pto.tload ins(%box : !pto.partition_tensor_view<?x16xf32>) outs(%x : B<{partly}>)
        pto.set_validshape %d, %n, %c16 : B<{partly}>
        pto.tadd ins(%x, %x : B<{partly}>, B<{partly}>) outs(%d : B<{partly}>)
        scf.for %i = %c0 to %n step %c1 {{
          %left = arith.subi %n, %i : index
          pto.set_validshape %d, %left, %c16 : B<{partly}>
          pto.tadd ins(%d, %d : B<{partly}>, B<{partly}>) outs(%d : B<{partly}>)
        }}
        %first = pto.subview %d[%c0, %c0] sizes [1, 16] : B<{partly}> -> B<1x16xf32>
        store %first : B<1x16xf32> to y""",
        x="8x16xf32",
        n="1xi32",
        y="1x16xf32",
    )
    same_in_every_form(text, x=X, n=np.array([rows], np.int32))


# -- several functions ------------------------------------------------------------------------------

HELPER = """func.func @helper(%n: index) -> index {
  %c1 = arith.constant 1 : index
  %m = arith.addi %n, %c1 : index
  func.return %m : index
}
"""


def test_a_function_may_call_one_without_tiles() -> None:
    text = HELPER + buffers(
        """
        alloc %x at 0 : 8x16xf32
        %x : B<8x16xf32> := load x
        %end = func.call @helper(%c2) : (index) -> index
        scf.for %i = %c0 to %end step %c1 {
          pto.tadd ins(%x, %x : B<8x16xf32>, B<8x16xf32>) outs(%x : B<8x16xf32>)
        }
        store %x : B<8x16xf32> to y""",
        x="8x16xf32",
        y="8x16xf32",
    )
    same_in_every_form(text, x=X)


def test_functions_that_share_tiles_stay_as_they_are() -> None:
    inner = "func.func @helper() {\n%a0 = arith.constant 0 : i64\n%f = arith.constant 1.0 : f32\n"
    inner += alloc("%t", 0, "vec, 8x16xf32")
    inner += "\npto.texpands ins(%f : f32) outs(%t : !pto.tile_buf<vec, 8x16xf32>)\nfunc.return\n}\n"
    outer = """
        alloc %x at 0 : 8x16xf32
        func.call @helper() : () -> ()
        store %x : B<8x16xf32> to y"""
    module = parse_text(inner + buffers(outer, y="8x16xf32"), "test.mlir")
    before = printed(module)
    with collect() as diagnostics:
        raise_all(module)
    assert printed(module) == before
    assert [entry.reason for entry in diagnostics.entries] == ["tiles across a call"] * 2


# -- buffers for values -----------------------------------------------------------------------------


def test_a_loop_may_begin_with_a_window() -> None:
    """What lies in the middle of a tile does not lie where a buffer begins: it is copied."""
    body = """
    %a = load x
    %w = pto.subview %a[%cROW, %c0] sizes [4, 16] : T<8x16xf32> -> T<4x16xf32>
    %r = scf.for %i = %c0 to %c2 step %c1 iter_args(%c = %w) -> (T<4x16xf32>) {
      %d = pto.tadd ins(%c, %c : T<4x16xf32>, T<4x16xf32>) -> T<4x16xf32>
      scf.yield %d : T<4x16xf32>
    }
    store %r to y"""
    for row, copies in (("4", (1, 1)), ("0", (1, 0))):
        text = kernel(body.replace("ROW", row), x="8x16xf32", y="4x16xf32")
        assert tuple(t.count("pto.tmov") for t in same_lowered(text, x=X)) == copies


def test_a_loop_may_yield_a_window() -> None:
    """Each trip leaves the last rows of what it computes to the next one."""
    body = """
    %a = load x
    %w = pto.subview %a[%c4, %c0] sizes [4, 16] : T<8x16xf32> -> T<4x16xf32>
    %z = pto.tadd ins(%w, %w : T<4x16xf32>, T<4x16xf32>) -> T<4x16xf32>
    %r = scf.for %i = %c0 to %c2 step %c1 iter_args(%c = %z) -> (T<4x16xf32>) {
      %b = pto.insert %c into %a[%c4, %c0] : T<4x16xf32> into T<8x16xf32> -> T<8x16xf32>
      %d = pto.tadd ins(%b, %a : T<8x16xf32>, T<8x16xf32>) -> T<8x16xf32>
      %e = pto.subview %d[%c4, %c0] sizes [4, 16] : T<8x16xf32> -> T<4x16xf32>
      scf.yield %e : T<4x16xf32>
    }
    store %r to y"""
    same_lowered(kernel(body, x="8x16xf32", y="4x16xf32"), x=X)


@pytest.mark.parametrize("flag", [0, 1])
def test_a_branch_may_yield_windows(flag: int) -> None:
    body = """
    %n = pto.load_scalar %arg1[%c0] : !pto.ptr<i32> -> i32
    %zero = arith.constant 0 : i32
    %is = arith.cmpi eq, %n, %zero : i32
    %a = load x
    %r = scf.if %is -> (T<4x16xf32>) {
      %w = pto.subview %a[%c2, %c0] sizes [4, 16] : T<8x16xf32> -> T<4x16xf32>
      scf.yield %w : T<4x16xf32>
    } else {
      %w = pto.subview %a[%c4, %c0] sizes [4, 16] : T<8x16xf32> -> T<4x16xf32>
      scf.yield %w : T<4x16xf32>
    }
    store %r to y"""
    text = kernel(body, x="8x16xf32", flag="1xi32", y="4x16xf32")
    same_lowered(text, x=X, flag=np.array([flag], np.int32))


def test_a_piece_may_go_into_a_window() -> None:
    body = """
    %a = load x
    %w = pto.subview %a[%c4, %c0] sizes [4, 16] : T<8x16xf32> -> T<4x16xf32>
    %p = pto.subview %a[%c1, %c0] sizes [1, 16] : T<8x16xf32> -> T<1x16xf32>
    %d = pto.insert %p into %w[%c2, %c0] : T<1x16xf32> into T<4x16xf32> -> T<4x16xf32>
    store %d to y
    store %a to z"""
    same_lowered(kernel(body, x="8x16xf32", y="4x16xf32", z="8x16xf32"), x=X)


def test_what_a_loop_reads_later_is_not_overwritten() -> None:
    """The initial value is read again behind the loop, and every trip reads it too."""
    body = """
    %a = load x
    %r = scf.for %i = %c0 to %c2 step %c1 iter_args(%c = %a) -> (T<8x16xf32>) {
      %d = pto.tadd ins(%c, %a : T<8x16xf32>, T<8x16xf32>) -> T<8x16xf32>
      scf.yield %d : T<8x16xf32>
    }
    %s = pto.tsub ins(%r, %a : T<8x16xf32>, T<8x16xf32>) -> T<8x16xf32>
    store %s to y"""
    same_lowered(kernel(body, x="8x16xf32", y="8x16xf32"), x=X)


def test_two_tiles_may_change_places_in_a_loop() -> None:
    body = """
    %a = load x
    %b = pto.tadd ins(%a, %a : T<8x16xf32>, T<8x16xf32>) -> T<8x16xf32>
    %p, %q = scf.for %i = %c0 to %c3 step %c1 iter_args(%c = %a, %d = %b) -> (T<8x16xf32>, T<8x16xf32>) {
      scf.yield %d, %c : T<8x16xf32>, T<8x16xf32>
    }
    store %p to y
    store %q to z"""
    same_lowered(kernel(body, x="8x16xf32", y="8x16xf32", z="8x16xf32"), x=X)


def test_an_accumulator_that_is_read_again_cannot_be_copied() -> None:
    acc, left, right = ACC, f"left, 16x16xf32, {NZ}", "right, 16x16xf32, slayout=col_major"
    types = f"!pto.tile<acc, {acc}>, !pto.tile<{left}>, !pto.tile<{right}>"
    body = f"""
    %m = pto.tload ins(%x_part : !pto.partition_tensor_view<16x16xf32>) -> !pto.tile<mat, 16x16xf32, {NZ}>
    %l = pto.tmov ins(%m : !pto.tile<mat, 16x16xf32, {NZ}>) -> !pto.tile<{left}>
    %r = pto.tmov ins(%m : !pto.tile<mat, 16x16xf32, {NZ}>) -> !pto.tile<{right}>
    %c = pto.tmatmul ins(%l, %r : !pto.tile<{left}>, !pto.tile<{right}>) -> !pto.tile<acc, {acc}>
    %d = pto.tmatmul.acc ins(%c, %l, %r : {types}) -> !pto.tile<acc, {acc}>
    pto.tstore ins(%d : !pto.tile<acc, {acc}>) outs(%y_part : !pto.partition_tensor_view<16x16xf32>)
    pto.tstore ins(%c : !pto.tile<acc, {acc}>) outs(%y_part : !pto.partition_tensor_view<16x16xf32>)"""
    module = parse_text(kernel(body, x="16x16xf32", y="16x16xf32"), "test.mlir")
    with pytest.raises(UserError, match=r"'pto.tmatmul.acc' needs a copy of a tile in acc memory"):
        lower_all(module, "level3")


def test_an_argument_keeps_its_name_without_its_view() -> None:
    """pypto names an argument by its view, also where only single elements of it are stored."""
    text = kernel(
        """
        %a = pto.texpands ins(%f : f32) -> T<8x16xf32>
        store %a to y
        pto.store_scalar %f, %arg0[%c3] : !pto.ptr<f32>, f32""".replace(
            "%a = pto", "%f = arith.constant 1.5 : f32\n%a = pto", 1
        ),
        x="8x16xf32",
        y="8x16xf32",
    )
    same_lowered(text)
