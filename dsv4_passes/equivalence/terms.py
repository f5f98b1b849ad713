"""Interned terms: what a lane's value is, as a formula over loads, in a normal form that only exact rules
lead to.

A term is a small integer; equal integers mean equal values. It denotes a VALUE (a real number with the sign
of its zero, an Inf, NaN as one class; or an integer), not an element type: a bf16 number and the f32 it
widens to are one term. A node is a head (a name and its attributes) and the ids of its operands:

    ("load", argument, version, base, dtype) (offset)     one element of GM memory: a leaf
    ("opaque", key, dtype)                                anything else that is unknown: a leaf
    ("float",) (bits of the double)   ("int",) (value)    constants
    ("mul",) (a, b)  ("add",) (a, b)  ("neg",) (a)        f32 arithmetic, one rounding each
    ("Z",) (a)                                            a + (+0): -0 becomes +0, nothing else changes
    ("round", "bf16" | "f16", mode) (a)                   f32 rounded to a shorter float
    ("select",) (cond, a, b)  and others                  uninterpreted functions of their operands

Every rule is a bit-exact fact of IEEE arithmetic (NaN payloads aside) and says so where it stands.
Elementwise 0*a is NOT 0: that needs a finite a. What is equal up to the sign of a zero is a question that a
caller has to ask (`strip_zero`).
"""

from collections.abc import Hashable, Iterator, Sequence
from itertools import compress
from typing import TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from dsv4_passes.interpreter import numerics
from dsv4_passes.interpreter.numpy_domain import NumpyDomain

Head: TypeAlias = tuple[Hashable, ...]
Ids: TypeAlias = NDArray[np.int64]
LaneMask: TypeAlias = NDArray[np.bool_]

# What is known of a term's value.
BF16, F16 = 1, 2  # it is a number of that type, so rounding to it changes nothing, in any mode
NEVER_NEG_ZERO = 4
CONSTANT = 8
# What is known of its shape.
NEGATED = 16  # the root is neg
HIDES_Z = 32  # `strip_zero` changes it
IS_Z = 64  # the root is Z
MADE_Z = NEVER_NEG_ZERO | HIDES_Z | IS_Z

REPRESENTABLE = {"bf16": BF16, "f16": F16}
_LEAVES = frozenset({"load", "opaque", "float", "int"})
_MUL, _ADD, _NEG, _Z, _SELECT = ("mul",), ("add",), ("neg",), ("Z",), ("select",)
_FLOAT, _INT = ("float",), ("int",)
_SIGN_BIT = 1 << 63
_NAN_BITS = 0x7FF8000000000000


class TermTable:
    """All terms of one comparison. Ids of different tables have nothing to do with each other."""

    def __init__(self) -> None:
        self._index: dict[Head, dict[tuple[int, ...], int]] = {}
        self._heads: list[Head] = []
        self._args: list[tuple[int, ...]] = []
        self._flags = bytearray()
        self._numbers: dict[int, int | float] = {}
        self._stripped: dict[int, int] = {}
        self._loaded: dict[Hashable, Ids] = {}
        """What `loads` gave; the next run of a function loads the same."""
        self.loaded_bytes = 0
        """Of these arrays and of their keys."""
        self.bare: Ids = np.zeros(0, np.int64)
        """What `bulk.strip_zeros` found, by term; -1 where it has not looked yet."""
        self._folded: dict[tuple[str | int, ...], int] = {}
        self._numpy = NumpyDomain()
        self.zero, self.neg_zero, self.one = (self.float_constant(x) for x in (0.0, -0.0, 1.0))

    # ---------------------------------------------------------------------------------------- nodes

    def __len__(self) -> int:
        return len(self._heads)

    def head(self, term: int) -> Head:
        """Name and attributes of the root."""
        return self._heads[term]

    def knows(self, head: Head) -> bool:
        """Whether there is a term with that root."""
        return head in self._index

    def args(self, term: int) -> tuple[int, ...]:
        """What stands under the root: operand ids, or a leaf's own key (an offset, a constant's value)."""
        return self._args[term]

    def children(self, term: int) -> tuple[int, ...]:
        """The operand ids; none for a leaf."""
        return () if self._heads[term][0] in _LEAVES else self._args[term]

    def flags(self, term: int) -> int:
        """What is known: BF16, F16, NEVER_NEG_ZERO, CONSTANT, NEGATED, HIDES_Z, IS_Z."""
        return self._flags[term]

    def flags_of(self, ids: Ids) -> NDArray[np.uint8]:
        """`flags` of each lane."""
        return np.frombuffer(self._flags, np.uint8)[ids]

    def number(self, term: int) -> int | float | None:
        """The value of a constant, None for any other term."""
        return self._numbers.get(term)

    def node(self, head: Head, args: tuple[int, ...], flags: int = 0) -> int:
        """The uninterpreted term `head(args)`; `flags` are facts about its value. No rule is tried."""
        index = self._index.get(head)
        if index is None:
            index = self._index[head] = {}
        term = index.get(args)
        if term is None:
            term = index[args] = len(self._heads)
            self._heads.append(head)
            self._args.append(args)
            self._flags.append(flags)
        return term

    def nodes(self, head: Head, args: Sequence[tuple[int, ...]], flags: bytes) -> list[int]:
        """`node` for many operand tuples at once, each with its flags: ten times as fast."""
        index = self._index.setdefault(head, {})
        found = list(map(index.get, args))
        if None not in found:
            return cast(list[int], found)
        missing = [term is None for term in found]
        fresh = dict(zip(compress(args, missing), compress(flags, missing), strict=True))
        new = range(len(self._heads), len(self._heads) + len(fresh))
        index.update(zip(fresh, new, strict=True))
        self._heads += [head] * len(fresh)
        self._args += fresh
        self._flags += bytes(fresh.values())
        return list(new) if len(fresh) == len(args) else [index[key] for key in args]

    def load(self, argument: Hashable, version: Hashable, base: Hashable, offset: int, dtype: str) -> int:
        """One loaded element: pointer argument, its version (writes bump it), symbolic base, offset."""
        return self.node(("load", argument, version, base, dtype), (offset,), REPRESENTABLE.get(dtype, 0))

    def loads(self, argument: Hashable, version: Hashable, base: Hashable, offsets: Ids, dtype: str) -> Ids:
        """`load` for a whole array of offsets."""
        key = argument, version, base, dtype, offsets.shape, offsets.tobytes()
        if (known := self._loaded.get(key)) is not None:
            return known.copy()
        unique, inverse = np.unique(offsets, return_inverse=True)
        flags = bytes([REPRESENTABLE.get(dtype, 0)]) * len(unique)
        head = ("load", argument, version, base, dtype)
        ids = np.array(self.nodes(head, list(zip(unique.tolist(), strict=True)), flags), np.int64)
        found = self._loaded[key] = ids[inverse].reshape(offsets.shape)
        self.loaded_bytes += found.nbytes + offsets.nbytes
        return found.copy()

    def opaque(self, key: Hashable, dtype: str) -> int:
        """An unknown value that equals only the unknown value of the same key and type."""
        return self.node(("opaque", key, dtype), (), REPRESENTABLE.get(dtype, 0))

    def float_constant(self, value: float) -> int:
        """A float by its exact double, sign of zero included; all NaN are one."""
        return int(self.float_constants(np.array([value], np.float64))[0])

    def float_constants(self, values: NDArray[np.float64]) -> Ids:
        """`float_constant` for a whole array."""
        bits = np.where(np.isnan(values), np.uint64(_NAN_BITS), np.ascontiguousarray(values).view(np.uint64))
        unique, inverse = np.unique(bits, return_inverse=True)
        value = unique.view(np.float64)
        flags = np.where(unique == _SIGN_BIT, CONSTANT, CONSTANT | NEVER_NEG_ZERO)
        with np.errstate(all="ignore"):
            single = value.astype(np.float32)
        for dtype, flag in REPRESENTABLE.items():
            fits = np.isnan(value) | (numerics.to_f32(numerics.from_f32(single, dtype)) == value)
            flags |= np.where(fits, flag, 0)
        ids = np.empty(len(unique), np.int64)
        rows = zip(unique.tolist(), flags.tolist(), value.tolist(), strict=True)
        for i, (key, known, number) in enumerate(rows):
            term = ids[i] = self.node(_FLOAT, (key,), known)
            self._numbers[int(term)] = number
        return ids[inverse].reshape(values.shape)

    def int_constant(self, value: int) -> int:
        """An integer; booleans are 0 and 1."""
        term = self.node(_INT, (value,), CONSTANT)
        self._numbers[term] = value
        return term

    def constant(self, value: float, dtype: str) -> int:
        """A number already representable in `dtype`."""
        return (
            self.float_constant(float(value))
            if numerics.computes_as_float(dtype)
            else self.int_constant(int(value))
        )

    def fold(self, name: str, *operands: int) -> int:
        """The f32 operation on constants, computed by the numpy domain, once."""
        key = name, *operands
        if key not in self._folded:
            lanes = [np.array([self._numbers[x]], np.float32) for x in operands]
            apply = self._numpy.binary if len(lanes) == 2 else self._numpy.unary
            self._folded[key] = self.float_constant(apply(name, *lanes, dtype="f32")[0].item())
        return self._folded[key]

    # ------------------------------------------------------------------------------- f32 arithmetic

    def mul(self, a: int, b: int) -> int:
        """a * b in f32."""
        both = self._flags[a] | self._flags[b]
        if both & (CONSTANT | NEGATED):
            if self._flags[a] & self._flags[b] & CONSTANT:
                return self.fold("mul", a, b)
            for x, y in ((a, b), (b, a)):
                if x == self.one:  # 1 * y = y, for every y
                    return y
                if self._has_sign(x):  # (-x) * y = -(x * y): signs multiply apart from magnitudes
                    return self.neg(self.mul(self.neg(x), y))
        # a * b = b * a
        return self.node(_MUL, (a, b) if a < b else (b, a), both & HIDES_Z)

    def add(self, a: int, b: int) -> int:
        """a + b in f32."""
        flags = self._flags
        if (flags[a] | flags[b]) & (CONSTANT | NEVER_NEG_ZERO):
            if flags[a] & flags[b] & CONSTANT:
                return self.fold("add", a, b)
            for x, y in ((a, b), (b, a)):
                if x == self.neg_zero:  # -0 + y = y, for every y
                    return y
                if x == self.zero:
                    return self.plus_zero(y)
            # x + y is -0 only where both are: beside an operand that never is, the sign of a zero is lost.
            if flags[a] & NEVER_NEG_ZERO:
                b = self.strip_zero(b)
            if flags[b] & NEVER_NEG_ZERO:
                a = self.strip_zero(a)
            for x, y in ((a, b), (b, a)):
                if flags[x] & IS_Z:  # (x + 0) + y = (x + y) + 0: -0 for neither
                    return self.plus_zero(self.add(self._args[x][0], y))
        # a + b = b + a
        args = (a, b) if a < b else (b, a)
        return self.node(_ADD, args, (flags[a] | flags[b]) & (HIDES_Z | NEVER_NEG_ZERO))

    def sub(self, a: int, b: int) -> int:
        """a - b = a + (-b), the definition of subtraction."""
        return self.add(a, self.neg(b))

    def neg(self, a: int) -> int:
        """The sign bit flipped."""
        flags = self._flags[a]
        if flags & CONSTANT:
            return self.fold("neg", a)
        if flags & NEGATED:  # -(-a) = a
            return self._args[a][0]
        return self.node(_NEG, (a,), flags & (BF16 | F16 | HIDES_Z) | NEGATED)

    def plus_zero(self, a: int) -> int:
        """Z(a) = a + (+0)."""
        if self._flags[a] & NEVER_NEG_ZERO:  # nothing to change; so Z(Z(a)) = Z(a)
            return a
        # Z(a) = Z(b) where a and b differ in signs of zeros only.
        bare = self.strip_zero(a)
        if bare == self.neg_zero:
            return self.zero
        if self._flags[bare] & NEVER_NEG_ZERO:
            return bare
        # There is no rule Z(round(a)) = round(Z(a)): a small negative a may round to -0.
        return self.node(_Z, (bare,), self._flags[bare] & (BF16 | F16) | MADE_Z)

    def round(self, dtype: str, mode: str, a: int) -> int:
        """An f32 rounded to "bf16" or "f16"; `mode` is RINT ROUND FLOOR CEIL TRUNC ODD."""
        flags = self._flags[a]
        if flags & REPRESENTABLE[dtype]:  # nothing to round, in any mode; so round(round(a)) = round(a)
            return a
        if flags & CONSTANT:
            single = np.array([self._numbers[a]], np.float32)
            return self.float_constant(float(numerics.to_f32(numerics.from_f32(single, dtype, mode))[0]))
        if flags & NEGATED and mode in numerics.SYMMETRIC_MODES:  # such a mode looks at the magnitude only
            return self.neg(self.round(dtype, mode, self._args[a][0]))
        return self.node(("round", dtype, mode), (a,), flags & HIDES_Z | REPRESENTABLE[dtype])

    def select(self, cond: int, a: int, b: int) -> int:
        """`a` where `cond` is not 0, else `b`, bits copied."""
        if a == b:  # both branches agree
            return a
        if cond in self._numbers:
            return a if self._numbers[cond] else b
        common, any_ = self._flags[a] & self._flags[b], self._flags[a] | self._flags[b]
        if common & NEVER_NEG_ZERO and any_ & HIDES_Z:  # Z is elementwise: it moves out of the branches
            return self.plus_zero(self.select(cond, self.strip_zero(a), self.strip_zero(b)))
        flags = common & (BF16 | F16 | NEVER_NEG_ZERO) | any_ & HIDES_Z
        return self.node(_SELECT, (cond, a, b), flags)

    def _has_sign(self, a: int) -> bool:
        """A neg, or a constant with the sign bit set (not NaN, whose sign says nothing)."""
        if self._flags[a] & CONSTANT:
            return self._heads[a] == _FLOAT and self._args[a][0] >= _SIGN_BIT
        return bool(self._flags[a] & NEGATED)

    # ---------------------------------------------------------------------------- the sign of zeros

    def strip_zero(self, a: int) -> int:
        """A term that differs from `a` at most in the sign of a zero, without Z wherever that is so.

        mul, add, neg, round and select turn operands that differ in the sign of a zero into results that do:
        a product, a sum or a rounding of a zero is a zero or NaN whatever its sign, and other operands are
        equal.
        """
        if not self._flags[a] & HIDES_Z:
            return a
        if (known := self._stripped.get(a)) is not None:
            return known
        stack = [a]
        while stack:
            top = stack[-1]
            if top in self._stripped:
                stack.pop()
                continue
            todo = [x for x in self._args[top] if self._flags[x] & HIDES_Z and x not in self._stripped]
            if todo:
                stack.extend(todo)
                continue
            stack.pop()
            args = tuple(self._stripped.get(x, x) for x in self._args[top])
            self._stripped[top] = self.rebuild(self._heads[top], args)
        return self._stripped[a]

    def rebuild(self, head: Head, args: Sequence[int]) -> int:
        """One of the operations that `strip_zero` looks through, over other operands."""
        match head:
            case ("Z",):
                return args[0]
            case ("neg",):
                return self.neg(args[0])
            case ("mul",):
                return self.mul(args[0], args[1])
            case ("add",):
                return self.add(args[0], args[1])
            case ("select",):
                return self.select(args[0], args[1], args[2])
            case ("round", str(dtype), str(mode)):
                return self.round(dtype, mode, args[0])
            case _:
                raise AssertionError(f"strip_zero does not look through {head}")

    def without_underflow(self, a: int) -> int:
        """round(Z(a)) -> Z(round(a)) at the root: exact unless a negative number rounds to -0."""
        match self._heads[a]:
            case ("neg",):
                return self.neg(self.without_underflow(self._args[a][0]))
            case ("round", _, _) if self._flags[self._args[a][0]] & NEVER_NEG_ZERO:
                return self.plus_zero(a)
            case _:
                return a

    # --------------------------------------------------------------------------------------- queries

    def leaves(self, roots: Sequence[int]) -> Iterator[int]:
        """The loads and opaque leaves that the terms depend on, each once."""
        seen = set(roots)
        stack = list(seen)
        while stack:
            term = stack.pop()
            if self._heads[term][0] in ("load", "opaque"):
                yield term
            fresh = [x for x in self.children(term) if x not in seen]
            seen.update(fresh)
            stack.extend(fresh)
