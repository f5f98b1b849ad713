"""Where the lanes of a site can be had from, in terms of lane operations.

`Finder(rebuilder, site)` looks for the lanes of a value among those of other values: all of one, a stretch of
its columns, its even or odd lanes, any of these with the sign turned, exact zeros, or several side by side.
What it finds is built in the element type that the source has, and converted where that loses nothing: lanes
of 16 bits stay lanes of 16 bits.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from xdsl.dialects import arith
from xdsl.dialects.builtin import AnyFloat, FloatAttr, IntegerAttr, IntegerType, bf16, f16, f32
from xdsl.ir import Operation, SSAValue

from dialects.dsv4.lanes import DeinterleaveOp, InterleaveOp, SwapPairsOp
from dialects.pto.broadcast import TExpandsOp
from dialects.pto.elementwise import TAddsOp, TMulsOp
from dialects.pto.tiles import ReshapeOp, SubviewOp
from dialects.pto.types import DYNAMIC, TileLayout, TileType, element_bits
from dsv4_passes.interpreter.numerics import is_float
from dsv4_passes.transforms.common.lane_index import Ids

from .adjacent_loads import adjacent_loads, load_together
from .builder import Builder, CannotBuild, layout_of, valid_of
from .candidates import PLACES, SEGMENTS, columns, side_by_side
from .checked_rewrite import CheckedRewrite

FLOATS: dict[str, AnyFloat] = {"f32": f32, "f16": f16, "bf16": bf16}
Build = Callable[[Builder], SSAValue]


@dataclass(frozen=True)
class Source:
    """A way to have some lanes: what it is called in remarks, its element type, and how it is built."""

    what: str
    dtype: str
    build: Build
    half: tuple[SSAValue, int] | None = None
    """The value of which these are the even (0) or odd (1) lanes."""


class Finder:
    """Looks for the sources of one site among what is visible behind it."""

    def __init__(self, checked: CheckedRewrite, site: SSAValue):
        self.index, self.table = checked.index, checked.context.domain.table
        self.site, self.layout = site, layout_of(site)
        self.extent = self.index.extent(site)
        owner = site.owner
        assert isinstance(owner, Operation)
        self.before = owner

    # -- what is there -------------------------------------------------------------------------------

    def usable(self, value: SSAValue, rows: int | None = None) -> bool:
        """It has the rows of the site, or so many, and can be brought into vector memory with its type."""
        layout = layout_of(value)
        fits = layout.dtype == self.layout.dtype or (is_float(layout.dtype) and is_float(self.layout.dtype))
        extent = self.extent if rows is None else (rows, rows)
        return fits and layout.loc in PLACES and self.index.extent(value) == extent

    def rank(self, value: SSAValue) -> tuple[int, int, int]:
        """Best first: in vector memory, with the element type of the site, a tile of its own."""
        layout = layout_of(value)
        window = isinstance(value.owner, SubviewOp)
        return PLACES.index(layout.loc), int(layout.dtype != self.layout.dtype), int(window)

    def whole(self, ids: Ids, rows: int | None = None) -> SSAValue | None:
        """A value with these lanes."""
        found = (v for v in self.index.same(ids, self.before) if self.usable(v, rows))
        return min(found, key=self.rank, default=None)

    def half(self, ids: Ids, rows: int | None = None) -> tuple[SSAValue, int] | None:
        """A value whose even (0) or odd (1) lanes these are."""
        found = (pair for pair in self.index.whole(ids, self.before) if self.usable(pair[0], rows))
        return min(found, key=lambda pair: self.rank(pair[0]), default=None)

    def shapes(self, ids: Ids) -> Iterator[Ids]:
        """The same lanes in rows of other lengths: code looks at short rows as fewer long ones."""
        trips, rows, cols = ids.shape
        if not self.layout.full:
            return
        for longer, shorter in ((2, 1), (1, 2), (4, 1), (1, 4)):
            width, rest = divmod(cols * longer, shorter)
            if not (rest or rows * shorter % longer or width * element_bits(self.layout.dtype) % 256):
                yield ids.reshape(trips, rows * shorter // longer, width)

    # -- as a source ---------------------------------------------------------------------------------

    def source(self, ids: Ids) -> Source | None:
        """The simplest way to have lanes in tiles of that width; None if nothing holds them."""
        if (number := self.one_number(ids)) is not None and self.whole(ids) is None:
            width = ids.shape[2]
            return Source(f"{number:g}", self.layout.dtype, lambda b: filled(b, self.site, width, number))
        if (found := self.plain(ids) or self.turned(ids)) is not None:
            return found
        if self.layout.full:
            for count in SEGMENTS:
                width, rest = divmod(ids.shape[2], count)
                if not rest and width >= 2 and (found := self.pieces(ids, count, width)) is not None:
                    return found
        return None

    def plain(self, ids: Ids) -> Source | None:
        """Lanes of one known value: all of them, every second one, or a stretch of each row."""
        if (found := self.there(ids)) is not None:
            return found
        if (pair := self.half(ids)) is not None:
            of, lane = pair
            what = f"the {('even', 'odd')[lane]} lanes of {named(of)}"
            return Source(what, layout_of(of).dtype, lambda b: deinterleaved(b, b.in_vec(of), lane), pair)
        for other in self.shapes(ids):
            if (found := self.in_other_rows(other, ids.shape[1:])) is not None:
                return found
        for value, col in self.index.slices(ids, self.before):
            layout = layout_of(value)
            if layout.loc == "vec" and layout.full and self.usable(value):
                width = ids.shape[2]
                return Source(
                    f"a slice of {named(value)}", layout.dtype, lambda b: columns(b, value, col, width)
                )
        return None

    def there(self, ids: Ids) -> Source | None:
        """All lanes of one known value."""
        if (value := self.whole(ids)) is None:
            return None
        return Source(named(value), layout_of(value).dtype, lambda b: b.in_vec(value))

    def in_other_rows(self, ids: Ids, shape: tuple[int, ...]) -> Source | None:
        """Lanes of a value with rows of another length, brought into `shape`."""
        rows = ids.shape[1]
        if (value := self.whole(ids, rows)) is not None:
            what, dtype = f"{named(value)} in other rows", layout_of(value).dtype
            return Source(what, dtype, lambda b: reshaped(b, b.in_vec(value), shape))
        if (pair := self.half(ids, rows)) is not None:
            of, lane = pair
            what = f"the {('even', 'odd')[lane]} lanes of {named(of)} in other rows"
            return Source(
                what,
                layout_of(of).dtype,
                lambda b: reshaped(b, deinterleaved(b, b.in_vec(of), lane), shape),
            )
        return None

    def turned(self, ids: Ids) -> Source | None:
        """Lanes of a known value with the sign turned."""
        if not is_float(self.layout.dtype):
            return None
        unique, inverse = np.unique(self.index.strip(ids), return_inverse=True)
        negated = np.array([self.table.neg(int(term)) for term in unique], np.int64)[inverse]
        found = self.plain(negated.reshape(ids.shape))
        return None if found is None else Source(f"minus {found.what}", "f32", _negated(found.build))

    def one_number(self, ids: Ids) -> float | None:
        number = self.table.number(int(ids[0, 0, 0]))
        return None if number is None or (ids != ids[0, 0, 0]).any() else number

    def pieces(self, ids: Ids, count: int, width: int) -> Source | None:
        """Parts of each row from different values, put side by side."""
        parts: list[Source] = []
        for i in range(count):
            if (part := self.plain(ids[:, :, i * width : (i + 1) * width])) is None:
                return None
            parts.append(part)
        if (found := self.of_one_load(parts)) is not None:
            return found
        if len({part.dtype for part in parts}) > 1:
            parts = [replace(p, dtype="f32", build=_widened(p.build)) for p in parts]
        what = " | ".join(dict.fromkeys(part.what for part in parts))
        forms = [part.build for part in parts]
        return Source(f"{count} times {what}, side by side", parts[0].dtype, lambda b: side_by_side(b, forms))

    def of_one_load(self, parts: Sequence[Source]) -> Source | None:
        """Halves of tiles that were loaded from side by side: one load of them all."""
        halves = [part.half for part in parts if part.half is not None]
        if len(halves) < len(parts) or len({lane for _, lane in halves}) != 1:
            return None
        loads = adjacent_loads([value for value, _ in halves])
        if loads is None or not self.index.visible(loads[0].res[0], self.before):
            return None
        lane = halves[0][1]
        return Source(
            f"the {('even', 'odd')[lane]} lanes of one load in place of {len(loads)}",
            parts[0].dtype,
            lambda b: deinterleaved(b, load_together(b, loads), lane),
        )


def named(value: SSAValue) -> str:
    """A value as text has it."""
    return f"%{value.name_hint}" if value.name_hint else "a value"


# -- building --------------------------------------------------------------------------------------


def deinterleaved(builder: Builder, value: SSAValue, lane: int) -> SSAValue:
    """The even (0) or odd (1) lanes of a value; both are there once it has been taken apart."""
    for use in value.uses:
        op = use.operation
        if isinstance(op, DeinterleaveOp) and op in builder.made:
            return op.res[lane]
    op = DeinterleaveOp([value], valid=[*valid_of(value)] * 2)
    builder.add(op)
    for result, suffix in zip(op.res, ("even", "odd"), strict=True):
        result.name_hint = f"{value.name_hint}_{suffix}" if value.name_hint else suffix
    return op.res[lane]


def interleaved(builder: Builder, even: SSAValue, odd: SSAValue) -> SSAValue:
    op = InterleaveOp([even, odd], valid=valid_of(even))
    builder.add(op)
    return op.res[0]


def swapped(builder: Builder, value: SSAValue) -> SSAValue:
    op = SwapPairsOp([value], valid=valid_of(value))
    builder.add(op)
    return op.res[0]


def reshaped(builder: Builder, value: SSAValue, shape: tuple[int, ...]) -> SSAValue:
    """The lanes in row-major order in rows of another length."""
    rows, cols = shape
    layout = layout_of(value)._replace(rows=rows, cols=cols, valid_rows=rows, valid_cols=cols)
    op = ReshapeOp(value, TileType(layout))
    builder.add(op)
    return op.res


def as_type(builder: Builder, value: SSAValue, dtype: str, mode: str = "RINT") -> SSAValue:
    """Lanes in another element type: one that holds each of them exactly, or rounded in that mode."""
    have = layout_of(value).dtype
    if have == dtype:
        return value
    if not (is_float(have) and is_float(dtype)):
        raise CannotBuild(f"its operand has {have} elements, not {dtype}")
    if "f32" not in (have, dtype):
        value = builder.convert(value, "f32", "RINT")
    return builder.convert(value, dtype, mode)


def _negated(build: Build) -> Build:
    return lambda b: minus(b, build(b))


def _widened(build: Build) -> Build:
    return lambda b: as_type(b, build(b), "f32")


def minus(builder: Builder, value: SSAValue) -> SSAValue:
    """`value * -1`, which turns the sign of every lane and nothing else."""
    value = as_type(builder, value, "f32")
    one = arith.ConstantOp(FloatAttr(-1.0, f32))
    builder.add(one)
    one.result.name_hint = "minus_one"
    op = TMulsOp([value, one.result], result=value.type, valid=valid_of(value))
    builder.add(op)
    return op.res[0]


def plus_zero(builder: Builder, value: SSAValue) -> SSAValue:
    """`value + (+0)`: a -0 becomes +0 and nothing else changes, as in a sum that starts at +0."""
    dtype = layout_of(value).dtype
    if dtype == "bf16":  # has no sums of its own
        return as_type(builder, plus_zero(builder, as_type(builder, value, "f32")), dtype)
    zero = arith.ConstantOp(FloatAttr(0.0, FLOATS[dtype]))
    builder.add(zero)
    zero.result.name_hint = "zero"
    op = TAddsOp([value, zero.result], result=value.type, valid=valid_of(value))
    builder.add(op)
    return op.res[0]


def filled(builder: Builder, like: SSAValue, cols: int, number: float) -> SSAValue:
    """A tile with the rows of `like` and one number in every lane."""
    layout = layout_of(like)
    layout = TileLayout("vec", layout.rows, cols, layout.dtype, layout.valid_rows, cols)
    if is_float(layout.dtype):
        value = FloatAttr(number, FLOATS[layout.dtype])
    else:
        value = IntegerAttr(int(number), IntegerType(element_bits(layout.dtype)))
    constant = arith.ConstantOp(value)
    builder.add(constant)
    valid = valid_of(like)[:1] if layout.valid_rows == DYNAMIC else []
    op = TExpandsOp([constant.result], result=TileType(layout), valid=valid)
    builder.add(op)
    return op.res[0]


def meeting(sources: Sequence[Source], dtype: str) -> Iterator[tuple[list[Build], str]]:
    """Ways to have several sources in one element type: their own if they agree, then that of the site."""
    own = {source.dtype for source in sources}
    if len(own) == 1:
        yield [source.build for source in sources], own.pop()
    if own != {dtype} and {source.dtype for source in sources} != {dtype}:
        yield [lambda b, s=source: as_type(b, s.build(b), dtype) for source in sources], dtype
