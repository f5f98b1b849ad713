"""The lane operations as such: what they compute, on numbers and on terms, and what they refuse."""

# ruff: noqa: E501  (types make long lines)

import ml_dtypes
import numpy as np
import pytest
from xdsl.utils.exceptions import VerifyException

from dialects.dsv4.lanes import InterleaveOp
from dsv4_passes.diagnostics import UserError
from dsv4_passes.equivalence.lanes import lane_difference
from dsv4_passes.formats.pto.reader import parse_text
from dsv4_passes.transforms.lowering.lower_tiles import lower_function
from tests.unit.kernels import Array, function, kernel, run

RNG = np.random.default_rng(1)
SPECIAL = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e-45, -1e-45, 3.0e38, 1.00390625], np.float32)


def awkward(rows: int, cols: int) -> Array:
    """f32 lanes with signed zeros, infinities, NaN and subnormals among them."""
    lanes = RNG.standard_normal((rows, cols)).astype(np.float32)
    places = RNG.integers(0, rows * cols, 4 * len(SPECIAL))
    lanes.reshape(-1)[places] = np.tile(SPECIAL, 4)
    return lanes


def bits(lanes: Array) -> Array:
    return np.ascontiguousarray(lanes).view(f"u{lanes.dtype.itemsize}")


def same_numbers(a: Array, b: Array) -> None:
    """Equal in bits, but for what a NaN carries."""
    nan = np.isnan(a)
    np.testing.assert_array_equal(nan, np.isnan(b))
    np.testing.assert_array_equal(bits(a)[~nan], bits(b)[~nan])


NARROW = {"i8": np.int8, "f16": np.float16, "bf16": ml_dtypes.bfloat16, "i32": np.int32, "f32": np.float32}


@pytest.mark.parametrize("dtype", NARROW)
def test_lanes_move_bit_by_bit(dtype: str) -> None:
    width = np.dtype(NARROW[dtype]).itemsize
    x = RNG.integers(0, 256, (4, 64 * width), np.uint8).view(NARROW[dtype])
    body = f"""
    %x = load x
    %e, %o = dsv4.deinterleave %x : T<4x64x{dtype}> -> T<4x32x{dtype}>, T<4x32x{dtype}>
    %y = dsv4.interleave %o, %e : T<4x32x{dtype}>, T<4x32x{dtype}> -> T<4x64x{dtype}>
    %z = dsv4.swap_pairs %x : T<4x64x{dtype}> -> T<4x64x{dtype}>
    store %e to even
    store %o to odd
    store %y to y
    store %z to z"""
    shapes = {"x": 64, "even": 32, "odd": 32, "y": 64, "z": 64}
    out = run(kernel(body, **{name: f"4x{n}x{dtype}" for name, n in shapes.items()}), x=x)
    np.testing.assert_array_equal(bits(out["even"]), bits(x[:, 0::2]))
    np.testing.assert_array_equal(bits(out["odd"]), bits(x[:, 1::2]))
    for name in "yz":
        np.testing.assert_array_equal(bits(out[name][:, 0::2]), bits(x[:, 1::2]))
        np.testing.assert_array_equal(bits(out[name][:, 1::2]), bits(x[:, 0::2]))


def rotated(x: Array, c: Array, s: Array, flag: str) -> Array:
    """The definition, one rounding each."""
    with np.errstate(all="ignore"):
        e, o = x[:, 0::2], x[:, 1::2]
        if c.shape[1] == x.shape[1]:
            (ce, co), (se, so) = (c[:, 0::2], c[:, 1::2]), (s[:, 0::2], s[:, 1::2])
        else:
            (ce, co), (se, so) = (c, c), (s, s)
        if flag == "":
            even, odd = e * ce - o * se, o * co + e * so
        elif flag == "inverse":
            even, odd = e * ce + o * se, o * co - e * so
        else:
            even, odd = e * ce + o * se, o * co + e * so
    return np.stack([even, odd], axis=-1).reshape(x.shape)


@pytest.mark.parametrize(
    ("flag", "table"),
    [(flag, table) for flag in ("", "inverse") for table in ("4x32", "1x32", "4x64", "1x64")]
    + [("signed", "4x64"), ("signed", "1x64")],
)
def test_rotation(flag: str, table: str) -> None:
    rows, cols = map(int, table.split("x"))
    x, c, s = awkward(4, 64), awkward(rows, cols), awkward(rows, cols)
    body = f"""
    %x = load x
    %c = load c
    %s = load s
    %y = dsv4.rotate_pairs %x, %c, %s {flag} : T<4x64xf32>, T<{table}xf32>, T<{table}xf32> -> T<4x64xf32>
    store %y to y"""
    text = kernel(body, x="4x64xf32", c=f"{table}xf32", s=f"{table}xf32", y="4x64xf32")
    same_numbers(run(text, x=x, c=c, s=s)["y"], rotated(x, c, s, flag))


HALVES = """
    %x = load x
    %c = load c
    %s = load s
    %e = pto.tgather ins(%x, {maskPattern = #pto.mask_pattern<P0101>} : T<4x64xf32>, "row") -> T<4x32xf32>
    %o = pto.tgather ins(%x, {maskPattern = #pto.mask_pattern<P1010>} : T<4x64xf32>, "row") -> T<4x32xf32>
    %ec = pto.tmul ins(%e, %c : T<4x32xf32>, T<4x32xf32>) -> T<4x32xf32>
    %os = pto.tmul ins(%o, %s : T<4x32xf32>, T<4x32xf32>) -> T<4x32xf32>
    %oc = pto.tmul ins(%o, %c : T<4x32xf32>, T<4x32xf32>) -> T<4x32xf32>
    %es = pto.tmul ins(%e, %s : T<4x32xf32>, T<4x32xf32>) -> T<4x32xf32>
    %a = pto.SUB ins(%ec, %os : T<4x32xf32>, T<4x32xf32>) -> T<4x32xf32>
    %b = pto.ADD ins(%es, %oc : T<4x32xf32>, T<4x32xf32>) -> T<4x32xf32>
    store %a to a
    store %b to b"""
ROTATED = """
    %x = load x
    %c = load c
    %s = load s
    %y = dsv4.rotate_pairs %x, %c, %s FLAG : T<4x64xf32>, T<4x32xf32>, T<4x32xf32> -> T<4x64xf32>
    %a, %b = dsv4.deinterleave %y : T<4x64xf32> -> T<4x32xf32>, T<4x32xf32>
    store %a to a
    store %b to b"""


def test_terms_of_a_rotation_are_those_of_its_halves() -> None:
    shapes = {"x": "4x64xf32", "c": "4x32xf32", "s": "4x32xf32", "a": "4x32xf32", "b": "4x32xf32"}

    def of(body: str) -> object:
        return function(kernel(body, **shapes))

    forward = of(HALVES.replace("SUB", "tsub").replace("ADD", "tadd"))
    assert lane_difference(forward, of(ROTATED.replace("FLAG", ""))) is None  # pyright: ignore
    assert lane_difference(forward, of(ROTATED.replace("FLAG", "inverse"))) is not None  # pyright: ignore


def test_fewer_valid_rows() -> None:
    x = awkward(4, 64)
    body = """
    %r = arith.constant 3 : index
    %from = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = [%r, %c64] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<?x64xf32>
    %to = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%r, %c64] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<?x64xf32>
    %x = pto.tload ins(%from : !pto.partition_tensor_view<?x64xf32>) valid [%r] -> T<4x64xf32, valid=?x64>
    %e, %o = dsv4.deinterleave %x valid [%r, %r] : T<4x64xf32, valid=?x64> -> T<4x32xf32, valid=?x32>, T<4x32xf32, valid=?x32>
    %y = dsv4.interleave %o, %e valid [%r] : T<4x32xf32, valid=?x32>, T<4x32xf32, valid=?x32> -> T<4x64xf32, valid=?x64>
    pto.tstore ins(%y : T<4x64xf32, valid=?x64>) outs(%to : !pto.partition_tensor_view<?x64xf32>)"""
    y = run(kernel(body, x="4x64xf32", y="4x64xf32"), x=x, y=np.zeros_like(x))["y"]
    swapped = x.reshape(4, 32, 2)[..., ::-1].reshape(4, 64)
    np.testing.assert_array_equal(bits(y[:3]), bits(swapped[:3]))
    assert not y[3].any()


def test_lowering_asks_for_a_form() -> None:
    body = """
    %x = load x
    %y = dsv4.swap_pairs %x : T<4x64xf32> -> T<4x64xf32>
    store %y to y"""
    with pytest.raises(UserError, match=r"found dsv4\.swap_pairs: dsv4-lower-lanes has to"):
        lower_function(function(kernel(body, x="4x64xf32", y="4x64xf32")), "a2a3", "0.60", "level3")


def test_types_of_results_follow() -> None:
    text = kernel("%x = load x\n    store %x to y", x="4x64xf32", y="4x64xf32")
    loaded = next(op for op in parse_text(text, "t.pto").walk() if op.name == "pto.tload").results[0]
    made = InterleaveOp([loaded, loaded])
    made.verify()
    assert str(made.res[0].type) == "!pto.tile<vec, 4x128xf32>"
    with pytest.raises(VerifyException, match="expects 2 operands"):
        InterleaveOp([loaded]).verify()
