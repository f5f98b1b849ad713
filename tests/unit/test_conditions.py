"""A remark names every condition that a rewrite rests on, also those of what it puts in place."""

# ruff: noqa: E501  (types make long lines)

import re

import ml_dtypes
import numpy as np
import pytest

from dsv4_passes.cli.run import run_on_arrays
from dsv4_passes.formats.pto.reader import parse_text
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.interpreter.kernels import find_kernels
from dsv4_passes.transforms.bind_facts import bind_arrays
from dsv4_passes.transforms.lanes.select_to_lanes import SelectToLanesPass
from dsv4_passes.transforms.rope import RopePass
from tests.unit.test_rewrites import DATA, apply, rewritten_sites

BOXED = "blayout=col_major, slayout=row_major"
ACC = "blayout=col_major, slayout=row_major, fractal=1024"


def view(name: str, argument: int, rows: int, cols: int, dtype: str) -> str:
    return (
        f"%{name}_view = pto.make_tensor_view %arg{argument}, shape = [%c{rows}, %c{cols}], "
        f"strides = [%c{cols}, %c1] : !pto.tensor_view<?x?x{dtype}>"
    )


def part(name: str, whole: str, rows: int, cols: int, dtype: str) -> str:
    return (
        f"%{name} = pto.partition_view %{whole}_view, offsets = [%c0, %c0], sizes = [%c{rows}, %c{cols}] : "
        f"!pto.tensor_view<?x?x{dtype}> -> !pto.partition_tensor_view<{rows}x{cols}x{dtype}>"
    )


# The even lanes of x: of all of it, and of its first half. The first product stays, as its result goes back to
# the cube; the second one is found to be the left part of the first.
TEXT = f"""
func.func @k(%arg0: !pto.ptr<bf16>, %arg1: !pto.ptr<bf16> {{dsv4.selector = #dsv4.selector<even>}},
             %arg2: !pto.ptr<bf16>, %arg3: !pto.ptr<f32>, %arg4: !pto.ptr<f32>, %arg5: !pto.ptr<f32>)
    attributes {{pto.kernel_kind = #pto.kernel_kind<cube>}} {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %c64 = arith.constant 64 : index
  {view("x", 0, 16, 64, "bf16")}
  {view("s", 1, 64, 32, "bf16")}
  {view("w", 2, 32, 16, "bf16")}
  {view("y", 3, 16, 16, "f32")}
  {view("z", 4, 16, 16, "f32")}
  {view("u", 5, 16, 16, "f32")}
  {part("x_all", "x", 16, 64, "bf16")}
  {part("x_half", "x", 16, 32, "bf16")}
  {part("s_all", "s", 64, 32, "bf16")}
  {part("s_half", "s", 32, 16, "bf16")}
  {part("w_all", "w", 32, 16, "bf16")}
  {part("y_all", "y", 16, 16, "f32")}
  {part("z_all", "z", 16, 16, "f32")}
  {part("u_all", "u", 16, 16, "f32")}
  %xm = pto.tload ins(%x_all : !pto.partition_tensor_view<16x64xbf16>) -> !pto.tile<mat, 16x64xbf16, {BOXED}>
  %sm = pto.tload ins(%s_all : !pto.partition_tensor_view<64x32xbf16>) -> !pto.tile<mat, 64x32xbf16, {BOXED}>
  %wm = pto.tload ins(%w_all : !pto.partition_tensor_view<32x16xbf16>) -> !pto.tile<mat, 32x16xbf16, {BOXED}>
  %xl = pto.tmov ins(%xm : !pto.tile<mat, 16x64xbf16, {BOXED}>) -> !pto.tile<left, 16x64xbf16, {BOXED}>
  %sr = pto.tmov ins(%sm : !pto.tile<mat, 64x32xbf16, {BOXED}>) -> !pto.tile<right, 64x32xbf16, slayout=col_major>
  %wr = pto.tmov ins(%wm : !pto.tile<mat, 32x16xbf16, {BOXED}>) -> !pto.tile<right, 32x16xbf16, slayout=col_major>
  %a = pto.tmatmul ins(%xl, %sr : !pto.tile<left, 16x64xbf16, {BOXED}>,
      !pto.tile<right, 64x32xbf16, slayout=col_major>) -> !pto.tile<acc, 16x32xf32, {ACC}>
  %am = pto.tmov ins(%a : !pto.tile<acc, 16x32xf32, {ACC}>) -> !pto.tile<mat, 16x32xbf16, {BOXED}>
  %al = pto.tmov ins(%am : !pto.tile<mat, 16x32xbf16, {BOXED}>) -> !pto.tile<left, 16x32xbf16, {BOXED}>
  %d = pto.tmatmul ins(%al, %wr : !pto.tile<left, 16x32xbf16, {BOXED}>,
      !pto.tile<right, 32x16xbf16, slayout=col_major>) -> !pto.tile<acc, 16x16xf32, {ACC}>
  pto.tstore ins(%d : !pto.tile<acc, 16x16xf32, {ACC}>) outs(%u_all : !pto.partition_tensor_view<16x16xf32>)
  %av = pto.tmov ins(%a : !pto.tile<acc, 16x32xf32, {ACC}>) -> !pto.tile<vec, 16x32xf32>
  %left = pto.subview %av[%c0, %c0] sizes [16, 16] : !pto.tile<vec, 16x32xf32> -> !pto.tile<vec, 16x16xf32>
  pto.tstore ins(%left : !pto.tile<vec, 16x16xf32>) outs(%y_all : !pto.partition_tensor_view<16x16xf32>)
  %hm = pto.tload ins(%x_half : !pto.partition_tensor_view<16x32xbf16>) -> !pto.tile<mat, 16x32xbf16, {BOXED}>
  %tm = pto.tload ins(%s_half : !pto.partition_tensor_view<32x16xbf16>) -> !pto.tile<mat, 32x16xbf16, {BOXED}>
  %hl = pto.tmov ins(%hm : !pto.tile<mat, 16x32xbf16, {BOXED}>) -> !pto.tile<left, 16x32xbf16, {BOXED}>
  %tr = pto.tmov ins(%tm : !pto.tile<mat, 32x16xbf16, {BOXED}>) -> !pto.tile<right, 32x16xbf16, slayout=col_major>
  %b = pto.tmatmul ins(%hl, %tr : !pto.tile<left, 16x32xbf16, {BOXED}>,
      !pto.tile<right, 32x16xbf16, slayout=col_major>) -> !pto.tile<acc, 16x16xf32, {ACC}>
  pto.tstore ins(%b : !pto.tile<acc, 16x16xf32, {ACC}>) outs(%z_all : !pto.partition_tensor_view<16x16xf32>)
  func.return
}}
"""


def test_what_is_put_in_place_of_a_product_may_have_conditions_of_its_own() -> None:
    before, after = (parse_text(TEXT, "conditions.mlir") for _ in range(2))
    diagnostics = apply(after, SelectToLanesPass())
    (said,) = (e.message for e in diagnostics.entries if e.outcome == "rewritten")
    assert "the value itself" in said
    random = np.random.default_rng(1)
    x = random.standard_normal((16, 64)).astype(ml_dtypes.bfloat16)
    x[3, 40] = np.inf  # in the half that only the first product reads
    select = np.zeros((64, 32), ml_dtypes.bfloat16)
    select[2 * np.arange(32), np.arange(32)] = 1
    w = random.standard_normal((32, 16)).astype(ml_dtypes.bfloat16)
    given = {"x": x, "s": select, "w": w} | {name: np.zeros((16, 16), np.float32) for name in "yzu"}
    given |= {name: given[name].view(np.uint16) for name in "xsw"}
    old, new = (run_on_arrays(find_kernels(m)["k"], given, 1, "test")["z"] for m in (before, after))
    differs = (old.view(np.uint32) != new.view(np.uint32)).any(axis=1)
    assert np.flatnonzero(differs).tolist() == [3]
    assert "FIN(%xm)" in said
    assert "FIN(%hm)" in said


FLAGS = (
    "pto.set_flag[<PIPE_MTE2>, <PIPE_M>, <EVENT_ID0>]",
    "pto.sync.wait <PIPE_MTE3>, 0",
    "pto.barrier_sync[#pto.sync_op_type<TMATMUL>]",
)


@pytest.mark.parametrize("flag", FLAGS)
def test_what_is_synchronised_by_hand_stays(flag: str) -> None:
    module = parse_text(TEXT.replace("%xl = ", f"{flag}\n  %xl = ", 1), "flags.mlir")
    before = str(module)
    diagnostics = apply(module, SelectToLanesPass())
    (said,) = (e.message for e in diagnostics.entries)
    assert f"'{flag.split('[')[0].split(' ')[0]}' orders operations by hand" in said
    assert str(module) == before


@pytest.mark.parametrize("out", ["out__ssa_v0", "x__ssa_v0"])
def test_a_kernel_that_is_launched_on_one_tensor_twice_stays(out: str) -> None:
    """Pointer arguments do not alias: every proof rests on that."""
    path = DATA / "rope_a" / "program.py"
    call = re.compile(r"(= self\.rope_a_spmd\(.*, )out__ssa_v0\)")
    module = parse_program(call.sub(rf"\1{out})", path.read_text(encoding="utf-8")), path.name)
    bind_arrays(module, str(DATA / "rope_a" / "inputs.npz"))
    diagnostics = apply(module, RopePass("a3"))
    said = " ".join(e.message for e in diagnostics.entries)
    twice = "a launch passes one tensor as 'x__ssa_v0' and as 'out__ssa_v0'" in said
    assert bool(rewritten_sites(diagnostics)) == (not twice) == (out != "x__ssa_v0")
