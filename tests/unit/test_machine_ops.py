"""Single operations and the rules of memory, on small kernels in both forms."""

# ruff: noqa: E501  (types make long lines)

import ml_dtypes
import numpy as np
import pytest

from dsv4_passes.diagnostics import UserError
from tests.unit.kernels import Array, kernel, run

RNG = np.random.default_rng(0)
X = RNG.standard_normal((4, 16)).astype(np.float32)
Y = RNG.standard_normal((4, 16)).astype(np.float32)


def apply(body: str, shape: str = "4x16xf32", **inputs: Array) -> Array:
    """What a value form body stores to `y`; inputs `x` and `z` are arguments of their own shapes."""
    names = {np.dtype(np.float32): "f32", np.dtype(np.int32): "i32"}
    arguments = {n: "x".join([*map(str, a.shape), names[a.dtype]]) for n, a in inputs.items()}
    return run(kernel(body, **arguments, y=shape), 1, **inputs)["y"]


def test_rows_and_columns_spread() -> None:
    row, column = Y[:1], np.ascontiguousarray(Y[:, :1])
    body = """
    %x = load x
    %r = load z
    %y = pto.tcolexpandmul ins(%x, %r : T<4x16xf32>, T<1x16xf32>) -> T<4x16xf32>
    store %y to y"""
    np.testing.assert_array_equal(apply(body, x=X, z=row), X * row)
    body = """
    %x = load x
    %r = pto.tload ins(%z_part : !pto.partition_tensor_view<4x1xf32>) -> T<8x1xf32, valid=4x1, blayout=col_major>
    %y = pto.trowexpandsub ins(%x, %r : T<4x16xf32>, T<8x1xf32, valid=4x1, blayout=col_major>) -> T<4x16xf32>
    store %y to y"""
    np.testing.assert_array_equal(apply(body, x=X, z=column), X - column)
    body = """
    %x = load x
    %r = load z
    %y = pto.trowexpandadd ins(%x, %r : T<4x16xf32>, T<4x8xf32>) -> T<4x16xf32>
    store %y to y"""
    block = np.ascontiguousarray(Y[:, :8])
    np.testing.assert_array_equal(apply(body, x=X, z=block), X + np.concatenate([block, block], axis=1))


def test_an_iota_may_descend() -> None:
    body = """
    %s = arith.constant 5 : i32
    %t = pto.tci ins(%s : i32) -> T<1x16xi32> {descending = true}
    %y = pto.tcvt ins(%t : T<1x16xi32>) -> T<1x16xf32>
    store %y to y"""
    np.testing.assert_array_equal(apply(body, "1x16xf32"), 5.0 - np.arange(16)[None])


@pytest.mark.parametrize(("pattern", "first", "step"), [("P0101", 0, 2), ("P1010", 1, 2), ("P0100", 2, 4)])
def test_mask_gathers_and_scatters(pattern: str, first: int, step: int) -> None:
    mask, few = f"{{maskPattern = #pto.mask_pattern<{pattern}>}}", 16 // step
    source = RNG.standard_normal((4, 32)).astype(np.float32)
    body = f"""
    %x = load x
    %y = pto.tgather ins(%x, {mask} : T<4x32xf32>, "row") -> T<4x{32 // step}xf32>
    store %y to y"""
    expected = source[:, first::step]
    np.testing.assert_array_equal(apply(body, f"4x{32 // step}xf32", x=source), expected)
    source = RNG.standard_normal((4, few * 4)).astype(np.float32)
    body = f"""
    %x = load x
    %y = pto.tscatter ins(%x, {mask} : T<4x{few * 4}xf32>, "row") -> T<4x{few * 4 * step}xf32>
    store %y to y"""
    expected = np.zeros((4, few * 4 * step), np.float32)
    expected[:, first::step] = source
    np.testing.assert_array_equal(apply(body, f"4x{few * 4 * step}xf32", x=source), expected)


def test_a_mask_along_columns_selects_rows() -> None:
    body = """
    %x = load x
    %g = pto.tgather ins(%x, {maskPattern = #pto.mask_pattern<P1010>} : T<4x16xf32>, "col") -> T<2x16xf32>
    %y = pto.tscatter ins(%g, {maskPattern = #pto.mask_pattern<P0101>} : T<2x16xf32>, "col") -> T<4x16xf32>
    store %y to y"""
    expected = np.zeros_like(X)
    expected[0::2] = X[1::2]
    np.testing.assert_array_equal(apply(body, x=X), expected)


def test_indices_are_flat_over_the_physical_tile() -> None:
    index = RNG.permutation(64).astype(np.int32).reshape(4, 16)
    body = """
    %x = load x
    %i = load z
    %y = pto.tgather ins(%x, %i : T<4x16xf32>, T<4x16xi32>) -> T<4x16xf32>
    store %y to y"""
    np.testing.assert_array_equal(apply(body, x=X, z=index), X.reshape(-1)[index])
    body = """
    %x = load x
    %i = load z
    %y = pto.tscatter ins(%x, %i : T<4x8xf32>, T<4x8xi32>) -> T<4x16xf32>
    store %y to y"""
    some = np.ascontiguousarray(index[:, :8])
    expected = np.zeros(64, np.float32)
    expected[some.reshape(-1)] = X[:, :8].reshape(-1)
    half = np.ascontiguousarray(X[:, :8])
    np.testing.assert_array_equal(apply(body, x=half, z=some).reshape(-1), expected)


def test_an_index_outside_of_the_tile_is_an_error() -> None:
    body = """
    %x = load x
    %i = load z
    %y = pto.tgather ins(%x, %i : T<4x16xf32>, T<4x16xi32>) -> T<4x16xf32>
    store %y to y"""
    with pytest.raises(UserError, match="has index 64, outside of the tile's 64 lanes"):
        apply(body, x=X, z=np.full((4, 16), 64, np.int32))


def test_predicates_are_packed_and_select() -> None:
    body = """
    %x = load x
    %z = load z
    %m = pto.tcmp ins(%x, %z {cmpMode = #pto<cmp lt>} : T<4x16xf32>, T<4x16xf32>) -> T<4x32xui8, valid=4x2>
    %y = pto.tsel ins(%m, %x, %z : T<4x32xui8, valid=4x2>, T<4x16xf32>, T<4x16xf32>) -> T<4x16xf32>
    store %y to y"""
    np.testing.assert_array_equal(apply(body, x=X, z=Y), np.minimum(X, Y))


@pytest.mark.parametrize(("op", "expected"), [("trowsum", None), ("trowmax", X.max(axis=1, keepdims=True))])
def test_reductions_along_rows(op: str, expected: Array | None) -> None:
    body = f"""
    %x = load x
    %r = pto.{op} ins(%x : T<4x16xf32>) -> T<8x1xf32, valid=4x1, blayout=col_major>
    %y = pto.trowexpand ins(%r : T<8x1xf32, valid=4x1, blayout=col_major>) -> T<4x16xf32>
    store %y to y"""
    total = np.zeros((4, 1), np.float32)
    for j in range(16):
        total = total + X[:, j : j + 1]
    found = apply(body, x=X)
    np.testing.assert_array_equal(found, np.broadcast_to(total if expected is None else expected, (4, 16)))


def test_padding_fills_what_is_not_valid() -> None:
    body = """
    %x = load x
    %v = pto.set_validshape %x, %c2, %c8 : T<4x16xf32> -> T<4x16xf32, valid=?x?>
    %y = pto.tfillpad ins(%v : T<4x16xf32, valid=?x?>) -> T<4x16xf32, pad=3>
    %z = pto.tmov ins(%y : T<4x16xf32, pad=3>) -> T<4x16xf32>
    store %z to y"""
    expected = np.full((4, 16), -np.inf, np.float32)
    expected[:2, :8] = X[:2, :8]
    np.testing.assert_array_equal(apply(body, x=X), expected)


def test_views_of_values() -> None:
    body = """
    %x = load x
    %s = pto.subview %x[%c1, %c8] sizes [2, 8] : T<4x16xf32> -> T<2x8xf32>
    %i = pto.insert %s into %x[%c0, %c0] : T<2x8xf32> into T<4x16xf32> -> T<4x16xf32>
    %r = pto.reshape %i : T<4x16xf32> -> T<8x8xf32>
    %t = pto.ttrans ins(%r : T<8x8xf32>) -> T<8x8xf32>
    %b = pto.bitcast %t : T<8x8xf32> -> T<8x8xi32>
    %a = pto.tor ins(%b, %b : T<8x8xi32>, T<8x8xi32>) -> T<8x8xi32>
    %f = pto.bitcast %a : T<8x8xi32> -> T<8x8xf32>
    store %f to y"""
    expected = X.copy()
    expected[:2, :8] = X[1:3, 8:]
    np.testing.assert_array_equal(apply(body, "8x8xf32", x=X), expected.reshape(8, 8).T)


def test_loops_carry_tiles_and_branches_choose_them() -> None:
    body = """
    %x = load x
    %u = pto.undef : T<4x16xf32>
    %t = scf.for %i = %c0 to %c4 step %c1 iter_args(%t0 = %u) -> (T<4x16xf32>) {
      %first = arith.cmpi eq, %i, %c0 : index
      %row = pto.subview %x[%i, %c0] sizes [1, 16] : T<4x16xf32> -> T<1x16xf32>
      %d = scf.if %first -> (T<1x16xf32>) {
        scf.yield %row : T<1x16xf32>
      } else {
        %two = pto.tadd ins(%row, %row : T<1x16xf32>, T<1x16xf32>) -> T<1x16xf32>
        scf.yield %two : T<1x16xf32>
      }
      %t1 = pto.insert %d into %t0[%i, %c0] : T<1x16xf32> into T<4x16xf32> -> T<4x16xf32>
      scf.yield %t1 : T<4x16xf32>
    }
    store %t to y"""
    np.testing.assert_array_equal(apply(body, x=X), X * np.array([[1], [2], [2], [2]], np.float32))


def test_a_store_from_an_accumulator_rounds_to_nearest_even() -> None:
    layout = "blayout=col_major, slayout=row_major"
    body = f"""
    %x = pto.tload ins(%x_part : !pto.partition_tensor_view<16x32xbf16>) -> !pto.tile<mat, 16x32xbf16, {layout}>
    %w = pto.tload ins(%w_part : !pto.partition_tensor_view<32x16xbf16>) -> !pto.tile<mat, 32x16xbf16, {layout}>
    %l = pto.tmov ins(%x : !pto.tile<mat, 16x32xbf16, {layout}>) -> !pto.tile<left, 16x32xbf16, {layout}>
    %r = pto.tmov ins(%w : !pto.tile<mat, 32x16xbf16, {layout}>) -> !pto.tile<right, 32x16xbf16, slayout=col_major>
    %a = pto.tmatmul ins(%l, %r : !pto.tile<left, 16x32xbf16, {layout}>, !pto.tile<right, 32x16xbf16, slayout=col_major>) -> !pto.tile<acc, 16x16xf32, {layout}, fractal=1024>
    pto.tstore ins(%a : !pto.tile<acc, 16x16xf32, {layout}, fractal=1024>) outs(%y_part : !pto.partition_tensor_view<16x16xbf16>)"""
    x, w = (RNG.standard_normal(shape).astype(ml_dtypes.bfloat16) for shape in ((16, 32), (32, 16)))
    text = kernel(body, x="16x32xbf16", w="32x16xbf16", y="16x16xbf16")
    total = np.zeros((16, 16), np.float32)
    for k in range(32):
        total = total + x[:, k : k + 1].astype(np.float32) * w[k : k + 1].astype(np.float32)
    found = run(text, x=x.view(np.uint16), w=w.view(np.uint16))["y"]
    np.testing.assert_array_equal(found, total.astype(ml_dtypes.bfloat16).view(np.uint16))


# -- memory -----------------------------------------------------------------------------------------


def test_reading_what_nobody_wrote_names_the_operand_the_lane_and_the_place() -> None:
    text = kernel(
        """%x = pto.alloc_tile addr = %a : B<4x16xf32>
    %h = pto.alloc_tile addr = %b : B<4x16xf32>
    %x : B<4x16xf32> := load x
    pto.tadd ins(%x, %h : B<4x16xf32>, B<4x16xf32>) outs(%x : B<4x16xf32>)
    store %x : B<4x16xf32> to y""",
        x="4x16xf32",
        y="4x16xf32",
    ).replace("%c0 =", "%a = arith.constant 0 : i64\n    %b = arith.constant 128 : i64\n    %c0 =")
    text = text.replace("constant 128", "constant 256")
    with pytest.raises(UserError, match=r"test.pto:\d+:5: error: reads lanes that nobody wrote") as error:
        run(text, x=X)
    assert "pto.tadd operand #1 (%h), lane [0, 0]" in str(error.value)
    # 128 bytes further on the handle begins two rows into the one that is written: only its end is unknown
    with pytest.raises(UserError, match=r"operand #1 \(%h\), lane \[2, 0\]"):
        run(text.replace("constant 256", "constant 128"), x=X)


def test_tiles_without_addresses_are_aliased_by_views_only() -> None:
    text = kernel(
        """%t = pto.alloc_tile : B<4x16xf32>
    %other = pto.alloc_tile : B<4x16xf32>
    %t : B<4x16xf32> := load x
    %w = pto.subview %t[%c1, %c8] sizes [2, 8] : B<4x16xf32> -> B<2x8xf32>
    pto.tadd ins(%w, %w : B<2x8xf32>, B<2x8xf32>) outs(%w : B<2x8xf32>)
    %r = pto.treshape %t : B<4x16xf32> -> B<1x64xf32>
    %i = pto.bitcast %r : B<1x64xf32> -> B<1x64xi32>
    pto.tor ins(%i, %i : B<1x64xi32>, B<1x64xi32>) outs(%i : B<1x64xi32>)
    store %t : B<4x16xf32> to y""",
        x="4x16xf32",
        y="4x16xf32",
    )
    expected = X.copy()
    expected[1:3, 8:] *= 2
    np.testing.assert_array_equal(run(text, x=X)["y"], expected)


def test_a_tile_in_memory_changes_its_extent() -> None:
    text = kernel(
        """%t = pto.alloc_tile valid_row = %c4 valid_col = %c16 : B<4x16xf32, valid=?x?>
    %o = pto.alloc_tile : B<4x16xf32, valid=2x8>
    %t : B<4x16xf32, valid=?x?> := load x
    pto.set_validshape %t, %c2, %c8 : B<4x16xf32, valid=?x?>
    pto.tadd ins(%t, %t : B<4x16xf32, valid=?x?>, B<4x16xf32, valid=?x?>) outs(%o : B<4x16xf32, valid=2x8>)
    %s = pto.subview %o[%c0, %c0] sizes [2, 8] : B<4x16xf32, valid=2x8> -> B<2x8xf32>
    store %s : B<2x8xf32> to y""",
        x="4x16xf32",
        y="2x8xf32",
    )
    np.testing.assert_array_equal(run(text, x=X)["y"], 2 * X[:2, :8])


def test_nothing_valid_means_nothing_read_or_written() -> None:
    text = kernel(
        """%t = pto.alloc_tile valid_row = %c0 valid_col = %c0 : B<4x16xf32, valid=?x?>
    pto.tadd ins(%t, %t : B<4x16xf32, valid=?x?>, B<4x16xf32, valid=?x?>) outs(%t : B<4x16xf32, valid=?x?>)
    pto.tstore ins(%t : B<4x16xf32, valid=?x?>) outs(%y_part : !pto.partition_tensor_view<4x16xf32>)""",
        y="4x16xf32",
    )
    assert not run(text)["y"].any()


# -- GM ---------------------------------------------------------------------------------------------


def test_views_follow_strides_and_boxes_of_any_rank() -> None:
    text = kernel(
        """%v = pto.make_tensor_view %arg0, shape = [%c16, %c4], strides = [%c1, %c16] {layout = #pto.layout<dn>} : !pto.tensor_view<?x?xf32>
    %p = pto.partition_view %v, offsets = [%c8, %c0], sizes = [%c8, %c4] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<8x4xf32>
    %t = pto.tload ins(%p : !pto.partition_tensor_view<8x4xf32>) -> T<8x8xf32, valid=8x4>
    pto.tstore ins(%t : T<8x8xf32, valid=8x4>) outs(%y_part : !pto.partition_tensor_view<2x4x4xf32>)""",
        x="4x16xf32",
        y="2x4x4xf32",
    )
    np.testing.assert_array_equal(run(text, x=X)["y"].reshape(8, 4), X.T[8:])


def test_blocks_find_their_place_by_number() -> None:
    body = """%b = arith.index_cast %__pypto_spmd_block_idx : i32 to index
    %p = pto.partition_view %x_view, offsets = [%b, %c0], sizes = [%c1, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<1x16xf32>
    %q = pto.partition_view %y_view, offsets = [%b, %c0], sizes = [%c1, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<1x16xf32>
    %t = pto.tload ins(%p : !pto.partition_tensor_view<1x16xf32>) -> T<1x16xf32>
    %d = pto.tadd ins(%t, %t : T<1x16xf32>, T<1x16xf32>) -> T<1x16xf32>
    pto.tstore ins(%d : T<1x16xf32>) outs(%q : !pto.partition_tensor_view<1x16xf32>)"""
    text = kernel(body, x="4x16xf32", y="4x16xf32")
    expected = 2 * X
    expected[3] = 0
    np.testing.assert_array_equal(run(text, blocks=3, x=X)["y"], expected)
    with pytest.raises(UserError, match="reaches element 79 of 'x', which has 64"):
        run(text, blocks=5, x=X)


def test_scalars_wrap_and_travel_through_gm() -> None:
    body = """%p = arith.constant 2147483647 : i32
    %one = arith.constant 1 : i32
    %w = arith.addi %p, %one : i32
    pto.store_scalar %w, %arg0[%c1] : !pto.ptr<i32>, i32
    %r = pto.load_scalar %arg0[%c1] : !pto.ptr<i32> -> i32
    %m = arith.constant -7 : i32
    %three = arith.constant 3 : i32
    %q = arith.divsi %m, %three : i32
    %e = arith.remsi %m, %three : i32
    %big = arith.cmpi ult, %one, %r : i32
    %s = arith.select %big, %q, %e : i32
    pto.store_scalar %s, %arg0[%c0] : !pto.ptr<i32>, i32
    pto.store_scalar %e, %arg0[%c2] : !pto.ptr<i32>, i32"""
    found = run(kernel(body, y="1x4xi32"))["y"]
    assert found.tolist() == [[-2, -(2**31), -1, 0]]


def test_what_has_no_semantics_says_so() -> None:
    body = """
    %x = load x
    %y = pto.trandom ins(%s, %s, %s, %s, %s, %s : i32, i32, i32, i32, i32, i32) -> T<4x16xf32>
    store %y to y"""
    text = kernel(body, x="4x16xf32", y="4x16xf32").replace("%c0 =", "%s = arith.constant 1 : i32\n    %c0 =")
    with pytest.raises(UserError, match=r"cannot interpret pto\.trandom"):
        run(text, x=X)


# -- functions and pipes ----------------------------------------------------------------------------


def test_functions_may_be_called() -> None:
    text = """
func.func @double(%p: !pto.ptr<f32>, %i: index) -> f32 {
  %v = pto.load_scalar %p[%i] : !pto.ptr<f32> -> f32
  %d = arith.addf %v, %v : f32
  return %d : f32
}
func.func @k(%x: !pto.ptr<f32>, %y: !pto.ptr<f32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %a = func.call @double(%x, %c1) : (!pto.ptr<f32>, index) -> f32
  %q = pto.addptr %y, %c1 : !pto.ptr<f32> -> !pto.ptr<f32>
  pto.store_scalar %a, %q[%c0] : !pto.ptr<f32>, f32
  return
}"""
    found = run(text, x=X, y=np.zeros(3, np.float32))["y"]
    np.testing.assert_array_equal(found, [0, 2 * X.reshape(-1)[1], 0])


def split_kernel(split: int) -> str:
    """The cube pushes a product; each vector core doubles its part, and the cube stores the parts together."""
    nz = "blayout=col_major, slayout=row_major"
    acc = f"!pto.tile<acc, 16x16xf32, {nz}, fractal=1024>"
    part = {0: "16x16", 1: "8x16", 2: "16x8"}[split]
    view = "shape = [%c16, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>"
    box = "offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>"
    constants = "\n  ".join(f"%c{n} = arith.constant {n} : index" for n in (0, 1, 16))
    return f"""
func.func @m_aic(%arg0: !pto.ptr<f32>, %arg1: !pto.ptr<f32>) {{
  {constants}
  %x_view = pto.make_tensor_view %arg0, {view}
  %y_view = pto.make_tensor_view %arg1, {view}
  %p = pto.partition_view %x_view, {box}
  %q = pto.partition_view %y_view, {box}
  %x = pto.tload ins(%p : !pto.partition_tensor_view<16x16xf32>) -> !pto.tile<mat, 16x16xf32, {nz}>
  %l = pto.tmov ins(%x : !pto.tile<mat, 16x16xf32, {nz}>) -> !pto.tile<left, 16x16xf32, {nz}>
  %r = pto.tmov ins(%x : !pto.tile<mat, 16x16xf32, {nz}>) -> !pto.tile<right, 16x16xf32, slayout=col_major>
  %a = pto.tmatmul ins(%l, %r : !pto.tile<left, 16x16xf32, {nz}>, !pto.tile<right, 16x16xf32, slayout=col_major>) -> {acc}
  pto.tpush_to_aiv(%a : {acc}) {{split = {split}}}
  %b = pto.tpop_from_aiv {{split = {split}}} -> !pto.tile<mat, 16x16xf32, {nz}>
  pto.tstore ins(%b : !pto.tile<mat, 16x16xf32, {nz}>) outs(%q : !pto.partition_tensor_view<16x16xf32>)
  return
}}
func.func @m_aiv(%arg0: !pto.ptr<f32>, %arg1: !pto.ptr<f32>) {{
  %s = pto.get_subblock_idx
  %c0 = arith.constant 0 : i64
  %first = arith.cmpi eq, %s, %c0 : i64
  %a = pto.tpop_from_aic {{split = {split}}} -> !pto.tile<vec, {part}xf32>
  %one = arith.constant 1.0 : f32
  %two = arith.constant 2.0 : f32
  %k = arith.select %first, %one, %two : f32
  %d = pto.tmuls ins(%a, %k : !pto.tile<vec, {part}xf32>, f32) -> !pto.tile<vec, {part}xf32>
  pto.tfree_from_aic {{split = {split}}}
  pto.tpush_to_aic(%d : !pto.tile<vec, {part}xf32>) {{split = {split}}}
  return
}}"""


@pytest.mark.parametrize("split", [0, 1, 2])
def test_a_split_push_halves_the_tile_between_the_vector_cores(split: int) -> None:
    x = np.diag(np.arange(1, 17)).astype(np.float32) + np.eye(16, k=1, dtype=np.float32)
    product = np.zeros((16, 16), np.float32)
    for k in range(16):
        product = product + x[:, k : k + 1] * x[k : k + 1]
    factor = np.ones((16, 16), np.float32)
    if split == 1:
        factor[8:] = 2
    elif split == 2:
        factor[:, 8:] = 2
    np.testing.assert_array_equal(run(split_kernel(split), x=x)["y"], product * factor)


def test_a_pop_that_waits_for_nothing_is_an_error() -> None:
    text = split_kernel(0)
    alone = "\n".join(line for line in text.splitlines() if "tpush_to_aic(" not in line)
    with pytest.raises(UserError, match="a pop waits for a tile that nobody pushes"):
        run(alone, x=np.zeros((16, 16), np.float32))
