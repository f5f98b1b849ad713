"""The domain of bits against plain numpy, element by element."""

import ml_dtypes
import numpy as np
import pytest

from dsv4_passes.interpreter.domain import Domain
from dsv4_passes.interpreter.numpy_domain import NumpyDomain

pytestmark = pytest.mark.filterwarnings("error")

D: Domain = NumpyDomain()
RNG = np.random.default_rng(5)
SPECIAL = np.array(
    [0.0, -0.0, 1.0, -1.5, np.inf, -np.inf, np.nan, 1e-45, -1e-45, 3e38, -3e38, 0.1], np.float32
)
A, B = (x.ravel() for x in np.meshgrid(SPECIAL, SPECIAL))
A, B = A[None], B[None]


def same(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal bits, NaN as one class."""
    assert a.dtype == b.dtype
    if a.dtype.kind in "iub":
        return np.array_equal(a, b)
    word = f"u{a.dtype.itemsize}"
    nan = np.isnan(a)
    return np.array_equal(nan, np.isnan(b)) and np.array_equal(a.view(word)[~nan], b.view(word)[~nan])


@pytest.mark.parametrize("name", ["add", "sub", "mul", "div"])
@pytest.mark.parametrize("dtype", [np.float32, np.float16, ml_dtypes.bfloat16])
def test_float_arithmetic_rounds_once(name: str, dtype: type) -> None:
    short = {np.float32: "f32", np.float16: "f16", ml_dtypes.bfloat16: "bf16"}[dtype]
    ufunc = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide}[name]
    with np.errstate(all="ignore"):
        a, b = A.astype(dtype), B.astype(dtype)
        want = ufunc(a.astype(np.float32), b.astype(np.float32)).astype(dtype)
    assert same(D.binary(name, a, b, short), want)


def test_max_and_min_keep_the_first_where_neither_wins() -> None:
    zero, neg, nan = (np.array([[x]], np.float32) for x in (0.0, -0.0, np.nan))
    for name in ("max", "min"):
        assert same(D.binary(name, zero, neg, "f32"), zero)
        assert same(D.binary(name, neg, zero, "f32"), neg)
        assert np.isnan(D.binary(name, nan, zero, "f32"))
        assert same(D.binary(name, zero, nan, "f32"), zero)
    assert same(
        D.unary("relu", np.array([[-0.0, -2, 3]], np.float32), "f32"), np.array([[-0.0, 0, 3]], np.float32)
    )


def test_comparisons_with_nan() -> None:
    nan, one = np.array([[np.nan]], np.float32), np.array([[1]], np.float32)
    holds = [bool(D.compare(c, nan, one, "f32")) for c in ("eq", "ne", "lt", "le", "gt", "ge")]
    assert holds == [False, True, False, False, False, False]
    zero, neg = np.array([[0.0]], np.float16), np.array([[-0.0]], np.float16)
    assert D.compare("eq", zero, neg, "f16").all()


def test_unary() -> None:
    x = SPECIAL[None]
    assert same(D.unary("neg", x, "f32"), -x)
    assert same(D.unary("abs", x, "f32"), np.abs(x))
    with np.errstate(all="ignore"):
        assert same(D.unary("recip", x, "f32"), np.float32(1) / x)
        assert same(D.unary("exp", x, "f32"), np.exp(x.astype(np.float64)).astype(np.float32))
        assert same(D.unary("sqrt", x, "f32"), np.sqrt(x))
    assert D.unary("not", np.array([[0, 5]], np.int16), "i16").tolist() == [[-1, -6]]
    assert D.unary("not", np.array([[True, False]]), "i1").tolist() == [[False, True]]
    assert D.unary("abs", np.array([[-128]], np.int8), "i8").tolist() == [[-128]]


def test_integers_wrap() -> None:
    big, one = np.array([[2**31 - 1]], np.int32), np.array([[1]], np.int32)
    assert D.binary("add", big, one, "i32").tolist() == [[-(2**31)]]
    assert D.binary("mul", big, big, "i32").tolist() == [[1]]
    assert D.binary("sub", np.array([[0]], np.uint8), np.array([[1]], np.uint8), "ui8").tolist() == [[255]]
    assert D.binary("shr", np.array([[-8]], np.int32), one, "i32").tolist() == [[-4]]
    assert D.binary("shr", np.array([[2**31]], np.uint32), one.astype(np.uint32), "ui32").tolist() == [
        [2**30]
    ]
    assert D.binary("shl", one, np.array([[31]], np.int32), "i32").tolist() == [[-(2**31)]]
    assert D.binary("shl", one, np.array([[32]], np.int32), "i32").tolist() == [[0]]
    assert D.binary("shr", -one, np.array([[40]], np.int32), "i32").tolist() == [[-1]]


def test_division_and_remainder() -> None:
    a, b = np.array([[7, -7, 7, -7, 5]], np.int32), np.array([[2, 2, -2, -2, 0]], np.int32)
    assert D.binary("div", a, b, "i32").tolist() == [[3, -3, -3, 3, 0]]
    assert D.binary("rem", a, b, "i32").tolist() == [[1, 1, -1, -1, 0]]
    assert D.binary("rem", a.astype(np.float32), b.astype(np.float32), "f32").tolist()[0][:4] == [
        1,
        1,
        -1,
        -1,
    ]
    least, minus = np.array([[-(2**31)]], np.int32), np.array([[-1]], np.int32)
    assert D.binary("div", least, minus, "i32").tolist() == [[-(2**31)]]


def test_dot_adds_in_ascending_order() -> None:
    a = RNG.normal(size=(5, 9)).astype(np.float32)
    b = RNG.normal(size=(9, 4)).astype(np.float32)
    acc = RNG.normal(size=(5, 4)).astype(np.float32)
    for dtype, name in ((np.float32, "f32"), (ml_dtypes.bfloat16, "bf16"), (np.float16, "f16")):
        x, y = a.astype(dtype), b.astype(dtype)
        want = np.empty((5, 4), np.float32)
        for i in range(5):
            for j in range(4):
                total = np.float32(0)
                for k in range(9):
                    total = total + np.float32(x[i, k]) * np.float32(y[k, j])
                want[i, j] = total
        assert same(D.dot(x, y, None, name, "f32"), want)
        assert same(D.dot(x, y, acc, name, "f32"), acc + want)


def test_dot_starts_at_plus_zero_and_spreads_nan() -> None:
    one_hot = np.array([[1, 0], [0, 1]], np.float32)
    assert not np.signbit(D.dot(np.array([[-0.0, -0.0]], np.float32), one_hot, None, "f32", "f32")).any()
    spread = D.dot(np.array([[1, np.inf]], np.float32), one_hot, None, "f32", "f32")
    assert np.isnan(spread).tolist() == [[True, False]]


def test_integer_dot() -> None:
    a, b = np.full((2, 3), 100, np.int8), np.full((3, 1), -100, np.int8)
    got = D.dot(a, b, np.full((2, 1), 1, np.int32), "i8", "i32")
    assert got.dtype == np.int32
    assert got.tolist() == [[-29999], [-29999]]


@pytest.mark.parametrize("cols", [1, 8, 13, 32])
def test_predicates_pack_eight_to_a_byte(cols: int) -> None:
    bits = RNG.integers(0, 2, (3, cols)).astype(bool)
    packed = D.pack_bits(bits)
    assert packed.shape == (3, -(-cols // 8))
    assert packed.dtype == np.uint8
    assert np.array_equal(D.unpack_bits(packed, cols), bits)
    for j in range(cols):
        assert np.array_equal(packed[:, j // 8] >> (j % 8) & 1, bits[:, j])


def test_select_copies_bits() -> None:
    signalling = np.array([[0x7F800001, 0x80000000]], np.uint32).view(np.float32)
    got = D.select(np.array([[True, True]]), signalling, np.zeros((1, 2), np.float32))
    assert np.array_equal(got.view(np.uint32), signalling.view(np.uint32))


def test_bitcast() -> None:
    assert D.bitcast(np.array([[-0.0]], np.float32), "f32", "i32").tolist() == [[-(2**31)]]
    assert D.bitcast(np.array([[1.0]], ml_dtypes.bfloat16), "bf16", "ui16").tolist() == [[0x3F80]]
    with pytest.raises(ValueError, match="width"):
        D.bitcast(np.zeros((1, 1), np.float32), "f32", "i16")


def test_reductions() -> None:
    x = np.array([[3, 1, 2, 3], [4, 9, 9, -1]], np.float32)
    assert D.reduce("sum", x, 1, "f32").tolist() == [[9], [21]]
    assert D.reduce("max", x, 0, "f32").tolist() == [[4, 9, 9, 3]]
    assert D.reduce("argmax", x, 1, "f32").tolist() == [[0], [1]]
    assert D.reduce("argmin", x, 1, "f32").dtype == np.int32
    wide = np.full((1, 300), 1 + 2**-7, ml_dtypes.bfloat16)
    assert D.reduce("sum", wide, 1, "bf16")[0, 0] == ml_dtypes.bfloat16(300 * (1 + 2**-7))  # rounded once


def test_constants_and_what_is_unknown() -> None:
    assert D.constant(0.1, "bf16", (2, 3)).shape == (2, 3)
    assert D.constant(True, "i1", (1, 1)).tolist() == [[True]]
    assert D.take_conditions() == frozenset()
    one = np.ones((1, 1), np.float32)
    for call in (
        lambda: D.binary("and", one, one, "f32"),
        lambda: D.unary("sin", one, "f32"),
        lambda: D.compare("ult", one, one, "f32"),
        lambda: D.reduce("mean", one, 1, "f32"),
        lambda: D.dot(one, one, None, "f32", "f16"),
    ):
        with pytest.raises(ValueError, match="no "):
            call()
