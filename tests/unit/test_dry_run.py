"""Whether tiles fit depends on the version of ptoas: what is tried out is tried for the one asked for."""

import dataclasses

import pytest
from xdsl.context import Context
from xdsl.dialects import scf
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation

from dialects.dsv4.functions import KERNEL, program_functions
from dialects.pto.base import TileOp
from dsv4_passes.diagnostics import collect
from dsv4_passes.formats.pto.reader import parse_text
from dsv4_passes.targets import LATEST
from dsv4_passes.transforms.fusion.fuse_stages import FuseStagesPass, fuse_all
from dsv4_passes.transforms.lowering.lower_tiles import PtoLowerPass
from dsv4_passes.transforms.memory.fit_ub import FitUbPass
from dsv4_passes.transforms.memory.hoist_fills import HoistFillsPass
from dsv4_passes.transforms.rope import RopePass
from dsv4_passes.universe import DSV4_UNIVERSE
from tests.unit.kernels import kernel
from tests.unit.programs import Kernel, program

# On A5 a sum over rows has scratch memory as large as its source before 0.58, and 32 bytes from then on.
OLD, NEW = "0.57", "0.60"


def loops(root: Operation) -> list[scf.ForOp]:
    return [op for op in root.walk() if isinstance(op, scf.ForOp)]


COLUMN = "!pto.tile<vec, 64x1xf32, blayout=col_major>"
SUM_AND_FILL = kernel(
    f"""%one = arith.constant 1.0 : f32
    %zero = arith.constant 0 : i32
    %index = pto.tci ins(%zero : i32) -> T<1x64xi32>
    scf.for %i = %c0 to %c4 step %c1 {{
      %x = load x
      %tmp = pto.undef : T<64x256xf32>
      %y = pto.trowsum ins(%x : T<64x256xf32>) -> {COLUMN}
      %n = pto.trowexpandmul ins(%x, %y : T<64x256xf32>, {COLUMN}) -> T<64x256xf32>
      store %n to y
      %a = pto.texpands ins(%one : f32) -> T<128x256xf32>
      store %a to z
    }}
    %r = load r
    %t = pto.undef : T<1x64xi32>
    %g = pto.tgather ins(%r, %index, %t : T<1x64xf32>, T<1x64xi32>, T<1x64xi32>) -> T<1x64xf32>
    store %g to r""",
    x="64x256xf32", y="64x256xf32", z="128x256xf32", r="1x64xf32",
)  # fmt: skip


@pytest.mark.parametrize(("ptoas", "hoisted"), [(OLD, False), (NEW, True)])
@pytest.mark.parametrize("whole", [False, True], ids=["pass", "pipeline"])
def test_hoisting_knows_the_scratch_memory_of_the_version(ptoas: str, hoisted: bool, whole: bool) -> None:
    module = parse_text(f'module attributes {{pto.target_arch = "a5"}} {{\n{SUM_AND_FILL}}}', "k.mlir")
    if whole:
        PtoLowerPass("a5", ptoas).apply(Context(), module)
        module = parse_text(str(module), "k.mlir")
    with collect() as said:
        (RopePass if whole else HoistFillsPass)("a5", ptoas).apply(Context(), module)
    (loop,) = loops(module)
    assert any(isinstance(op, TileOp) and op.mnemonic() == "texpands" for op in loop.walk()) is not hoisted
    (remark,) = said.entries
    assert remark.outcome == ("rewritten" if hoisted else "refused")


SUM = """
v = load(x, [b * 384, 0], "384x64xf32")
t = create([384, 64], "384x64xf32", dtype=pl.FP32, target_memory=pl.Mem.Vec)
s = row_sum(v, t, "384x1xf32")
store(s, [b * 384, 0], y)
"""


def summed() -> ModuleOp:
    return program([Kernel("k", 2, ["x"], ["y"], SUM)], {"x": "768x64xf32", "y": "768x1xf32"}, ["y"])


@pytest.mark.parametrize(("ptoas", "chunked"), [(OLD, True), (NEW, False)])
def test_rows_are_chunked_for_the_version(ptoas: str, chunked: bool) -> None:
    module = summed()
    FitUbPass("a5", ptoas).apply(Context(), module)
    assert bool(loops(program_functions(module, KERNEL)[0])) is chunked


TENSORS = {"x": "768x64xf32", "m": "768x64xf32", "y": "768x1xf32"}
FIRST = """
v = load(x, [b * 384, 0], "384x64xf32")
w = neg(v, "384x64xf32")
store(w, [b * 384, 0], m)
"""


@pytest.mark.parametrize(("ptoas", "chunked"), [(OLD, True), (NEW, False)])
@pytest.mark.parametrize("whole", [False, True], ids=["pass", "pipeline"])
def test_fused_kernels_are_chunked_for_the_version(ptoas: str, chunked: bool, whole: bool) -> None:
    kernels = [Kernel("a", 2, ["x"], ["m"], FIRST), Kernel("b", 2, ["m"], ["y"], SUM.replace("x,", "m,"))]
    module = program(kernels, TENSORS, ["y"])
    if whole:
        FuseStagesPass("a5", ptoas, "all").apply(Context(), module)
    else:
        assert fuse_all(module, "a5", ptoas) == 1
    (fused,) = program_functions(module, KERNEL)
    assert bool(loops(fused)) is chunked


def test_one_default_for_all_passes_and_targets() -> None:
    found = {
        name: field.default
        for name, get in (DSV4_UNIVERSE.all_passes | DSV4_UNIVERSE.all_targets).items()
        for field in dataclasses.fields(get())
        if field.name == "ptoas"
    }
    assert len(found) >= 6
    assert set(found.values()) == {LATEST}
