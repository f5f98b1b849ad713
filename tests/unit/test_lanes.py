"""Kernels on terms: what lanes are, what effects there are, and when two runs do the same."""

# ruff: noqa: E501  (types make long lines)

from dataclasses import dataclass

import numpy as np
import pytest
from xdsl.context import Context
from xdsl.dialects import func, scf
from xdsl.ir import SSAValue

from dialects.pto.tiles import SubviewOp
from dsv4_passes.diagnostics import UserError
from dsv4_passes.equivalence.comparison import compare_effects, effect_conditions
from dsv4_passes.equivalence.effects import Push, Store
from dsv4_passes.equivalence.lanes import LaneContext, LaneRun, lane_difference, run_lanes
from dsv4_passes.equivalence.symbolic_memory import Ids
from dsv4_passes.formats.pto.reader import parse_file, parse_text
from dsv4_passes.interpreter.affine import Affine
from dsv4_passes.transforms.common.unroll import unroll_loops
from dsv4_passes.transforms.raising.raise_tiles import PtoRaisePass
from tests.unit.kernels import DATA, Array, function, kernel


@dataclass
class Known:
    """The numbers of an argument."""

    matrix: Array


def selector(rows: int, cols: int, odd: int) -> Known:
    matrix = np.zeros((rows, cols), np.float32)
    few = np.arange(min(rows, cols))
    many = 2 * few + odd
    matrix[(many, few) if rows > cols else (few, many)] = 1
    return Known(matrix)


def raised(folder: str, name: str) -> list[func.FuncOp]:
    """The functions of a compiled kernel in value form."""
    module = parse_file(DATA / folder / f"{name}.pto")
    PtoRaisePass().apply(Context(), module)
    return [op for op in module.ops if isinstance(op, func.FuncOp)]


def value(function_: func.FuncOp, name: str) -> SSAValue:
    return next(r for op in function_.walk() for r in op.results if r.name_hint == name)


def lanes(run: LaneRun, function_: func.FuncOp, name: str) -> Ids:
    found = run.lanes(value(function_, name))
    assert found is not None
    return found


def only_store(run: LaneRun) -> Store:
    (store,) = run.stores
    return store


# -- compiled kernels -------------------------------------------------------------------------------


def test_all_vector_forms_of_the_rotation_are_equal() -> None:
    """Mask scatters with a blend, index scatters with a computed index, row loops of index gathers."""
    context = LaneContext()
    runs = [run_lanes(raised(name, name), context=context) for name in ("rope_b", "rope_c", "rope_d")]
    for other in runs[1:]:
        assert compare_effects(runs[0], other) is None
    assert effect_conditions(*runs) == frozenset()
    assert only_store(runs[0]).box.base == Affine.symbol("block") * 2048


def test_select_matrices_give_the_same_lanes_up_to_the_sign_of_zero() -> None:
    context = LaneContext()
    selectors = {1: selector(64, 32, 0), 2: selector(64, 32, 1)}
    same_tensors = {3: 1, 4: 2, 5: 3, 1: 4, 2: 5}  # x, cos, sin, out as the vector kernel counts them
    cube = run_lanes(raised("rope_a", "rope_a"), context=context, selectors=selectors, arguments=same_tensors)
    vector = run_lanes(raised("rope_c", "rope_c"), context=context)
    a, b = only_store(cube), only_store(vector)
    assert (a.box.argument, a.box.base) == (b.box.argument, b.box.base)
    assert "differs" in str(compare_effects(cube, vector))
    without_zeros = context.domain.strip_zero
    assert not np.array_equal(a.ids, b.ids)
    assert np.array_equal(without_zeros(a.ids), without_zeros(b.ids))
    assert effect_conditions(vector) == frozenset()
    finite = effect_conditions(cube)
    assert "FIN(%x_tile__tile)" in finite
    assert all(name.startswith("FIN(%") for name in finite)
    pushes = [e for e in cube.effects if isinstance(e, Push)]
    assert len([e for e in pushes if 0 in e.valid]) == 2  # the idle vector core pushes nothing, twice
    assert len(pushes) == 7


def test_conditions_belong_to_values_and_name_what_has_to_be_finite() -> None:
    (reassemble,) = raised("staged", "reassemble")
    selectors = {2: selector(32, 64, 0), 3: selector(32, 64, 1)}
    run = run_lanes(reassemble, selectors=selectors)
    first = next(op for op in reassemble.walk() if op.name == "pto.tmatmul").results[0]
    assert run.conditions(first) == {"FIN(%even__tile)"}
    assert effect_conditions(run) == {"FIN(%even__tile)", "FIN(%odd__tile)"}
    assert run.finite["FIN(%even__tile)"].name_hint == "even__tile"
    assert not effect_conditions(run_lanes(raised("staged", "head_rotate")))


def test_without_a_fact_a_matrix_is_a_matrix() -> None:
    context = LaneContext()
    (reassemble,) = raised("staged", "reassemble")
    selectors = {2: selector(32, 64, 0), 3: selector(32, 64, 1)}
    known = run_lanes(reassemble, context=context, selectors=selectors)
    unknown = run_lanes(reassemble, context=context)
    swapped = run_lanes(reassemble, context=context, selectors={2: selectors[3], 3: selectors[2]})
    assert compare_effects(known, unknown) is not None
    assert compare_effects(known, swapped) is not None
    again = run_lanes(
        reassemble,
        context=context,
        selectors={reassemble.body.block.args[i]: f for i, f in selectors.items()},
    )
    assert compare_effects(known, again) is None


def test_a_mixed_kernel_also_runs_with_one_symbolic_trip() -> None:
    functions = raised("mixed", "unrotate")
    selectors = {3: selector(32, 16, 0), 4: selector(32, 16, 1)}
    concrete = run_lanes(functions, selectors=selectors)
    symbolic = run_lanes(functions, selectors=selectors, symbolic_loops=True)
    assert len(list(concrete.stores)) == 2 * len(list(symbolic.stores))
    assert not concrete.symbolic
    loops = {op for f in functions for op in f.walk() if isinstance(op, scf.ForOp)}
    assert symbolic.symbolic <= loops
    tile = value(functions[0], "x__tile")
    assert len(concrete.instances[tile]) == 2
    assert len(symbolic.instances[tile]) == 1
    for store in symbolic.stores:
        assert "iv" in str(store.box.base)


# -- memory -----------------------------------------------------------------------------------------

ADD = "pto.tadd ins(%a, %b : T<4x16xf32>, T<4x16xf32>) -> T<4x16xf32>"


def test_loads_are_leaves_by_address_whatever_the_view() -> None:
    text = kernel(
        """%a = load x
    %v = pto.make_tensor_view %arg0, shape = [%c16, %c4], strides = [%c1, %c16] : !pto.tensor_view<?x?xf32>
    %p = pto.partition_view %v, offsets = [%c0, %c0], sizes = [%c16, %c4] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x4xf32>
    %d = pto.tload ins(%p : !pto.partition_tensor_view<16x4xf32>) -> T<16x8xf32, valid=16x4>""",
        x="4x16xf32",
    )
    f = function(text)
    run = run_lanes(f)
    np.testing.assert_array_equal(lanes(run, f, "a").T, lanes(run, f, "d")[:, :4])
    assert len(np.unique(lanes(run, f, "a"))) == 64


def test_a_load_sees_the_stores_before_it() -> None:
    text = kernel(
        """%a = load x
    %before = load y
    store %a to y
    %after = load y
    %half = pto.subview %a[%c0, %c0] sizes [2, 16] : T<4x16xf32> -> T<2x16xf32>
    %w = pto.partition_view %y_view, offsets = [%c2, %c0], sizes = [%c2, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<2x16xf32>
    pto.tstore ins(%half : T<2x16xf32>) outs(%w : !pto.partition_tensor_view<2x16xf32>)
    %last = load y""",
        x="4x16xf32",
        y="4x16xf32",
    )
    f = function(text)
    run = run_lanes(f)
    a, last = lanes(run, f, "a"), lanes(run, f, "last")
    np.testing.assert_array_equal(lanes(run, f, "after"), a)
    np.testing.assert_array_equal(last, np.concatenate([a[:2], a[:2]]))
    assert not np.isin(lanes(run, f, "before"), a).any()


def test_a_load_behind_a_store_to_an_unknown_place_is_another_leaf() -> None:
    text = kernel(
        """%n = arith.index_cast %__pypto_spmd_block_idx : i32 to index
    %a = load x
    %first = load y
    %v = pto.make_tensor_view %arg1, shape = [%c4, %c16], strides = [%n, %c1] : !pto.tensor_view<?x?xf32>
    %p = pto.partition_view %v, offsets = [%n, %c0], sizes = [%c4, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<4x16xf32>
    pto.tstore ins(%a : T<4x16xf32>) outs(%p : !pto.partition_tensor_view<4x16xf32>)
    %second = load y
    %third = load y
    %again = load x""",
        x="4x16xf32",
        y="4x16xf32",
    )
    f = function(text)
    run = run_lanes(f)
    first, second = lanes(run, f, "first"), lanes(run, f, "second")
    assert not np.isin(first, second).any()
    np.testing.assert_array_equal(lanes(run, f, "third"), second)
    np.testing.assert_array_equal(lanes(run, f, "again"), lanes(run, f, "a"))


def test_stores_may_be_divided_differently() -> None:
    whole = kernel("%a = load x\n    store %a to y", x="4x16xf32", y="4x16xf32")
    pieces = kernel(
        """%a = load x
    %0 = pto.subview %a[%c2, %c0] sizes [2, 16] : T<4x16xf32> -> T<2x16xf32>
    %1 = pto.subview %a[%c0, %c0] sizes [2, 16] : T<4x16xf32> -> T<2x16xf32>
    %p = pto.partition_view %y_view, offsets = [%c2, %c0], sizes = [%c2, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<2x16xf32>
    %q = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c2, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<2x16xf32>
    pto.tstore ins(%0 : T<2x16xf32>) outs(%p : !pto.partition_tensor_view<2x16xf32>)
    pto.tstore ins(%1 : T<2x16xf32>) outs(%q : !pto.partition_tensor_view<2x16xf32>)""",
        x="4x16xf32",
        y="4x16xf32",
    )
    context = LaneContext()
    runs = [run_lanes(function(text), context=context) for text in (whole, pieces)]
    assert compare_effects(*runs) is None
    upside_down = (
        pieces.replace("ins(%1 :", "ins(%2 :").replace("ins(%0 :", "ins(%1 :").replace("ins(%2 :", "ins(%0 :")
    )
    swapped = run_lanes(function(upside_down), context=context)
    difference = compare_effects(runs[0], swapped)
    assert difference is not None
    assert "element 0 of argument 1 differs" in str(difference)
    with pytest.raises(ValueError, match="different contexts"):
        compare_effects(runs[0], run_lanes(function(whole)))


def test_lanes_that_nobody_wrote_cannot_be_read() -> None:
    text = kernel(
        """%a = load x
    %u = pto.undef : T<4x16xf32>
    %m = pto.tmov ins(%u : T<4x16xf32>) -> T<4x16xf32>
    %s = pto.tadd ins(%a, %m : T<4x16xf32>, T<4x16xf32>) -> T<4x16xf32>""",
        x="4x16xf32",
    )
    with pytest.raises(
        UserError, match=r"reads lanes that nobody wrote: pto\.tadd operand #1 \(%m\), lane \[0, 0\]"
    ):
        run_lanes(function(text))


# -- loops and branches -----------------------------------------------------------------------------


def row_loop(body: str, trips: int = 4) -> str:
    """A loop over rows that inserts `%r` at row `%i` of a tile it carries."""
    return kernel(
        f"""%a = load x
    %u = pto.undef : T<{trips}x16xf32>
    %t = scf.for %i = %c0 to %c{trips} step %c1 iter_args(%t0 = %u) -> (T<{trips}x16xf32>) {{
      %s = pto.subview %a[%i, %c0] sizes [1, 16] : T<{trips}x16xf32> -> T<1x16xf32>
      {body}
      %t1 = pto.insert %r into %t0[%i, %c0] : T<1x16xf32> into T<{trips}x16xf32> -> T<{trips}x16xf32>
      scf.yield %t1 : T<{trips}x16xf32>
    }}
    store %t to y""",
        x=f"{trips}x16xf32",
        y=f"{trips}x16xf32",
    )


DOUBLE = "%r = pto.tadd ins(%s, %s : T<1x16xf32>, T<1x16xf32>) -> T<1x16xf32>"
ZEROED = "%r = pto.tsub ins(%s, %s : T<1x16xf32>, T<1x16xf32>) -> T<1x16xf32>"


def test_a_short_loop_is_what_its_trips_do() -> None:
    whole = kernel(
        "%a = load x\n    %t = pto.tadd ins(%a, %a : T<4x16xf32>, T<4x16xf32>) -> T<4x16xf32>\n    store %t to y",
        x="4x16xf32",
        y="4x16xf32",
    )
    loop = function(row_loop(DOUBLE))
    assert lane_difference(loop, function(whole)) is None
    assert lane_difference(loop, function(row_loop(ZEROED))) is not None


def test_an_unrolled_loop_does_the_same() -> None:
    loop = function(row_loop(DOUBLE))
    unrolled = loop.clone()
    assert unroll_loops(unrolled, lambda _: True) == 1
    assert lane_difference(loop, unrolled) is None
    first, second, *_ = (op for op in unrolled.walk() if isinstance(op, SubviewOp))
    second.operands[1] = first.offsets[0]  # the second trip reads the row of the first
    assert lane_difference(loop, unrolled) is not None


@pytest.mark.parametrize("trips", [4, 1040])
def test_a_symbolic_loop_is_compared_by_induction(trips: int) -> None:
    context = LaneContext()
    symbolic = trips == 4

    def follow(text: str) -> LaneRun:
        return run_lanes(function(text), context=context, symbolic_loops=symbolic)

    other = "%d = pto.tmov ins(%s : T<1x16xf32>) -> T<1x16xf32>\n      %r = pto.tadd ins(%d, %s : T<1x16xf32>, T<1x16xf32>) -> T<1x16xf32>"
    run = follow(row_loop(DOUBLE, trips))
    assert len(run.symbolic) == 1
    assert compare_effects(run, follow(row_loop(other, trips))) is None
    difference = compare_effects(run, follow(row_loop(ZEROED, trips)))
    assert difference is not None
    assert "a value that a loop carries" in str(difference)


def test_a_symbolic_trip_uses_leaves_for_what_comes_from_earlier_trips() -> None:
    text = kernel(
        """%a = load x
    %t = scf.for %i = %c0 to %c4 step %c1 iter_args(%t0 = %a) -> (T<4x16xf32>) {
      %t1 = pto.tadd ins(%t0, %a : T<4x16xf32>, T<4x16xf32>) -> T<4x16xf32>
      scf.yield %t1 : T<4x16xf32>
    }
    %u = scf.for %i = %c0 to %c4 step %c1 iter_args(%t0 = %a) -> (T<4x16xf32>) {
      scf.yield %t0 : T<4x16xf32>
    }""",
        x="4x16xf32",
    )
    f = function(text)
    run = run_lanes(f, symbolic_loops=True)
    a = lanes(run, f, "a")
    assert not np.isin(lanes(run, f, "t"), a).any()
    np.testing.assert_array_equal(lanes(run, f, "u"), a)
    concrete = run_lanes(f)
    assert len(concrete.instances[value(f, "t1")]) == 4


def test_a_row_of_a_tile_with_equal_rows_is_known_in_a_symbolic_trip() -> None:
    body = """%z = arith.constant 0 : i32
      %row = pto.tci ins(%z : i32) -> T<1x16xi32>
      %all = pto.tcolexpand ins(%row : T<1x16xi32>) -> T<4x16xi32>
      %i1 = pto.subview %all[%i, %c0] sizes [1, 16] : T<4x16xi32> -> T<1x16xi32>
      %r = pto.tgather ins(%s, %i1 : T<1x16xf32>, T<1x16xi32>) -> T<1x16xf32>"""
    f = function(row_loop(body))
    run = run_lanes(f, symbolic_loops=True)
    np.testing.assert_array_equal(lanes(run, f, "r"), lanes(run, f, "s"))


def test_loads_in_a_loop_that_stores_do_not_see_the_state_before_it() -> None:
    text = kernel(
        """%a = load x
    %b = load y
    scf.for %i = %c0 to %c4 step %c1 {
      %in = load y
      store %a to y
      %now = load y
      scf.yield
    }
    %after = load y""",
        x="4x16xf32",
        y="4x16xf32",
    )
    f = function(text)
    run = run_lanes(f, symbolic_loops=True)
    before, inside, after = (lanes(run, f, n) for n in ("b", "in", "after"))
    assert len(np.unique(np.concatenate([before, inside, after]))) == 3 * 64
    np.testing.assert_array_equal(lanes(run, f, "now"), lanes(run, f, "a"))


BRANCH = """%a = load x
    %n = arith.index_cast %__pypto_spmd_block_idx : i32 to index
    %cond = arith.cmpi eq, %n, %c0 : index
    %t = scf.if %cond -> (T<4x16xf32>) {
      store %a to y
      scf.yield %a : T<4x16xf32>
    } else {
      %d = pto.tadd ins(%a, %a : T<4x16xf32>, T<4x16xf32>) -> T<4x16xf32>
      scf.yield %d : T<4x16xf32>
    }
    %after = load y"""


def test_an_undecided_branch_runs_both_ways() -> None:
    f = function(kernel(BRANCH, x="4x16xf32", y="4x16xf32"))
    context = LaneContext()
    run = run_lanes(f, context=context)
    table = context.domain.table
    assert {table.head(int(i)) for i in lanes(run, f, "t").reshape(-1)} == {("select",)}
    store = only_store(run)
    assert store.context != ()
    assert not np.isin(lanes(run, f, "after"), lanes(run, f, "a")).any()
    other = kernel(BRANCH.replace("cmpi eq", "cmpi ne"), x="4x16xf32", y="4x16xf32")
    assert compare_effects(run, run_lanes(function(other), context=context)) is not None


def test_what_depends_on_unknown_numbers_is_a_leaf_of_what_it_depends_on() -> None:
    text = kernel(
        """%a = load x
    %i = load z
    %g = pto.tgather ins(%a, %i : T<4x16xf32>, T<4x16xi32>) -> T<4x16xf32>
    %h = pto.tgather ins(%a, %i : T<4x16xf32>, T<4x16xi32>) -> T<4x16xf32>
    %o = pto.tadd ins(%a, %a : T<4x16xf32>, T<4x16xf32>) -> T<4x16xf32>
    %k = pto.tgather ins(%o, %i : T<4x16xf32>, T<4x16xi32>) -> T<4x16xf32>""",
        x="4x16xf32",
        z="4x16xi32",
    )
    f = function(text)
    run = run_lanes(f)
    np.testing.assert_array_equal(lanes(run, f, "g"), lanes(run, f, "h"))
    assert not np.isin(lanes(run, f, "k"), lanes(run, f, "g")).any()


def test_a_table_of_lane_numbers_makes_a_gather_exact() -> None:
    text = kernel(
        """%a = load x
    %i = load z
    %g = pto.tgather ins(%a, %i : T<1x16xf32>, T<1x16xi32>) -> T<1x16xf32>""",
        x="1x16xf32",
        z="1x16xi32",
    )
    f = function(text)
    swap = np.arange(16) ^ 1
    run = run_lanes(f, selectors={1: Known(swap)})
    np.testing.assert_array_equal(lanes(run, f, "g"), lanes(run, f, "a")[:, swap])


def test_an_operation_that_nobody_knows_is_an_effect_and_may_write_anything() -> None:
    body = """%a = load x
    pto.mystery %arg0 : !pto.ptr<f32>
    %b = load x
    store %b to y"""
    context = LaneContext()
    text = kernel(body, x="4x16xf32", y="4x16xf32")
    f = function(text)
    run = run_lanes(f, context=context)
    assert not np.isin(lanes(run, f, "a"), lanes(run, f, "b")).any()
    assert compare_effects(run, run_lanes(function(text), context=context)) is None
    without = kernel(body.replace("pto.mystery %arg0 : !pto.ptr<f32>", ""), x="4x16xf32", y="4x16xf32")
    assert compare_effects(run, run_lanes(function(without), context=context)) is not None


def test_a_kernel_in_memory_is_refused() -> None:
    with pytest.raises(UserError, match=r"belongs to the buffer form"):
        run_lanes(
            function("func.func @k() {\n  %t = pto.alloc_tile : !pto.tile_buf<vec, 4x16xf32>\n  return\n}")
        )


def test_pipes_pair_pushes_and_pops_in_the_same_loop_only() -> None:
    acc = "!pto.tile<acc, 16x16xf32, blayout=col_major, slayout=row_major, fractal=1024>"
    text = f"""
func.func @m_aic(%arg0: !pto.ptr<f32>) {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %c16 = arith.constant 16 : index
  %t = pto.undef : {acc}
  scf.for %i = %c0 to %c4 step %c1 {{
    pto.tpush_to_aiv(%t : {acc}) {{split = 0}}
  }}
  return
}}
func.func @m_aiv(%arg0: !pto.ptr<f32>) {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  scf.for %i = %c0 to %c4 step %c1 {{
    %t = pto.tpop_from_aic {{split = 0}} -> !pto.tile<vec, 16x16xf32>
    pto.tfree_from_aic {{split = 0}}
  }}
  return
}}"""
    functions = [op for op in parse_text(text).ops if isinstance(op, func.FuncOp)]
    assert len(list(run_lanes(functions, symbolic_loops=True).effects)) == 1
    loops = [op for op in functions[0].walk() if isinstance(op, scf.ForOp)]
    with pytest.raises(UserError, match="receives a tile from another loop"):
        run_lanes(functions, symbolic_loops=loops)
