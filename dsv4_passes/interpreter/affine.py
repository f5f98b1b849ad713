"""Integers that may hold symbols: what an index is when the block number or a loop counter has no value.

A `Number` is a Python int where the value is known and an `Affine` where it is not, so that the same code
computes addresses in both domains. Sums and products by constants stay linear, which makes two equal
addresses equal objects; everything else becomes a symbol of its own, named by what it computes.
Symbols do not wrap: an index that overflows is an error of the kernel, not a value; `scalars` sees to the
narrower integers.
"""

from dataclasses import dataclass, field
from typing import TypeAlias, Union


@dataclass(frozen=True, order=True)
class Symbol:
    """An integer without a value. `low` and `high` are bounds it keeps, where some are known."""

    name: str
    low: int | None = field(default=None, compare=False)
    high: int | None = field(default=None, compare=False)

    def __hash__(self) -> int:
        return hash(self.name)

    def __str__(self) -> str:
        return self.name


Number: TypeAlias = Union[int, "Affine"]


@dataclass(frozen=True)
class Affine:
    """`sum(coefficient * symbol) + constant`, with at least one symbol; `terms` are sorted by symbol."""

    terms: tuple[tuple[Symbol, int], ...]
    constant: int = 0

    @staticmethod
    def symbol(name: str, low: int | None = None, high: int | None = None) -> "Affine":
        return Affine(((Symbol(name, low, high), 1),))

    @property
    def linear(self) -> tuple[tuple[Symbol, int], ...]:
        """The part that has no number; two addresses with the same one have a known distance."""
        return self.terms

    def __add__(self, other: Number) -> Number:
        if isinstance(other, int):
            return Affine(self.terms, self.constant + other) if other else self
        coefficients = dict(self.terms)
        for symbol, coefficient in other.terms:
            coefficients[symbol] = coefficients.get(symbol, 0) + coefficient
        return _affine(coefficients, self.constant + other.constant)

    __radd__ = __add__

    def __neg__(self) -> Number:
        return self * -1

    def __sub__(self, other: Number) -> Number:
        return self + other * -1

    def __rsub__(self, other: int) -> Number:
        return self * -1 + other

    def __mul__(self, other: Number) -> Number:
        if isinstance(other, int):
            if other == 0:
                return 0
            return Affine(tuple((s, c * other) for s, c in self.terms), self.constant * other)
        return opaque("*", *sorted((self, other), key=str), low=0 if _both_natural(self, other) else None)

    __rmul__ = __mul__

    def __floordiv__(self, other: Number) -> Number:
        if isinstance(other, int) and other > 0:
            if all(c % other == 0 for _, c in self.terms):
                return _affine({s: c // other for s, c in self.terms}, self.constant // other)
            low, high = bounds(self)
            return opaque(
                "//",
                self,
                other,
                low=None if low is None else low // other,
                high=None if high is None else high // other,
            )
        return opaque("//", self, other)

    def __rfloordiv__(self, other: int) -> Number:
        return opaque("//", other, self)

    def __mod__(self, other: Number) -> Number:
        if isinstance(other, int) and other > 0:
            if all(c % other == 0 for _, c in self.terms):
                return self.constant % other
            low, high = bounds(self)
            if low is not None and high is not None and 0 <= low and high < other:
                return self
            return opaque("%", self, other, low=0, high=other - 1)
        return opaque("%", self, other)

    def __rmod__(self, other: int) -> Number:
        return opaque("%", other, self)

    def __str__(self) -> str:
        parts = [str(s) if c == 1 else f"{c}*{s}" for s, c in self.terms]
        if self.constant:
            parts.append(str(self.constant))
        return parts[0] if len(parts) == 1 else f"({' + '.join(parts)})"

    __repr__ = __str__


def _affine(coefficients: dict[Symbol, int], constant: int) -> Number:
    terms = tuple(sorted((s, c) for s, c in coefficients.items() if c))
    return Affine(terms, constant) if terms else constant


def _both_natural(a: Number, b: Number) -> bool:
    return all(low is not None and low >= 0 for low in (bounds(a)[0], bounds(b)[0]))


def opaque(name: str, *args: object, low: int | None = None, high: int | None = None) -> Affine:
    """The result of an operation that is not linear: a symbol named after its expression."""
    return Affine.symbol(f"{name}({', '.join(map(str, args))})", low, high)


def split(number: Number) -> tuple[tuple[tuple[Symbol, int], ...], int]:
    """Symbolic part and constant of a number."""
    return ((), number) if isinstance(number, int) else (number.terms, number.constant)


def bounds(number: Number) -> tuple[int | None, int | None]:
    """The least and the greatest value that the bounds of its symbols allow; None where there is none."""
    if isinstance(number, int):
        return number, number
    low: int | None = number.constant
    high: int | None = number.constant
    for symbol, coefficient in number.terms:
        small, great = (symbol.low, symbol.high) if coefficient > 0 else (symbol.high, symbol.low)
        low = None if low is None or small is None else low + coefficient * small
        high = None if high is None or great is None else high + coefficient * great
    return low, high


def compare(predicate: str, a: Number, b: Number) -> Number:
    """`a predicate b` for eq ne lt le gt ge: 0 or 1, or a symbol where the bounds do not decide."""
    low, high = bounds(a - b)
    decided = _decide(predicate, low, high)
    if decided is not None:
        return int(decided)
    return opaque(predicate, a, b, low=0, high=1)


def _decide(predicate: str, low: int | None, high: int | None) -> bool | None:
    """Whether a difference within [low, high] satisfies `predicate 0`; None where it depends."""
    if predicate in ("ne", "ge", "gt"):
        inverse = _decide({"ne": "eq", "ge": "lt", "gt": "le"}[predicate], low, high)
        return None if inverse is None else not inverse
    above = low is not None and (low > 0 or (predicate == "lt" and low == 0))
    if predicate == "eq":
        if low == high == 0:
            return True
        return False if above or (high is not None and high < 0) else None
    if above:
        return False
    if high is not None and (high < 0 or (predicate == "le" and high == 0)):
        return True
    return None


def minimum(a: Number, b: Number) -> Number:
    """The smaller number, or a symbol."""
    low, high = bounds(a - b)
    if high is not None and high <= 0:
        return a
    if low is not None and low >= 0:
        return b
    highs = [h for h in (bounds(a)[1], bounds(b)[1]) if h is not None]
    return opaque("min", *sorted((a, b), key=str), high=min(highs, default=None))


def maximum(a: Number, b: Number) -> Number:
    """The larger number, or a symbol. An offset clamped at 0 is itself where it cannot be negative."""
    low, high = bounds(a - b)
    if low is not None and low >= 0:
        return a
    if high is not None and high <= 0:
        return b
    lows = [v for v in (bounds(a)[0], bounds(b)[0]) if v is not None]
    return opaque("max", *sorted((a, b), key=str), low=max(lows, default=None))
