"""Terms of the bits of lanes: words, their halves, and lanes seen under another element type.

A *word* of w bits is a term of an integer in [0, 2**w). The bits of every lane are a word, and words come
apart into halves and together again, so a shift by whole bytes, a mask of whole bytes and a view of the same
bytes as wider or narrower lanes only move pieces:

    ("bits", f) (a)        the word of a float of type f
    ("value", f) (w)       the float of type f that a word is the bits of
    ("join", n) (low, high)   the word of n bits with these halves; never with a high half of 0, which adds
                           nothing to the number
    ("high", n) (w)        the upper half of a word of n bits that is no join
    ("wrap", t) (a)        the integer of type t with the low bits of `a`: the lower half of a word, an
                           integer without its sign, a word as a signed integer

The first of several lanes in one word has its low bits: an axiom, true of pto-isa's CPU simulator. An f32
that is a bf16 number has 0 in its lower half, and the bf16's bits in its upper half; that is the definition
of bf16. All rules are exact up to the payload and sign of a NaN.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np

from dsv4_passes.interpreter import numerics

from .bulk import Plain
from .term_column import TermColumn
from .terms import BF16, CONSTANT, REPRESENTABLE, Head, Ids, LaneMask, TermTable

_WIDTHS = {"i8": 8, "ui8": 8, "i16": 16, "ui16": 16, "i32": 32, "ui32": 32}
"""Integers whose operations are looked into; others have no rules about pieces."""
_SELECT: Head = ("select",)
_PIECEWISE = frozenset({"and", "or", "xor", "add"})


class BitTerms:
    """Words over one table. Arrays of terms are 1-D, and a result has one term for each."""

    def __init__(self, table: TermTable) -> None:
        self._table = table
        self._zero = table.int_constant(0)
        self._low: dict[int, TermColumn] = defaultdict(TermColumn)
        self._high: dict[int, TermColumn] = defaultdict(TermColumn)
        self._whole: dict[int, TermColumn] = defaultdict(TermColumn)
        """The word that a high half is one of."""
        self._words: dict[str, TermColumn] = defaultdict(TermColumn)
        """The word of a lane, by element type, and `_lanes` the other way round."""
        self._lanes: dict[str, TermColumn] = defaultdict(TermColumn)
        self._signed: dict[int, TermColumn] = defaultdict(TermColumn)
        """The signed integer that a word was made of."""
        self._size = TermColumn()
        """How many bits suffice for a number; 64 for one that may be negative."""

    # -- lanes and words -----------------------------------------------------------------------------

    def words(self, lanes: Ids, dtype: str) -> Ids:
        """The bits of lanes of an element type."""
        if dtype.startswith("ui") or dtype == "i1":
            return lanes
        return self._filled(self._words[dtype], lanes, lambda new: self._new_words(new, dtype))

    def lanes(self, words: Ids, dtype: str) -> Ids:
        """The lanes of an element type that have these bits; the inverse of `words`."""
        if dtype.startswith("ui") or dtype == "i1":
            return words
        return self._filled(self._lanes[dtype], words, lambda new: self._new_lanes(new, dtype))

    @staticmethod
    def _filled(column: TermColumn, terms: Ids, make: Callable[[Ids], Ids]) -> Ids:
        """What a column says of terms; what it does not know is made first."""
        found = column[terms]
        if (found < 0).any():
            new = np.unique(terms[found < 0])
            made = make(new)
            column[new] = made
            found = column[terms]
        return found

    def _new_words(self, lanes: Ids, dtype: str) -> Ids:
        made = self._numbers(lanes, dtype, _word_type(dtype))
        if dtype == "f32":
            short = (made < 0) & (self._table.flags_of(lanes) & (BF16 | CONSTANT) == BF16)
            upper = self.words(lanes[short], "bf16")
            made[short] = self.join(np.full_like(upper, self._zero), upper, 32)
        self._select(lanes, made, lambda pair: self.words(pair, dtype))
        rest = made < 0
        if not numerics.computes_as_float(dtype):  # without a sign, an integer is its own bits
            unsigned = rest & (self._size_of(lanes) < _width(dtype))
            made[unsigned] = lanes[unsigned]
            rest &= ~unsigned
        head = ("bits", dtype) if numerics.computes_as_float(dtype) else ("wrap", _word_type(dtype))
        made[rest] = self._nodes(head, lanes[rest], size=_width(dtype))
        if not numerics.computes_as_float(dtype):
            self._signed[_width(dtype)][made[rest]] = lanes[rest]
        self._lanes[dtype][made] = lanes
        return made

    def _new_lanes(self, words: Ids, dtype: str) -> Ids:
        made = self._numbers(words, _word_type(dtype), dtype)
        if dtype == "f32":
            low, high = self._known_halves(words, 32)
            short = (made < 0) & (low == self._zero)
            made[short] = self.lanes(high[short], "bf16")
        self._select(words, made, lambda pair: self.lanes(pair, dtype))
        rest = made < 0
        if not numerics.computes_as_float(dtype):
            positive = rest & (self._size_of(words) < _width(dtype))
            made[positive] = words[positive]
            rest &= ~positive
        head = ("value", dtype) if numerics.computes_as_float(dtype) else ("wrap", dtype)
        made[rest] = self._nodes(head, words[rest], flags=REPRESENTABLE.get(dtype, 0))
        self._words[dtype][made] = words
        return made

    def _select(self, terms: Ids, made: Ids, seen: Callable[[Ids], Ids]) -> None:
        """Fill in `made` for selects, which copy bits: a select among what their operands are `seen` as."""
        for i in np.flatnonzero(made < 0).tolist():
            if self._table.head(int(terms[i])) == _SELECT:
                condition, *pair = self._table.children(int(terms[i]))
                made[i] = self._table.select(condition, *seen(np.array(pair, np.int64)).tolist())

    def _numbers(self, terms: Ids, src: str, dst: str) -> Ids:
        """Constants seen under another type, -1 for other terms. To make one NaN of several would forget
        their bits, and what the bits of a NaN are is not known.
        """
        made = np.full(terms.shape, -1, np.int64)
        for i in np.flatnonzero(self._table.flags_of(terms) & CONSTANT).tolist():
            number = self._table.number(int(terms[i]))
            assert number is not None
            lane = np.array([number], numerics.numpy_dtype(src)).view(numerics.numpy_dtype(dst))
            if number == number and (lane == lane)[0]:
                made[i] = self._table.constant(lane[0].item(), dst)
        return made

    def _nodes(self, head: Head, *operands: Ids, flags: int = 0, size: int = 64) -> Ids:
        rows = list(zip(*(x.tolist() for x in operands), strict=True))
        made = np.array(self._table.nodes(head, rows, bytes([flags]) * len(rows)), np.int64)
        self._size[made] = size
        return made

    # -- halves --------------------------------------------------------------------------------------

    def split(self, words: Ids, width: int) -> tuple[Ids, Ids]:
        """The lower and the upper half of words of `width` bits."""
        low = self._low[width][words]
        if (low < 0).any():
            self._split_new(np.unique(words[low < 0]), width)
            low = self._low[width][words]
        return low, self._high[width][words]

    def _split_new(self, words: Ids, width: int) -> None:
        low, high = self._known_halves(words, width)
        rest = low < 0
        atoms, half = words[rest], width // 2
        signed = self._signed[width][atoms]  # the low bits of a signed integer are those of its word
        low[rest] = self._nodes(("wrap", f"ui{half}"), np.where(signed < 0, atoms, signed), size=half)
        high[rest] = self._nodes(("high", width), atoms, size=half)
        self._whole[width][high[rest]] = atoms
        self._low[width][words], self._high[width][words] = low, high

    def _known_halves(self, words: Ids, width: int) -> tuple[Ids, Ids]:
        """Halves that are not made for the purpose; -1 where there are none."""
        low, half = self._low[width][words], width // 2
        constant = self._table.flags_of(words) & CONSTANT != 0
        for word in np.unique(words[(low < 0) & constant]).tolist():
            number = int(self._table.number(word) or 0) & ((1 << width) - 1)
            parts = number & ((1 << half) - 1), number >> half
            for column, part in zip((self._low, self._high), parts, strict=True):
                column[width][np.array([word])] = self._table.int_constant(part)
        short = (low < 0) & ~constant & (self._size_of(words) <= half)
        self._low[width][words[short]], self._high[width][words[short]] = words[short], self._zero
        return self._low[width][words], self._high[width][words]

    def join(self, low: Ids, high: Ids, width: int) -> Ids:
        """The words of `width` bits with these halves."""
        made = np.full(low.shape, -1, np.int64)
        flags = self._table.flags_of(low) & self._table.flags_of(high)
        for i in np.flatnonzero(flags & CONSTANT).tolist():
            a, b = (int(self._table.number(int(x[i])) or 0) for x in (low, high))
            made[i] = self._table.int_constant(a | b << width // 2)
        empty = (made < 0) & (high == self._zero)
        made[empty] = low[empty]
        whole = self._whole[width][high]
        again = (made < 0) & (whole >= 0)
        again[again] = self._low[width][whole[again]] == low[again]
        made[again] = whole[again]
        rest = made < 0
        made[rest] = self._nodes(("join", width), low[rest], high[rest], size=width)
        self._low[width][made[rest]], self._high[width][made[rest]] = low[rest], high[rest]
        return made

    def pieces(self, words: Ids, width: int, unit: int) -> list[Ids]:
        """Words of `unit` bits, the lowest first."""
        if unit == width:
            return [words]
        low, high = self.split(words, width)
        return [*self.pieces(low, width // 2, unit), *self.pieces(high, width // 2, unit)]

    def joined(self, pieces: Sequence[Ids], unit: int) -> Ids:
        """The inverse of `pieces`."""
        while len(pieces) > 1:
            unit *= 2
            pieces = [self.join(a, b, unit) for a, b in zip(pieces[::2], pieces[1::2], strict=True)]
        return pieces[0]

    def _size_of(self, terms: Ids) -> Ids:
        """How many bits certainly suffice for the number of each term; 64 for one that may be negative."""
        return self._filled(self._size, terms, self._new_sizes)

    def _new_sizes(self, terms: Ids) -> Ids:
        sizes: list[int] = []
        for term in terms.tolist():
            number = self._table.number(term)
            if number is None:
                sizes.append(_unsigned_bits(self._table.head(term)))
            else:
                sizes.append(number.bit_length() if isinstance(number, int) and number >= 0 else 64)
        return np.array(sizes, np.int64)

    # -- operations ----------------------------------------------------------------------------------

    def bitcast(self, lanes: Ids, src: str, dst: str) -> Ids:
        """The same bits under another type of the same width."""
        unique, inverse = np.unique(lanes, return_inverse=True)
        return self.lanes(self.words(unique, src), dst)[inverse].reshape(lanes.shape)

    def reinterpret(self, lanes: Ids, src: str, dst: str) -> Ids:
        """[R, C] lanes as [R, C * width(src) / width(dst)] lanes of another width."""
        ours, theirs = _width(src), _width(dst)
        unique, inverse = np.unique(lanes, return_inverse=True)
        words = self.words(unique, src)[inverse].reshape(lanes.shape)
        rows = lanes.shape[0]
        if theirs > ours:
            together = words.reshape(-1, theirs // ours)
            made = self.joined(list(together.T), ours)
        else:
            made = np.stack(self.pieces(words.reshape(-1), ours, theirs), axis=-1)
        unique, inverse = np.unique(made, return_inverse=True)
        return self.lanes(unique, dst)[inverse].reshape(rows, -1)

    @staticmethod
    def converts(src: str, dst: str) -> bool:
        """`convert` is about these types."""
        return src in _WIDTHS and dst in _WIDTHS

    def convert(self, lanes: Ids, src: str, dst: str) -> Ids:
        """Integers converted by dropping high bits; a signed one to a wider unsigned type by repeating its
        sign.
        """
        unique, inverse = np.unique(lanes, return_inverse=True)
        ours, theirs = _WIDTHS[src], _WIDTHS[dst]
        if theirs > ours:
            words = self.words(unique, f"i{theirs}")
        else:
            words = self.pieces(self.words(unique, src), ours, theirs)[0]
        return self.lanes(words, dst)[inverse].reshape(lanes.shape)

    def plain_binary(self, name: str, dtype: str) -> Plain | None:
        """Integer operations that only move pieces; see `bulk.Plain`. None if there are none of the kind.

        Left shifts of signed integers are left alone: AscendC's manual keeps the sign bit, the simulator
        does not.
        """
        width = _WIDTHS.get(dtype)
        shift = name == "shr" or (name == "shl" and dtype.startswith("ui"))
        if width is None or not (shift or name in _PIECEWISE):
            return None

        def plain(columns: Sequence[Ids], result: Ids) -> LaneMask:
            a, b = columns
            if shift:
                made = self._shifted(name, a, b, dtype)
            else:
                made = self._combined(name, a, b, dtype)
            done = made >= 0
            result[done] = made[done]
            return done

        return plain

    def _shifted(self, name: str, a: Ids, amounts: Ids, dtype: str) -> Ids:
        """Lanes shifted by constant numbers of whole bytes; -1 for other amounts."""
        width, made = _WIDTHS[dtype], np.full(a.shape, -1, np.int64)
        for term in np.unique(amounts).tolist():
            amount = self._table.number(term)
            if not isinstance(amount, int) or amount % 8 or not 0 < amount < width:
                continue
            where = amounts == term
            unit = 16 if width == 32 and amount == 16 else 8
            count, keep = amount // unit, (width - amount) // unit
            if not dtype.startswith("ui") and keep * unit not in (8, 16):
                continue
            pieces = self.pieces(self.words(a[where], dtype), width, unit)
            none = [np.full_like(pieces[0], self._zero)] * count
            if name == "shl":
                made[where] = self.joined([*none, *pieces[:keep]], unit)
            elif dtype.startswith("ui"):
                made[where] = self.joined([*pieces[count:], *none], unit)
            else:  # what is left keeps its sign
                made[where] = self.lanes(self.joined(pieces[count:], unit), f"i{keep * unit}")
        return made

    def _combined(self, name: str, a: Ids, b: Ids, dtype: str) -> Ids:
        """`a name b`, where for every piece one operand decides; -1 elsewhere."""
        width, signed = _WIDTHS[dtype], not dtype.startswith("ui")
        where = self._whole_bytes(name, a, b, width) | self._whole_bytes(name, b, a, width)
        halves = [self._known_halves(self._peek(x, dtype), width)[0] >= 0 for x in (a, b)]
        where |= halves[0] & halves[1]
        made = np.full(a.shape, -1, np.int64)
        if where.any():
            words = self._pairs(name, self.words(a[where], dtype), self.words(b[where], dtype), width)
            if signed:
                words[words >= 0] = self.lanes(words[words >= 0], dtype)
            made[where] = words
        return made

    def _peek(self, lanes: Ids, dtype: str) -> Ids:
        """The words of lanes as far as they have been asked for."""
        if dtype.startswith("ui"):
            return lanes
        known = self._words[dtype][lanes]
        return np.where(known < 0, lanes, known)

    def _whole_bytes(self, name: str, masks: Ids, others: Ids, width: int) -> LaneMask:
        """A mask of whole bytes, or for `xor` the sign bit of a float, decides about any other operand."""
        found = np.zeros(masks.shape, np.bool_)
        for term in np.unique(masks[self._table.flags_of(masks) & CONSTANT != 0]).tolist():
            number = int(self._table.number(term) or 0) & ((1 << width) - 1)
            if name in ("and", "or"):
                decides = all(number >> i & 255 in (0, 255) for i in range(0, width, 8))
            else:
                decides = name == "xor" and number == 1 << width - 1
            if decides:
                found |= masks == term
        return found

    def _pairs(self, name: str, a: Ids, b: Ids, width: int) -> Ids:
        """Words combined piece by piece; -1 where a piece needs arithmetic."""
        made = np.full(a.shape, -1, np.int64)
        for x, y in ((a, b), (b, a)):
            self._decide(name, x, y, width, made)
        if width > 8 and (rest := made < 0).any():
            known = [(self._known_halves(x, width)[0] >= 0) & rest for x in (a, b)]
            constant = [self._table.flags_of(x) & CONSTANT != 0 for x in (a, b)]
            rest = (known[0] & known[1]) | (name in ("and", "or")) & rest & (constant[0] | constant[1])
            (a_low, a_high), (b_low, b_high) = self.split(a[rest], width), self.split(b[rest], width)
            low = self._pairs(name, a_low, b_low, width // 2)
            high = self._pairs(name, a_high, b_high, width // 2)
            both = (low >= 0) & (high >= 0)
            made[np.flatnonzero(rest)[both]] = self.join(low[both], high[both], width)
        return made

    def _decide(self, name: str, x: Ids, y: Ids, width: int, made: Ids) -> None:
        """Fill in `made` where the word `x` decides."""
        ones = self._table.int_constant((1 << width) - 1)
        none = x == self._zero
        if name == "and":
            made[none] = self._zero
            made[x == ones] = y[x == ones]
        else:
            made[none] = y[none]
            if name == "or":
                made[x == ones] = ones
        if name in ("and", "or"):
            made[x == y] = x[x == y]
        elif name == "xor":
            made[x == y] = self._zero
            self._negate(x == self._table.int_constant(1 << width - 1), y, width, made)

    def _negate(self, where: LaneMask, words: Ids, width: int, made: Ids) -> None:
        """To flip the sign bit of a float's word is to negate the float."""
        for dtype in ("f32",) if width == 32 else ("bf16", "f16") if width == 16 else ():
            floats = self._lanes[dtype][words]
            known = where & (made < 0) & (floats >= 0)
            negated = np.array([self._table.neg(x) for x in floats[known].tolist()], np.int64)
            made[known] = self.words(negated, dtype)


def _width(dtype: str) -> int:
    return numerics.numpy_dtype(dtype).itemsize * 8


def _word_type(dtype: str) -> str:
    return f"ui{_width(dtype)}"


def _unsigned_bits(head: Head) -> int:
    """Bits that suffice for every integer of a term of this head; 64 where it may be negative or larger."""
    match head:
        case ("join", int(width)):
            return width
        case ("high", int(width)):
            return width // 2
        case ("bits", str(dtype)):
            return _width(dtype)
        case ("compare", *_) | ("bit", _):
            return 1
        case ("pack",):
            return 8
        case ("load", _, _, _, str(dtype)) | ("opaque", _, str(dtype)):
            pass
        case ("op", _, str(dtype)) | ("wrap" | "clamp", str(dtype)) | ("to_int", str(dtype), _, _):
            pass
        case _:
            return 64
    return 1 if dtype == "i1" else int(dtype[2:]) if dtype.startswith("ui") else 64
