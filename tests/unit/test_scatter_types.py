"""`dsv4-scatter-form` in the element type of the tile: shorts and integers are scattered as they are."""

from collections.abc import Sequence

import numpy as np
import pytest
from ml_dtypes import bfloat16
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp

from dialects.pto.lanes import TScatterOp
from dsv4_passes.cli.run import run_on_arrays
from dsv4_passes.diagnostics import Diagnostic, collect
from dsv4_passes.formats.pto.reader import parse_text, verify_module
from dsv4_passes.interpreter.kernels import choose_kernel, find_kernels
from dsv4_passes.npz import Array
from dsv4_passes.transforms.lanes.checked_rewrite import Candidate, CheckedRewrite, Policy
from dsv4_passes.transforms.lanes.scatter_form import ScatterFormPass
from tests.unit.kernels import kernel

NUMPY = {"f32": np.float32, "f16": np.float16, "bf16": bfloat16, "i32": np.int32, "i16": np.int16}
AWKWARD = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -2.5, 2.0**-24, -(2.0**-24), 65504.0]

PAIR = """
%e = load e
%o = load o
%i = load i
%j = load j
%s = pto.tscatter ins(%e, %i : T<4x16xD>, T<4x16xI>) -> T<4x32xD>
%t = pto.tscatter ins(%o, %j : T<4x16xD>, T<4x16xI>) -> T<4x32xD>
%y = pto.MERGE ins(%s, %t : T<4x32xD>, T<4x32xD>) -> T<4x32xD>
store %y to y
"""
BLEND = """
%e = load e
%o = load o
%i = load i
%j = load j
%z = pto.texpands ins(%nought : D) -> T<4x32xD>
%ones = pto.texpands ins(%one : D) -> T<4x16xD>
%s = pto.tscatter ins(%e, {maskPattern = #pto.mask_pattern<P0101>} : T<4x16xD>, "row") -> T<4x32xD>
%m = pto.tscatter ins(%ones, {maskPattern = #pto.mask_pattern<P0101>} : T<4x16xD>, "row") -> T<4x32xD>
%p = pto.tcmps ins(%m, %nought {cmpMode = #pto<cmp ne>} : T<4x32xD>, D) -> T<4x32xui8>
%b = pto.tsel ins(%p, %s, %z : T<4x32xui8>, T<4x32xD>, T<4x32xD>) -> T<4x32xD>
%t = pto.tscatter ins(%o, {maskPattern = #pto.mask_pattern<P1010>} : T<4x16xD>, "row") -> T<4x32xD>
%n = pto.tscatter ins(%ones, {maskPattern = #pto.mask_pattern<P1010>} : T<4x16xD>, "row") -> T<4x32xD>
%q = pto.tcmps ins(%n, %nought {cmpMode = #pto<cmp ne>} : T<4x32xD>, D) -> T<4x32xui8>
%y = pto.tsel ins(%q, %t, %b : T<4x32xui8>, T<4x32xD>, T<4x32xD>) -> T<4x32xD>
store %y to y
"""


def text(body: str, dtype: str, merge: str = "tadd") -> str:
    index = "i32" if dtype in ("f32", "i32") else "i16"
    body = body.replace("xD", f"x{dtype}").replace(": D", f": {dtype}").replace(", D)", f", {dtype})")
    body = body.replace("xI", f"x{index}").replace("MERGE", merge)
    half, whole, lanes = f"4x16x{dtype}", f"4x32x{dtype}", f"4x16x{index}"
    made = kernel(body, e=half, o=half, i=lanes, j=lanes, y=whole)
    for number, word in ((2, "even"), (3, "odd")):
        argument = f"%arg{number}: !pto.ptr<{index}>"
        made = made.replace(argument, f"{argument} {{dsv4.table = #dsv4.table<{word}>}}")
    zero, one = ("0", "1") if dtype.startswith("i") else ("0.0", "1.0")
    constants = f"%nought = arith.constant {zero} : {dtype}\n%one = arith.constant {one} : {dtype}\n"
    return made.replace("{\n", "{\n" + constants, 1) if "%nought" in body else made


def values(dtype: str) -> tuple[Array, Array]:
    """Two halves, as the bits that files hold."""
    if dtype.startswith("i"):
        info = np.iinfo(NUMPY[dtype])
        row = [0, 1, -1, info.min, info.max, 7, -8, 9]
    else:
        row = AWKWARD
    lanes = np.resize(np.array(row, np.float64), (2, 4, 16)).astype(NUMPY[dtype])
    even, odd = lanes[0], np.roll(lanes[1], 3, axis=1)
    return (even.view(np.uint16), odd.view(np.uint16)) if dtype == "bf16" else (even, odd)


def lane_numbers(start: int, dtype: str) -> Array:
    rows = np.arange(4)[:, None] * 32
    return (rows + np.arange(16) * 2 + start).astype(np.int32 if dtype in ("f32", "i32") else np.int16)


def output(module: ModuleOp, dtype: str) -> Array:
    """The bits of what a kernel stores."""
    arrays = *values(dtype), lane_numbers(0, dtype), lane_numbers(1, dtype)
    found = choose_kernel(find_kernels(module), None, "test.pto")
    given = {found.arguments[index].name: array for index, array in enumerate(arrays)}
    (result,) = run_on_arrays(found, given, 1, "inputs").values()
    return result.view(f"u{result.itemsize}")


def rewritten(source: str) -> tuple[ModuleOp, Sequence[Diagnostic]]:
    module = parse_text(source, "test.pto")
    with collect() as said:
        ScatterFormPass(chip="a3").apply(Context(), module)
    verify_module(module)
    return module, said.entries


@pytest.mark.parametrize("dtype", ["f32", "f16", "i32", "i16"])
def test_index_scatters_become_mask_scatters_in_their_own_type(dtype: str):
    source = text(PAIR, dtype)
    module, said = rewritten(source)
    assert [entry.outcome for entry in said] == ["rewritten", "rewritten"]
    printed = str(module)
    assert printed.count("maskPattern") == 2
    assert "tcvt" not in printed
    assert np.array_equal(output(parse_text(source, "test.pto"), dtype), output(module, dtype))


@pytest.mark.parametrize("dtype", ["f32", "f16"])
def test_blends_are_merged_in_their_own_type(dtype: str):
    source = text(BLEND, dtype)
    module, said = rewritten(source)
    assert [entry.outcome for entry in said] == ["rewritten"]
    assert "merged by tor" in said[0].message
    printed = str(module)
    assert "tsel" not in printed
    assert "tcvt" not in printed
    assert np.array_equal(output(parse_text(source, "test.pto"), dtype), output(module, dtype))


def test_a_refusal_says_what_the_user_takes():
    """Halves put together as f32, where a sum of f16 is to take them."""
    function = next(op for op in parse_text(text(PAIR, "f16"), "test.pto").walk() if isinstance(op, FuncOp))
    checked = CheckedRewrite(function, Policy(chip="a3"))
    scatter = next(op for op in function.walk() if isinstance(op, TScatterOp))
    build = Candidate("wide", lambda b: b.f32_in_vec(scatter.ins[0]))
    reasons = checked.try_all(scatter.res[0], [build])
    assert reasons == ["its result goes to 'pto.tadd', which takes 4x32xf16, not 4x16xf32"]
