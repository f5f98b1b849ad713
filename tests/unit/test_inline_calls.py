"""Helper functions with tiles go where they are called, and stay where that cannot be."""

import numpy as np
import pytest
from xdsl.dialects.builtin import ModuleOp

from dsv4_passes.cli.run import run_on_arrays
from dsv4_passes.diagnostics import collect
from dsv4_passes.formats.pto.reader import new_context, parse_text, verify_module
from dsv4_passes.interpreter.kernels import choose_kernel, find_kernels
from dsv4_passes.transforms.raising.raise_tiles import PtoRaisePass
from dsv4_passes.transforms.rope import RopePass
from dsv4_passes.validation.awkward import bits
from dsv4_passes.validation.modules import compare_modules

TILE, HALF = "!pto.tile_buf<vec, 8x32xf32>", "!pto.tile_buf<vec, 8x16xf32>"
WHOLE, PIECE = "!pto.tensor_view<?x?xf32>", "!pto.partition_tensor_view<8x32xf32>"
POINTERS = "(!pto.ptr<f32>, !pto.ptr<f32>)"
HELPER = f"""func.func private @swap(%x: !pto.ptr<f32>, %y: !pto.ptr<f32>) -> !pto.ptr<f32> {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %c32 = arith.constant 32 : index
  %xv = pto.make_tensor_view %x, shape = [%c8, %c32], strides = [%c32, %c1] : {WHOLE}
  %xp = pto.partition_view %xv, offsets = [%c0, %c0], sizes = [%c8, %c32] : {WHOLE} -> {PIECE}
  %yv = pto.make_tensor_view %y, shape = [%c8, %c32], strides = [%c32, %c1] : {WHOLE}
  %yp = pto.partition_view %yv, offsets = [%c0, %c0], sizes = [%c8, %c32] : {WHOLE} -> {PIECE}
  %t = pto.alloc_tile : {TILE}
  %e = pto.alloc_tile : {HALF}
  %o = pto.alloc_tile : {HALF}
  %s = pto.alloc_tile : {TILE}
  %r = pto.alloc_tile : {TILE}
  pto.tload ins(%xp : {PIECE}) outs(%t : {TILE})
  pto.tgather ins(%t, {{maskPattern = #pto.mask_pattern<P0101>}} : {TILE}, "row") outs(%e : {HALF})
  pto.tgather ins(%t, {{maskPattern = #pto.mask_pattern<P1010>}} : {TILE}, "row") outs(%o : {HALF})
  pto.tneg ins(%o : {HALF}) outs(%o : {HALF})
  pto.tscatter ins(%o, {{maskPattern = #pto.mask_pattern<P0101>}} : {HALF}, "row") outs(%s : {TILE})
  pto.tscatter ins(%e, {{maskPattern = #pto.mask_pattern<P1010>}} : {HALF}, "row") outs(%r : {TILE})
  pto.tadd ins(%s, %r : {TILE}, {TILE}) outs(%s : {TILE})
  pto.tstore ins(%s : {TILE}) outs(%yp : {PIECE})
  INNER
  return %y : !pto.ptr<f32>
}}
"""
BEGIN = "func.func @k(%x: !pto.ptr<f32>, %y: !pto.ptr<f32>, %z: !pto.ptr<f32>) {\n"
ONE = f"func.call @swap(%x, %y) : {POINTERS} -> !pto.ptr<f32>\n"
TWO = f"%p = {ONE}func.call @swap(%p, %z) : {POINTERS} -> !pto.ptr<f32>\n"
LOOP = f"""%c0 = arith.constant 0 : index
%c1 = arith.constant 1 : index
%c3 = arith.constant 3 : index
scf.for %i = %c0 to %c3 step %c1 {{
{ONE}}}
"""


def module(calls: str, helper: str = HELPER, inner: str = "") -> ModuleOp:
    made = parse_text(f"{helper}{BEGIN}{calls}return\n}}\n".replace("INNER", inner), "k.pto")
    verify_module(made)
    return made


def names(found: ModuleOp) -> list[str]:
    return [str(op.attributes.get("sym_name", op.properties.get("sym_name"))) for op in found.ops]


def outputs(found: ModuleOp) -> dict[str, bytes]:
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 2.0**-149, 3.0e38, 1.5], np.float32)
    inputs = {name: np.resize(special, 256) for name in "xyz"}
    results = run_on_arrays(choose_kernel(find_kernels(found), "k", "k.pto"), inputs, 1, "inputs")
    return {name: bits(results[name]).tobytes() for name in "yz" if name in results}


@pytest.mark.parametrize("calls", [ONE, TWO, LOOP], ids=["one", "two", "loop"])
def test_a_helper_is_rewritten_where_it_is_called(calls: str) -> None:
    before, after = module(calls), module(calls)
    with collect():
        RopePass(chip="a3").apply(new_context(), after)
    assert names(after) == ['"k"']
    assert "tscatter" not in str(after)
    (verdict,) = compare_modules(before.clone(), after.clone())
    assert (verdict.name, verdict.outcome) == ("k", "proved")
    expected, found = outputs(before), outputs(after)
    assert found == {name: expected[name] for name in found}
    wrong = module(calls, HELPER.replace("tneg", "tabs"))
    (verdict,) = compare_modules(wrong, after.clone())
    assert verdict.outcome == "different"


PUBLIC = HELPER.replace("private ", "")


@pytest.mark.parametrize(("helper", "inner"), [(PUBLIC, ""), (HELPER, ONE)], ids=["public", "recursive"])
def test_what_cannot_be_inlined_stays(helper: str, inner: str) -> None:
    before, after = module(ONE, helper, inner), module(ONE, helper, inner)
    with collect() as said:
        RopePass(chip="a3").apply(new_context(), after)
    assert str(after) == str(before)
    assert any("'swap' stays in buffer form because of 'func.call'" in e.message for e in said.entries)


def test_a_kernel_that_stays_calls_its_helper_as_before() -> None:
    helper = "\n".join(line for line in HELPER.splitlines() if "maskPattern" not in line)
    helper = helper.replace("%s, %r", "%t, %t")
    before, after = module(ONE, helper), module(ONE, helper)
    with collect():
        RopePass(chip="a3").apply(new_context(), after)
    assert str(after) == str(before)


def test_raising_leaves_a_helper_that_nobody_calls_alone() -> None:
    raised = module(TWO)
    with collect():
        PtoRaisePass().apply(new_context(), raised)
    assert "func.call" not in str(raised)
    assert names(raised) == ['"swap"', '"k"']


@pytest.mark.parametrize("visibility", ["private ", ""])
def test_a_helper_may_be_given_tiles(visibility: str) -> None:
    negate = f"pto.tneg ins(%t : {HALF}) outs(%t : {HALF})"
    helper = f"func.func {visibility}@neg(%t: {HALF}) {{\n{negate}\nreturn\n}}\n"
    call = f"func.call @neg(%o) : ({HALF}) -> ()\n"
    swap = HELPER.replace(f"pto.tneg ins(%o : {HALF}) outs(%o : {HALF})\n", call)
    before, after = (module(ONE, helper + swap) for _ in range(2))
    with collect() as said:
        RopePass(chip="a3").apply(new_context(), after)
    assert outputs(before) == outputs(after)
    assert names(after) == (['"k"'] if visibility else names(before))
    assert any("the function it calls may touch any tile" in e.message for e in said.entries) != bool(
        visibility
    )
