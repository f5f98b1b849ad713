"""Term rules one by one, and eleven statements on select matrices, scatters and swaps that they decide."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dsv4_passes.equivalence.term_domain import TermDomain
from dsv4_passes.equivalence.term_text import describe
from dsv4_passes.interpreter.domain import Domain, NotConcrete

pytestmark = pytest.mark.filterwarnings("error")

Ids = np.ndarray


class Program:
    """A domain with the operations of the statements; one row of lanes."""

    def __init__(self) -> None:
        self.d = TermDomain()

    def load(self, name: str, cols: int, dtype: str) -> Ids:
        return self.d.table.loads(name, 0, None, np.arange(cols)[None], dtype)

    def add(self, a: Ids, b: Ids) -> Ids:
        return self.d.binary("add", a, b, "f32")

    def sub(self, a: Ids, b: Ids) -> Ids:
        return self.d.binary("sub", a, b, "f32")

    def mul(self, a: Ids, b: Ids) -> Ids:
        return self.d.binary("mul", a, b, "f32")

    def round(self, a: Ids, mode: str) -> Ids:
        return self.d.convert(a, "f32", "bf16", mode, False)

    def matmul(self, a: Ids, select: np.ndarray, acc: Ids | None = None) -> Ids:
        return self.d.dot(a, self.d.from_numbers(select, "bf16"), acc, "bf16", "f32")

    def zeros(self, cols: int) -> Ids:
        return self.d.constant(0.0, "f32", (1, cols))

    def scatter(self, a: Ids, parity: int, into: Ids) -> Ids:
        result = into.copy()
        result[:, parity::2] = a
        return result

    def equal(self, a: Ids, b: Ids) -> Any:
        """How two tiles of one shape compare; if they differ, the index of the first lane that does."""
        assert a.shape == b.shape
        if np.array_equal(a, b):
            return "equal"
        differs = np.argwhere(self.d.strip_zero(a) != self.d.strip_zero(b))
        return tuple(differs[0].tolist()) if len(differs) else "equal-up-to-zero-sign"


def selector(n: int, parity: int) -> np.ndarray:
    """[2n, n]: column c is one-hot at row 2c + parity."""
    matrix = np.zeros((2 * n, n), np.float32)
    matrix[2 * np.arange(n) + parity, np.arange(n)] = 1
    return matrix


# ------------------------------------------------- sparse attention: inverse rotation, final cast "round"


def rotate_back(p: Program, even: Ids, odd: Ids, n: int) -> tuple[Ids, Ids]:
    c, s = p.load("cos", n, "bf16"), p.load("sin", n, "bf16")
    return p.add(p.mul(even, c), p.mul(odd, s)), p.sub(p.mul(odd, c), p.mul(even, s))


def sparse_matmul(p: Program, n: int, accumulate: bool = False) -> Ids:
    x = p.load("x", 2 * n, "bf16")
    even, odd = rotate_back(p, p.matmul(x, selector(n, 0)), p.matmul(x, selector(n, 1)), n)
    first = p.matmul(p.round(even, "RINT"), selector(n, 0).T)
    if accumulate:
        return p.round(p.matmul(p.round(odd, "RINT"), selector(n, 1).T, first), "ROUND")
    return p.round(p.add(first, p.matmul(p.round(odd, "RINT"), selector(n, 1).T)), "ROUND")


def sparse_gather(
    p: Program, n: int, early: bool = True, merge: str = "blend", final: str = "ROUND", swapped: bool = False
) -> Ids:
    x = p.load("x", 2 * n, "bf16")
    halves = rotate_back(p, x[:, 0::2], x[:, 1::2], n)
    if early:
        even, odd = (p.round(h, "RINT") for h in halves)
    else:
        even, odd = halves
    first, second = (1, 0) if swapped else (0, 1)
    left = p.scatter(even, first, p.zeros(2 * n))
    if merge == "blend":
        whole = p.scatter(odd, second, left)
    elif merge == "zero-filling":
        whole = p.scatter(odd, second, p.zeros(2 * n))
    elif merge == "tor":
        right = p.scatter(odd, second, p.zeros(2 * n))
        i, j = (p.d.bitcast(h, "f32", "i32") for h in (left, right))
        whole = p.d.bitcast(p.d.binary("or", i, j, "i32"), "i32", "f32")
    else:
        whole = p.add(left, p.scatter(odd, second, p.zeros(2 * n)))
    return p.round(whole, final)


def sparse_swap(p: Program, n: int) -> Ids:
    x, c, s = p.load("x", 2 * n, "bf16"), p.load("cos", n, "bf16"), p.load("sin", n, "bf16")
    lane = np.arange(2 * n)
    sign = p.d.from_numbers(np.where(lane % 2 == 0, 1.0, -1.0)[None], "f32")
    rotated = p.add(p.mul(x, c[:, lane >> 1]), p.mul(p.mul(x[:, lane ^ 1], sign), s[:, lane >> 1]))
    return p.round(p.round(rotated, "RINT"), "ROUND")


# ----------------------------------------------------------- q: forward rotation of scaled f32, cast "rint"


def scaled(p: Program, n: int) -> Ids:
    return p.mul(p.load("q", 2 * n, "f32"), p.load("inv_rms", 1, "f32"))


def rotate(p: Program, even: Ids, odd: Ids, n: int) -> tuple[Ids, Ids]:
    c, s = p.load("cos", n, "bf16"), p.load("sin", n, "bf16")
    return p.sub(p.mul(even, c), p.mul(odd, s)), p.add(p.mul(even, s), p.mul(odd, c))


def q_matmul(p: Program, n: int) -> Ids:
    x = scaled(p, n)
    even, odd = (p.round(h, "RINT") for h in rotate(p, x[:, 0::2], x[:, 1::2], n))
    return p.round(p.add(p.matmul(even, selector(n, 0).T), p.matmul(odd, selector(n, 1).T)), "RINT")


def q_gather(p: Program, n: int, final: str = "RINT", merge: str = "blend") -> Ids:
    x = scaled(p, n)
    even, odd = rotate(p, x[:, 0::2], x[:, 1::2], n)
    left = p.scatter(even, 0, p.zeros(2 * n))
    if merge == "blend":
        return p.round(p.scatter(odd, 1, left), final)
    return p.round(p.add(left, p.scatter(odd, 1, p.zeros(2 * n))), final)


def q_swap(p: Program, n: int, scale_after: bool) -> Ids:
    c, s, lane = p.load("cos", n, "bf16"), p.load("sin", n, "bf16"), np.arange(2 * n)
    sign = p.d.from_numbers(np.where(lane % 2 == 0, -1.0, 1.0)[None], "f32")
    x = p.load("q", 2 * n, "f32") if scale_after else scaled(p, n)
    rotated = p.add(p.mul(x, c[:, lane >> 1]), p.mul(p.mul(x[:, lane ^ 1], sign), s[:, lane >> 1]))
    if scale_after:
        rotated = p.mul(rotated, p.load("inv_rms", 1, "f32"))
    return p.round(rotated, "RINT")


ZERO_SIGN, DIFFERS = "equal-up-to-zero-sign", "differs"
# A matmul turns -0 into +0, a gather or a blend copies it: those pairs are equal but for that.
STATEMENTS: list[tuple[str, Callable[[Program, int], Ids], Callable[[Program, int], Ids], str]] = [
    ("gather, round trip, blend", sparse_matmul, sparse_gather, ZERO_SIGN),
    (
        "no round trip, final rint",
        sparse_matmul,
        lambda p, n: sparse_gather(p, n, early=False, final="RINT"),
        ZERO_SIGN,
    ),
    ("no round trip, final round", sparse_matmul, lambda p, n: sparse_gather(p, n, early=False), DIFFERS),
    (
        "zero-filling scatters chained",
        sparse_matmul,
        lambda p, n: sparse_gather(p, n, merge="zero-filling"),
        DIFFERS,
    ),
    ("two scatters and tadd", sparse_matmul, lambda p, n: sparse_gather(p, n, merge="tadd"), "equal"),
    ("swapped parity", sparse_matmul, lambda p, n: sparse_gather(p, n, swapped=True), DIFFERS),
    ("swap-gather", sparse_matmul, sparse_swap, ZERO_SIGN),
    ("q: gather and blend, no round trip", q_matmul, q_gather, ZERO_SIGN),
    ("q: final round", q_matmul, lambda p, n: q_gather(p, n, "ROUND"), DIFFERS),
    ("q: swap-gather of scaled values", q_matmul, lambda p, n: q_swap(p, n, False), ZERO_SIGN),
    ("q: swap-gather, scaled afterwards", q_matmul, lambda p, n: q_swap(p, n, True), DIFFERS),
]


@pytest.mark.parametrize("n", range(1, 9))
@pytest.mark.parametrize(
    ("before", "after", "verdict"), [s[1:] for s in STATEMENTS], ids=[s[0] for s in STATEMENTS]
)
def test_statement(before: Callable[..., Ids], after: Callable[..., Ids], verdict: str, n: int) -> None:
    p = Program()
    old = before(p, n)
    assert p.d.take_conditions() == {"FIN"}
    new = after(p, n)
    assert p.d.take_conditions() == frozenset()
    found = p.equal(old, new)
    assert (DIFFERS if isinstance(found, tuple) else found) == verdict
    # Conditions belong to the use, not to the first time a term is met.
    before(p, n)
    assert p.d.take_conditions() == {"FIN"}


def test_first_difference_is_named() -> None:
    p = Program()
    assert p.equal(sparse_matmul(p, 3), sparse_gather(p, 3, merge="zero-filling")) == (0, 0)


def test_merging_bits_is_the_blend_and_accumulating_is_adding() -> None:
    p = Program()
    assert p.equal(sparse_gather(p, 4, merge="tor"), sparse_gather(p, 4)) == "equal"
    assert p.equal(sparse_matmul(p, 4, accumulate=True), sparse_matmul(p, 4)) == "equal"


def test_a_dropped_rounding_moves_the_sign_of_a_result_that_underflows() -> None:
    # Rounded first, a tiny negative is -0 and + (+0) makes it +0; rounded last, it stays -0.
    p = Program()
    old, new = q_matmul(p, 3), q_gather(p, 3, merge="tadd")
    assert p.equal(old, new) == ZERO_SIGN
    assert p.equal(p.d.without_underflow(old), p.d.without_underflow(new)) == "equal"


# ------------------------------------------------------------------------------------------ rules


@pytest.fixture
def t() -> Any:
    """A table with a few leaves: f32 x y z, bf16 b."""
    table = TermDomain().table
    for name, dtype in (("x", "f32"), ("y", "f32"), ("z", "f32"), ("b", "bf16"), ("h", "f16")):
        setattr(table, name, table.opaque(name, dtype))
    return table


def test_products(t: Any) -> None:
    x, y, c = t.x, t.y, t.float_constant
    assert t.mul(x, y) == t.mul(y, x)
    assert t.mul(t.one, x) == x
    assert t.mul(x, c(-1.0)) == t.neg(x)
    assert t.mul(t.neg(x), y) == t.neg(t.mul(x, y))
    assert t.mul(t.neg(x), t.neg(y)) == t.mul(x, y)
    assert t.mul(c(-2.0), x) == t.mul(c(2.0), t.neg(x)) == t.neg(t.mul(c(2.0), x))
    assert t.mul(c(2.0), c(3.0)) == c(6.0)
    assert t.mul(t.zero, x) not in (t.zero, t.neg_zero)
    assert t.head(t.mul(c(float("nan")), x)) == ("mul",)


def test_sums(t: Any) -> None:
    x, y, c = t.x, t.y, t.float_constant
    assert t.add(x, y) == t.add(y, x)
    assert t.sub(x, y) == t.add(x, t.neg(y))
    assert t.neg(t.neg(x)) == x
    assert t.add(x, t.neg_zero) == x
    assert t.sub(x, t.zero) == x
    assert t.add(x, t.zero) == t.plus_zero(x) != x
    assert t.add(c(0.1), c(0.2)) == c(float(np.float32(0.1) + np.float32(0.2)))
    assert t.add(t.zero, t.neg_zero) == t.zero
    assert t.neg(t.add(x, y)) != t.add(t.neg(x), t.neg(y))  # x = -y
    assert t.sub(x, x) != t.zero  # Inf - Inf


def test_zero_normal_form(t: Any) -> None:
    x, y, zx = t.x, t.y, t.plus_zero(t.x)
    assert t.plus_zero(zx) == zx
    assert t.plus_zero(t.neg_zero) == t.zero
    assert t.plus_zero(t.one) == t.one
    assert t.add(zx, y) == t.plus_zero(t.add(x, y)) == t.add(x, t.plus_zero(y))
    assert t.plus_zero(t.add(zx, y)) == t.add(zx, y)
    assert t.plus_zero(t.mul(zx, y)) == t.plus_zero(t.mul(x, y))
    assert t.mul(zx, y) != t.mul(x, y)
    assert t.add(t.mul(zx, y), t.one) == t.add(t.mul(x, y), t.one)
    assert t.neg(zx) != t.plus_zero(t.neg(x))
    assert t.plus_zero(t.neg(zx)) == t.plus_zero(t.neg(x))
    assert t.plus_zero(t.round("bf16", "RINT", zx)) == t.plus_zero(t.round("bf16", "RINT", x))
    assert t.plus_zero(t.round("bf16", "RINT", x)) != t.round("bf16", "RINT", zx)


def test_rounding(t: Any) -> None:
    x, b, c = t.x, t.b, t.float_constant
    rint, away = (lambda a: t.round("bf16", "RINT", a)), (lambda a: t.round("bf16", "ROUND", a))
    assert away(rint(x)) == rint(x)
    assert rint(x) != away(x)
    assert rint(b) == b
    assert rint(t.neg(b)) == t.neg(b)
    assert rint(t.plus_zero(b)) == t.plus_zero(b)
    assert t.round("f16", "RINT", b) != b
    assert t.round("f16", "RINT", t.h) == t.h
    assert rint(c(1 + 2**-8)) == t.one
    assert away(c(1 + 2**-8)) == c(1 + 2**-7)
    for mode in ("RINT", "ROUND", "TRUNC", "ODD"):
        assert t.round("bf16", mode, t.neg(x)) == t.neg(t.round("bf16", mode, x))
    for mode in ("FLOOR", "CEIL"):
        assert t.round("bf16", mode, t.neg(x)) != t.neg(t.round("bf16", mode, x))


def test_constants_are_told_apart_by_their_bits(t: Any) -> None:
    c = t.float_constant
    assert c(0.0) != c(-0.0)
    assert c(float("nan")) == c(-float("nan"))
    assert c(1.0) != t.int_constant(1)
    assert t.number(c(0.5)) == 0.5
    assert t.number(t.x) is None


def test_stripping_zeros(t: Any) -> None:
    x, y, zx = t.x, t.y, t.plus_zero(t.x)
    strip = t.strip_zero
    assert strip(zx) == x
    assert strip(t.neg(zx)) == t.neg(x)
    assert strip(t.round("bf16", "RINT", zx)) == t.round("bf16", "RINT", x)
    assert strip(t.add(t.mul(zx, y), t.mul(y, y))) == t.add(t.mul(x, y), t.mul(y, y))
    division = t.node(("op", "div"), (y, zx))
    assert strip(division) == division  # the sign of an infinity hangs on it
    deep = zx
    for _ in range(5000):
        deep = t.mul(deep, y)
    assert strip(deep) != deep


def test_select(t: Any) -> None:
    p = t.opaque("p", "i1")
    assert t.select(p, t.x, t.x) == t.x
    assert t.select(t.int_constant(1), t.x, t.y) == t.x
    assert t.select(t.int_constant(0), t.x, t.y) == t.y
    assert t.select(p, t.plus_zero(t.x), t.zero) == t.plus_zero(t.select(p, t.x, t.zero))
    b = t.select(p, t.b, t.zero)
    assert t.round("bf16", "RINT", b) == b


def test_dependencies(t: Any) -> None:
    load = t.load("arg3", 1, None, 7, "f32")
    sum_ = t.add(t.mul(load, t.x), t.one)
    assert set(t.leaves([sum_])) == {load, t.x}
    assert t.head(load)[:2] == ("load", "arg3")
    assert t.load("arg3", 2, None, 7, "f32") != load  # a write in between


# ------------------------------------------------------------------------------------ whole tiles


def test_it_is_a_domain() -> None:
    domain: Domain = TermDomain()
    assert domain.take_conditions() == frozenset()


def test_float_computed_tables_become_concrete() -> None:
    d = TermDomain()
    lane = d.from_numbers(np.arange(64, dtype=np.int32)[None], "i32")
    half = d.convert(
        d.binary("mul", d.convert(lane, "i32", "f32", "NONE", False), d.constant(0.5, "f32", (1, 1)), "f32"),
        "f32",
        "i32",
        "FLOOR",
        False,
    )
    swapped = d.binary("xor", lane, d.constant(1, "i32", (1, 1)), "i32")
    assert d.concrete(half, "i32").tolist()[0] == (np.arange(64) // 2).tolist()
    assert d.concrete(swapped, "i32").tolist()[0] == (np.arange(64) ^ 1).tolist()
    assert d.is_constant(half).all()
    with pytest.raises(NotConcrete, match="load"):
        d.concrete(d.table.loads("x", 0, None, np.zeros((1, 1), np.int64), "i32"), "i32")


def test_short_floats_round_after_every_operation() -> None:
    p = Program()
    b = p.load("b", 4, "bf16")
    product = p.d.binary("mul", b, b, "bf16")
    assert np.array_equal(product, p.round(p.mul(b, b), "RINT"))
    assert np.array_equal(p.d.binary("mul", b, p.d.constant(1, "bf16", (1, 1)), "bf16"), b)
    assert np.array_equal(p.d.convert(b, "bf16", "f32", "NONE", False), b)


def test_integers() -> None:
    p = Program()
    d, i = p.d, p.load("i", 3, "i32")
    zero, one = d.constant(0, "i32", (1, 1)), d.constant(1, "i32", (1, 1))
    assert np.array_equal(d.binary("add", zero, i, "i32"), i)
    assert np.array_equal(d.binary("mul", i, one, "i32"), i)
    assert np.array_equal(d.binary("mul", i, zero, "i32"), np.broadcast_to(zero, (1, 3)))
    assert np.array_equal(d.binary("add", i, one, "i32"), d.binary("add", one, i, "i32"))
    assert not np.array_equal(d.binary("sub", zero, i, "i32"), i)
    assert np.array_equal(d.convert(i, "i32", "i64", "NONE", False), i)
    assert not np.array_equal(d.convert(i, "i32", "i8", "NONE", False), i)
    assert not np.array_equal(d.binary("add", i, i, "i32"), d.binary("add", i, i, "i16"))


def test_what_never_is_minus_zero() -> None:
    p = Program()
    d, x = p.d, p.load("x", 4, "f32")
    for name, never in (("abs", True), ("relu", False), ("neg", False), ("exp", False)):
        result = d.unary(name, x, "f32")
        assert np.array_equal(p.add(result, p.zeros(4)), result) == never


def test_only_exact_identities_of_integers() -> None:
    p = Program()
    i, t = p.load("i", 1, "i32"), p.d.table
    for name, neutral in (("add", 0), ("sub", 0), ("or", 0), ("xor", 0), ("mul", 1), ("div", 1)):
        assert np.array_equal(p.d.binary(name, i, p.d.constant(neutral, "i32", (1, 1)), "i32"), i)
    for name, other in (("rem", 1), ("max", 0), ("min", 0), ("and", 1), ("shl", 1), ("div", 0)):
        result = p.d.binary(name, i, p.d.constant(other, "i32", (1, 1)), "i32")
        assert t.head(int(result[0, 0])) == ("op", name, "i32")


def test_bitcasts_cancel_and_zero_bits_merge() -> None:
    p = Program()
    d, x = p.d, p.load("x", 4, "f32")
    bits = d.bitcast(x, "f32", "i32")
    assert np.array_equal(d.bitcast(bits, "i32", "f32"), x)
    zero = d.bitcast(d.constant(0.0, "f32", (1, 4)), "f32", "i32")
    assert d.concrete(zero, "i32").tolist() == [[0, 0, 0, 0]]
    assert np.array_equal(d.binary("or", zero, bits, "i32"), bits)
    minus = d.bitcast(d.constant(-0.0, "f32", (1, 4)), "f32", "i32")
    assert not np.array_equal(d.binary("or", minus, bits, "i32"), bits)
    nan = d.bitcast(d.constant(float("nan"), "f32", (1, 1)), "f32", "i32")
    assert not d.is_constant(nan).any()


def test_predicates() -> None:
    p = Program()
    d, x, y = p.d, p.load("x", 13, "f32"), p.load("y", 13, "f32")
    less = d.compare("lt", x, y, "f32")
    assert np.array_equal(less, d.compare("gt", y, x, "f32"))
    assert not np.array_equal(less, d.compare("ge", y, x, "f32"))
    packed = d.pack_bits(less)
    assert packed.shape == (1, 2)
    assert np.array_equal(d.unpack_bits(packed, 13), less)
    known = d.from_numbers(np.array([[True, False] * 8]), "i1")
    assert d.concrete(d.pack_bits(known), "ui8").tolist() == [[0x55, 0x55]]
    assert np.array_equal(d.unpack_bits(d.pack_bits(known), 16), known)
    opaque = d.table.loads("m", 0, None, np.arange(2)[None], "ui8")
    bits = d.unpack_bits(opaque, 16)
    assert len(np.unique(bits)) == 16
    assert d.concrete(d.compare("ne", d.constant(1.0, "f32", (1, 1)), p.zeros(1), "f32"), "i1").all()


def test_a_preserve_blend_with_a_computed_predicate_is_the_interleave() -> None:
    p = Program()
    d, e = p.d, p.load("e", 4, "f32")
    ones = p.scatter(d.constant(1.0, "f32", (1, 4)), 0, p.zeros(8))
    mask = d.pack_bits(d.compare("ne", ones, p.zeros(8), "f32"))
    old = p.load("old", 8, "f32")
    blended = d.select(d.unpack_bits(mask, 8), p.scatter(e, 0, p.zeros(8)), old)
    assert np.array_equal(blended[:, 0::2], e)
    assert np.array_equal(blended[:, 1::2], old[:, 1::2])


@pytest.mark.parametrize("left", [False, True])
def test_one_hot_matmul(left: bool) -> None:
    p = Program()
    d, x = p.d, p.load("x", 4, "bf16")
    coefficients = np.array([[0, 1, 0, 0], [0, 0, 0, -1], [0, 0, -0.0, 0], [0, 0, 0, 2]], np.float32)

    def product(acc: Ids | None = None) -> Ids:
        k = d.from_numbers(coefficients, "bf16")
        if left:
            return d.dot(k, x.T, None if acc is None else acc.T, "bf16", "f32").T
        return d.dot(x, k.T, acc, "bf16", "f32")

    t = d.table
    lanes = product()[0].tolist()
    assert lanes[:3] == [t.plus_zero(int(x[0, 1])), t.plus_zero(t.neg(int(x[0, 3]))), t.zero]
    assert t.head(lanes[3])[0] == "dot"
    assert d.take_conditions() == {"FIN"}
    acc = p.load("acc", 4, "f32")
    added = product(acc)[0].tolist()
    assert added[0] == t.plus_zero(t.add(int(acc[0, 0]), int(x[0, 1])))
    assert added[2] == t.plus_zero(int(acc[0, 2]))
    assert product(d.binary("add", acc, p.zeros(4), "f32"))[0].tolist()[2] == t.plus_zero(int(acc[0, 2]))


def test_matmul_with_constants_on_both_sides() -> None:
    p = Program()
    row = p.d.from_numbers(np.array([[3.0, np.inf]], np.float32), "f32")
    assert np.isnan(
        p.d.concrete(p.d.dot(row, p.d.from_numbers(np.eye(2), "f32"), None, "f32", "f32")[:, :1], "f32")
    )
    finite = p.d.from_numbers(np.array([[3.0, -4.0]], np.float32), "f32")
    got = p.d.dot(finite, p.d.from_numbers(np.eye(2), "f32"), None, "f32", "f32")
    assert p.d.concrete(got, "f32").tolist() == [[3.0, -4.0]]
    assert p.d.take_conditions() == frozenset()  # nothing unknown met a zero


def test_dense_matmul_is_a_term_of_row_and_column() -> None:
    p = Program()
    d, x = p.d, p.load("x", 3, "bf16")
    w = d.table.loads("w", 0, None, np.arange(6).reshape(3, 2), "bf16")
    a = d.dot(x, w, None, "bf16", "f32")
    assert np.array_equal(a, d.dot(w.T, x.T, None, "bf16", "f32").T)  # products commute
    assert not np.array_equal(a, d.dot(x[:, ::-1], w[::-1], None, "bf16", "f32"))  # the order of k counts
    flushed = d.binary("add", x, p.zeros(3), "f32")
    assert np.array_equal(a, d.dot(flushed, w, None, "bf16", "f32"))  # signs of zeros do not show
    assert d.take_conditions() == frozenset()


def test_integer_matmul_has_no_conditions() -> None:
    p = Program()
    d, x = p.d, p.load("x", 4, "i8")
    got = d.dot(x, d.from_numbers(selector(2, 1).astype(np.int8), "i8"), None, "i8", "i32")
    assert np.array_equal(got, x[:, 1::2])
    assert d.take_conditions() == frozenset()


def test_reductions() -> None:
    p = Program()
    d, x = p.d, p.load("x", 4, "f32")
    total = d.reduce("sum", x, 1, "f32")
    assert total.shape == (1, 1)
    assert np.array_equal(total, d.reduce("sum", x, 1, "f32"))
    assert not np.array_equal(total, d.reduce("sum", x.T, 0, "f32"))  # added up in another order
    assert np.array_equal(d.reduce("max", x, 1, "f32"), d.reduce("max", x.T, 0, "f32"))
    assert not np.array_equal(total, d.reduce("sum", x[:, ::-1], 1, "f32"))
    known = d.from_numbers(np.array([[3, 9, 2]], np.int32), "i32")
    assert d.concrete(d.reduce("max", known, 1, "i32"), "i32").tolist() == [[9]]
    assert d.concrete(d.reduce("argmax", known, 1, "i32"), "i32").tolist() == [[1]]


def test_conversions() -> None:
    p = Program()
    d, x, i8 = p.d, p.load("x", 4, "f32"), p.load("k", 4, "i8")
    flushed = d.binary("add", x, p.zeros(4), "f32")
    as_int = d.convert(x, "f32", "i32", "RINT", False)
    assert np.array_equal(as_int, d.convert(flushed, "f32", "i32", "CAST_RINT", False))
    assert not np.array_equal(as_int, d.convert(x, "f32", "i32", "TRUNC", False))
    single = d.convert(i8, "i8", "f32", "TRUNC", False)
    assert np.array_equal(p.round(single, "RINT"), single)  # 8 bits fit
    assert np.array_equal(d.binary("add", single, p.zeros(4), "f32"), single)  # no integer is -0
    assert not np.array_equal(d.convert(x, "f32", "f32", "RINT", False), x)
    assert not np.array_equal(p.round(x, "RINT"), d.convert(x, "f32", "f16", "RINT", False))


def test_what_is_unknown_is_said() -> None:
    p = Program()
    x = p.load("x", 2, "f32")
    for call in (
        lambda: p.d.binary("and", x, x, "f32"),
        lambda: p.d.unary("sin", x, "f32"),
        lambda: p.d.compare("ult", x, x, "f32"),
        lambda: p.d.reduce("mean", x, 1, "f32"),
        lambda: p.d.dot(x, x.T, None, "f32", "f16"),
        lambda: p.d.convert(x, "f32", "bf16", "UP", False),
        lambda: p.d.bitcast(x, "f32", "i16"),
    ):
        with pytest.raises(ValueError, match=r"no |UP|width"):
            call()


def test_text() -> None:
    p = Program()
    even, _ = rotate(p, p.load("x", 1, "bf16"), p.load("y", 1, "bf16"), 1)
    term = int(p.round(even, "RINT")[0, 0])
    assert describe(p.d.table, term) == "rint(x[0]*cos[0] - y[0]*sin[0])"
    assert describe(p.d.table, term, depth=1) == "rint(...)"
    deep = p.load("x", 1, "f32")
    for _ in range(2000):
        deep = p.mul(p.add(deep, p.load("y", 1, "f32")), p.load("z", 1, "f32"))
    assert len(describe(p.d.table, int(deep[0, 0]))) <= 200


def test_whole_tiles_are_quick() -> None:
    d = TermDomain()
    offsets = np.arange(64 * 512).reshape(64, 512)
    x, y = (d.table.loads(name, 0, None, offsets, "f32") for name in "xy")
    start = time.process_time()
    d.binary("mul", x, y, "f32")
    product = time.process_time() - start
    b = d.table.loads("b", 0, None, np.arange(64 * 64).reshape(64, 64), "bf16")
    select = d.from_numbers(selector(32, 0), "bf16")
    start = time.process_time()
    d.dot(b, select, None, "bf16", "f32")
    matmul = time.process_time() - start
    # Ten times what they take: this catches a loop over lanes or over k, not a slow machine.
    assert product < 0.5
    assert matmul < 0.2
