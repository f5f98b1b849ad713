"""One rotation written in the ways people write it, right and wrong: pairs for validation to judge.

`x` [16, 32] holds interleaved pairs; `c` and `s` [16, 16] turn them. The sparse-attention kernel rotates
backwards and rounds twice, in two modes; the query kernel scales rows first (`inv`) and rounds in one mode.
"""

# ruff: noqa: E501  (types make long lines)

from dataclasses import dataclass

import numpy as np

from tests.property.rope_kernels import HALF, ROWS, WIDE, Maker, Tile
from tests.property.rope_numbers import Argument

FACTS = '"even*" = "even"\n"odd*" = "odd"\n"swap" = "table:swap"\n"repeat" = "table:repeat"\n'


@dataclass
class Rotation(Maker):
    """Writes a kernel `@k`, operation by operation."""

    def tensor(self, name: str, dtype: str, rows: int, cols: int) -> Argument:
        known = {a.name: a for a in self.arguments}
        if name not in known:
            known[name] = Argument(name, dtype, rows, cols)
            self.arguments.append(known[name])
        return known[name]

    def whole(
        self, name: str, dtype: str, rows: int, cols: int, loc: str = "vec", turned: bool = False
    ) -> Tile:
        return self.load(self.tensor(name, dtype, rows, cols), "%c0", 0, rows, cols, loc, turned)

    def binary(self, op: str, a: Tile, b: Tile) -> Tile:
        return self.tile(
            f"pto.{op} ins({a.name}, {b.name} : {a.type}, {b.type})", "vec", a.rows, a.cols, a.dtype
        )

    def cast(self, a: Tile, mode: str, dtype: str = "bf16") -> Tile:
        return self.convert(a, dtype, mode)

    def single(self, a: Tile) -> Tile:
        return self.convert(a, "f32", "RINT")

    def select(self, parity: str, turned: bool) -> Tile:
        mat = self.whole(parity, "bf16", WIDE, HALF, "mat", turned)
        return self.move(mat, "right")

    def product(self, a: Tile, parity: str, turned: bool, onto: Tile | None = None) -> Tile:
        left = self.move(self.move(a, "mat") if a.loc == "vec" else a, "left")
        right = self.select(parity, turned)
        cols = WIDE if turned else HALF
        if onto is None:
            given = f"{left.name}, {right.name} : {left.type}, {right.type}"
            return self.tile(f"pto.tmatmul ins({given})", "acc", ROWS, cols, "f32")
        given = f"{onto.name}, {left.name}, {right.name} : {onto.type}, {left.type}, {right.type}"
        return self.tile(f"pto.tmatmul.acc ins({given})", "acc", ROWS, cols, "f32")

    def gather(self, a: Tile, parity: str) -> Tile:
        pattern = {"even": "P0101", "odd": "P1010"}[parity]
        mask = f"{{maskPattern = #pto.mask_pattern<{pattern}>}}"
        return self.tile(f'pto.tgather ins({a.name}, {mask} : {a.type}, "row")', "vec", ROWS, HALF, a.dtype)

    def scatter(self, a: Tile, parity: str) -> Tile:
        pattern = {"even": "P0101", "odd": "P1010"}[parity]
        mask = f"{{maskPattern = #pto.mask_pattern<{pattern}>}}"
        return self.tile(f'pto.tscatter ins({a.name}, {mask} : {a.type}, "row")', "vec", ROWS, WIDE, a.dtype)

    def fill(self, value: float, cols: int) -> Tile:
        return self.tile(f"pto.texpands ins({self.constant(value)} : f32)", "vec", ROWS, cols, "f32")

    def blend(self, half: Tile, parity: str, onto: Tile) -> Tile:
        """A scatter that keeps the other lanes."""
        lanes, mark = self.scatter(half, parity), self.scatter(self.fill(1.0, HALF), parity)
        bits = f"!pto.tile<vec, {ROWS}x{WIDE}xui8, valid={ROWS}x{WIDE // 8}>"
        name, zero = self.fresh("m"), self.constant(0.0)
        self.emit(
            f"{name} = pto.tcmps ins({mark.name}, {zero} {{cmpMode = #pto<cmp ne>}} : {mark.type}, f32) -> {bits}"
        )
        given = f"{name}, {lanes.name}, {onto.name} : {bits}, {lanes.type}, {onto.type}"
        return self.tile(f"pto.tsel ins({given})", "vec", ROWS, WIDE, "f32")

    def by_index(self, a: Tile, table: str) -> Tile:
        """Lanes of the whole tile in the order of a table."""
        place = self.whole(table, "i32", ROWS, WIDE)
        given = f"{a.name}, {place.name} : {a.type}, {place.type}"
        return self.tile(f"pto.tgather ins({given})", "vec", ROWS, WIDE, a.dtype)

    def rotate(self, e: Tile, o: Tile, forward: bool) -> tuple[Tile, Tile]:
        c, s = (self.single(self.whole(n, "bf16", ROWS, HALF)) for n in ("c", "s"))
        mul = lambda a, b: self.binary("tmul", a, b)  # noqa: E731
        if forward:
            return self.binary("tsub", mul(e, c), mul(o, s)), self.binary("tadd", mul(e, s), mul(o, c))
        return self.binary("tadd", mul(e, c), mul(o, s)), self.binary("tsub", mul(o, c), mul(e, s))

    def text(self, result: Tile) -> str:
        self.store(result, self.tensor("out", result.dtype, ROWS, WIDE), "%c0")
        numbers = "\n".join(f"%c{n} = arith.constant {n} : index" for n in (0, 1, HALF, WIDE))
        order = ("x", "inv", "even", "odd", "c", "s", "swap", "repeat", "out")
        named = sorted(self.arguments, key=lambda a: order.index(a.name))
        parameters = ", ".join(f"%{a.name}: !pto.ptr<{a.dtype}>" for a in named)
        kind = "attributes {pto.kernel_kind = #pto.kernel_kind<cube>}"
        body = "\n".join([numbers, *self.lines])
        return f'builtin.module attributes {{pto.target_arch = "a3"}} {{\nfunc.func @k({parameters}) {kind} {{\n{body}\nreturn\n}}\n}}\n'


def maker() -> Rotation:
    return Rotation(np.random.default_rng(0))


def sparse_by_products() -> str:
    k = maker()
    x = k.whole("x", "bf16", ROWS, WIDE, "mat")
    e, o = (k.move(k.product(x, p, False), "vec") for p in ("even", "odd"))
    re, ro = k.rotate(e, o, False)
    whole = k.product(k.cast(re, "RINT"), "even", True)
    whole = k.product(k.cast(ro, "RINT"), "odd", True, whole)
    return k.text(k.cast(k.move(whole, "vec"), "ROUND"))


def sparse_by_masks(
    early: bool = True, merge: str = "blend", final: str = "ROUND", swapped: bool = False
) -> str:
    k = maker()
    x = k.single(k.whole("x", "bf16", ROWS, WIDE))
    re, ro = k.rotate(k.gather(x, "even"), k.gather(x, "odd"), False)
    if early:
        re, ro = (k.single(k.cast(t, "RINT")) for t in (re, ro))
    first, second = ("odd", "even") if swapped else ("even", "odd")
    if merge == "blend":
        whole = k.blend(ro, second, k.blend(re, first, k.fill(0.0, WIDE)))
    elif merge == "raw":
        k.scatter(re, first)  # into the same buffer: the second one zeroes what it does not write
        whole = k.scatter(ro, second)
    else:
        whole = k.binary("tadd", k.scatter(re, first), k.scatter(ro, second))
    return k.text(k.cast(whole, final))


def swapped_rotation(k: Rotation, x: Tile, forward: bool, inverse: Tile | None = None) -> Tile:
    """`x * c + swap(x) * ±s`; `inverse` scales the result."""
    c, s = (k.by_index(k.single(k.whole(n, "bf16", ROWS, HALF)), "repeat") for n in ("c", "s"))
    sign = k.blend(k.fill(1.0 if forward else -1.0, HALF), "odd", k.fill(-1.0 if forward else 1.0, WIDE))
    turned = k.binary("tmul", k.binary("tmul", k.by_index(x, "swap"), sign), s)
    result = k.binary("tadd", k.binary("tmul", x, c), turned)
    return result if inverse is None else k.binary("tmul", result, inverse)


def sparse_by_swap() -> str:
    k = maker()
    result = swapped_rotation(k, k.single(k.whole("x", "bf16", ROWS, WIDE)), False)
    return k.text(k.cast(k.single(k.cast(result, "RINT")), "ROUND"))


def _scaled(k: Rotation) -> tuple[Tile, Tile]:
    column = k.whole("inv", "f32", ROWS, 1)
    x = k.whole("x", "f32", ROWS, WIDE)
    given = f"{x.name}, {column.name} : {x.type}, {column.type}"
    return x, k.tile(f"pto.trowexpandmul ins({given})", "vec", ROWS, WIDE, "f32")


def query_by_products() -> str:
    k = maker()
    _, n = _scaled(k)
    re, ro = k.rotate(k.gather(n, "even"), k.gather(n, "odd"), True)
    halves = [k.move(k.product(k.cast(t, "RINT"), p, True), "vec") for t, p in ((re, "even"), (ro, "odd"))]
    return k.text(k.cast(k.binary("tadd", *halves), "RINT"))


def query_by_masks(final: str = "RINT") -> str:
    k = maker()
    _, n = _scaled(k)
    re, ro = k.rotate(k.gather(n, "even"), k.gather(n, "odd"), True)
    return k.text(k.cast(k.binary("tadd", k.scatter(re, "even"), k.scatter(ro, "odd")), final))


def query_by_swap(scaled_after: bool) -> str:
    k = maker()
    x, n = _scaled(k)
    if not scaled_after:
        return k.text(k.cast(swapped_rotation(k, n, True), "RINT"))
    column = k.whole("inv", "f32", ROWS, 1)
    turned = swapped_rotation(k, x, True)
    given = f"{turned.name}, {column.name} : {turned.type}, {column.type}"
    return k.text(k.cast(k.tile(f"pto.trowexpandmul ins({given})", "vec", ROWS, WIDE, "f32"), "RINT"))


EQUAL = {
    "gather, early rounding, preserving scatters": (sparse_by_products, sparse_by_masks),
    "no early rounding, the last one in its mode": (
        sparse_by_products,
        lambda: sparse_by_masks(early=False, final="RINT"),
    ),
    "two raw scatters into two tiles, and an addition": (
        sparse_by_products,
        lambda: sparse_by_masks(merge="add"),
    ),
    "swap-gather": (sparse_by_products, sparse_by_swap),
    "query: gather and scatter without early rounding": (query_by_products, query_by_masks),
    "query: swap-gather of scaled rows": (query_by_products, lambda: query_by_swap(False)),
}
DIFFERENT = {
    "no early rounding, the last one in another mode": (
        sparse_by_products,
        lambda: sparse_by_masks(early=False),
    ),
    "two raw scatters into one tile": (sparse_by_products, lambda: sparse_by_masks(merge="raw")),
    "scatters of the other parity": (sparse_by_products, lambda: sparse_by_masks(swapped=True)),
    "query: the last rounding in another mode": (query_by_products, lambda: query_by_masks("ROUND")),
    "query: rows scaled after the rotation": (query_by_products, lambda: query_by_swap(True)),
}
