"""Kernels that move the lanes of RoPE in every known form, as values: what the cost model is held against.

A form is a function of a `Kernel` and a `Case`. All of them load x and two tables, rotate pairs of lanes, and
store the result, but for the single movements, which only move lanes. Halves are seen as 64 lanes wide.
"""

from collections.abc import Callable
from typing import NamedTuple

from value_kernel import WIDE, Kernel, Value


class Case(NamedTuple):
    """Rows and lanes of x, and what is loaded and stored."""

    rows: int
    cols: int
    source: str = "f32"
    result: str = "f32"

    @property
    def half(self) -> int:
        return self.cols // 2


Form = Callable[[Kernel, Case], None]

# -- taking apart and putting together ---------------------------------------------------------------


def halves(k: Kernel, even: Value, odd: Value, cos: Value, sin: Value) -> tuple[Value, Value]:
    """The rotation of halves: (even cos - odd sin, even sin + odd cos)."""
    first = k.op("tsub", [k.op("tmul", [even, cos]), k.op("tmul", [odd, sin])])
    return first, k.op("tadd", [k.op("tmul", [even, sin]), k.op("tmul", [odd, cos])])


def half_tables(k: Kernel, case: Case) -> tuple[Value, Value]:
    cos, sin = (k.load(case.rows, case.half, "f32") for _ in range(2))
    return k.wide(cos), k.wide(sin)


def as_pairs(k: Kernel, x: Value) -> Value:
    """bf16 lanes, two to a 32-bit lane, 64 pairs a row."""
    return k.seen(x, x.rows * x.cols // (2 * WIDE), WIDE, "ui32")


def bits_apart(k: Kernel, x: Value) -> tuple[Value, Value]:
    pairs = as_pairs(k, x)
    even, odd = k.shift("tshls", pairs), k.shift("tshls", k.shift("tshrs", pairs))
    return k.seen(even, even.rows, WIDE, "f32"), k.seen(odd, odd.rows, WIDE, "f32")


def bits_swapped(k: Kernel, x: Value) -> Value:
    pairs = as_pairs(k, x)
    turned = k.op("tor", [k.shift("tshls", pairs), k.shift("tshrs", pairs)])
    return k.seen(turned, x.rows, x.cols, "bf16")


def mask_apart(k: Kernel, x: Value) -> tuple[Value, Value]:
    return k.gather(x, "P0101"), k.gather(x, "P1010")


def transposes_apart(k: Kernel, x: Value) -> tuple[Value, Value]:
    """All lanes to rows, then every second row back: f32."""
    rows = k.seen(k.transposed(x), x.cols // 2, 2 * x.rows)
    even, odd = (k.part(rows, 0, start, x.cols // 2, x.rows) for start in (0, x.rows))
    return k.wide(k.transposed(even)), k.wide(k.transposed(odd))


def transposes_together(k: Kernel, even: Value, odd: Value, rows: int) -> Value:
    half = even.rows * even.cols // rows
    lanes = [k.transposed(k.seen(value, rows, half)) for value in (even, odd)]
    both = k.undef(half, 2 * rows, "f32")
    for number, value in enumerate(lanes):
        both = k.put(value, both, 0, number * rows)
    return k.transposed(k.seen(both, 2 * half, rows))


def transposes_swapped(k: Kernel, x: Value) -> Value:
    half, rows = x.cols // 2, x.rows
    lanes = k.seen(k.transposed(x), half, 2 * rows)
    both = k.undef(half, 2 * rows, "f32")
    for source, target in ((0, rows), (rows, 0)):
        moved = k.op("tmov", [k.part(lanes, 0, source, half, rows)])
        both = k.put(moved, both, 0, target)
    return k.transposed(k.seen(both, x.cols, rows))


def pack(
    k: Kernel, even: Value, odd: Value, case: Case, *, masked: Value | None = None, fused: bool = True
) -> Value:
    """Two f32 halves as one bf16 tile: rounded, widened again, and one of each in a 32-bit lane."""
    if fused:
        wide = k.convert(k.convert(k.beside(even, odd), "bf16"), "f32")
        low, high = k.apart(wide)
    else:
        low, high = (k.convert(k.convert(value, "bf16"), "f32") for value in (even, odd))
    low, high = (k.seen(value, value.rows, WIDE, "ui32") for value in (low, high))
    both = k.op("tor", [k.shift("tshrs", low), high])
    return k.seen(both, case.rows, case.cols, "bf16")


def scattered(k: Kernel, even: Value, odd: Value, merge: str) -> Value:
    pair = [k.scatter(even, "P0101"), k.scatter(odd, "P1010")]
    if merge == "tadd":
        return k.op("tadd", pair)
    bits = [k.seen(v, v.rows, v.cols, "ui16" if v.dtype == "bf16" else "ui32") for v in pair]
    both = k.op("tor", bits)
    return k.seen(both, both.rows, both.cols, pair[0].dtype)


def blended(k: Kernel, even: Value, odd: Value, case: Case) -> Value:
    """Each half by two scatters into zeroed tiles, a comparison and a selection."""
    rows, cols, half = case.rows, case.cols, case.half
    whole = k.undef(rows, cols, "f32")
    for value, pattern in ((even, "P0101"), (odd, "P1010")):
        for _ in range(2):
            k.fill(rows, cols, "%f0:f32")
        ones = k.fill(rows, half, "%f1:f32")
        moved, mask = k.scatter(value, pattern), k.scatter(ones, pattern)
        bits = k.op("tcmps", [mask], "ui8", (rows, max(32, cols // 8)), scalar="%f0:f32", clause=_NOT_ZERO)
        tmp = k.undef(1, 16, "i32")
        whole = k.op("tsel", [bits, moved, whole, tmp], "f32", (rows, cols))
    return whole


_NOT_ZERO = " {cmpMode = #pto<cmp ne>}"


# -- whole kernels -----------------------------------------------------------------------------------


def ends(k: Kernel, case: Case, even: Value, odd: Value) -> None:
    """Two halves, stored side by side."""
    if case.result != "f32":
        even, odd = k.apart(k.convert(k.beside(even, odd), case.result))
    for value in (even, odd):
        k.store(k.seen(value, case.rows, case.half))


def split_half(k: Kernel, case: Case) -> None:
    """No lane moves: even and odd lanes are halves of x. The lower bound."""
    low, high = (k.wide(k.load(case.rows, case.half, case.source)) for _ in range(2))
    if case.source != "f32":
        low, high = k.apart(k.convert(k.beside(low, high), "f32"))
    ends(k, case, *halves(k, low, high, *half_tables(k, case)))


def split_half_narrow(k: Kernel, case: Case) -> None:
    """The same with halves as they are, 32 lanes a row: half of every vector is empty."""
    low, high = (k.load(case.rows, case.half, case.source) for _ in range(2))
    low, high = k.apart(k.convert(k.beside(low, high), "f32"))
    tables = [k.load(case.rows, case.half, "f32") for _ in range(2)]
    ends(k, case, *halves(k, low, high, *tables))


def swap(swapped: Callable[[Kernel, Value], Value], together: bool = False) -> Form:
    """y = x cos + x[j^1] sin, with tables of full width and the sign in sin."""

    def build(k: Kernel, case: Case) -> None:
        x = k.load(case.rows, case.cols, case.source)
        if together:
            both = k.convert(k.beside(x, swapped(k, x)), "f32")
            x, other = k.apart(both)
        else:
            wide = k.convert(x, "f32")
            other = swapped(k, x if swapped is bits_swapped else wide)
            x, other = wide, k.convert(other, "f32")
        cos, sin = (k.load(case.rows, case.cols, "f32") for _ in range(2))
        turned = k.op("tadd", [k.op("tmul", [x, cos]), k.op("tmul", [other, sin])])
        k.store(k.convert(turned, case.result))

    return build


def flat_swapped(k: Kernel, x: Value) -> Value:
    index = k.load(1, x.rows * x.cols, "i32")
    return k.seen(k.pick(k.seen(x, 1, x.rows * x.cols), index), x.rows, x.cols)


def rows_swapped(k: Kernel, x: Value) -> Value:
    index = k.load(1, x.cols, "i32")
    return row_gathers(k, x, index)


def row_gathers(k: Kernel, source: Value, index: Value) -> Value:
    """A loop that gathers row by row, and puts each row where it belongs by a copy."""
    rows, cols = source.rows, index.cols
    whole = k.undef(rows, cols, source.dtype)
    name = f"%r{len(k.lines)}"
    k.line(
        f"{name} = scf.for {name}_i = %c0 to %c{rows} step %c1 "
        f"iter_args({name}_t = {whole.name}) -> ({whole.type}) {{"
    )
    k.indent += "  "
    row = k.fresh(1, source.cols, source.dtype)
    k.line(
        f"{row.name} = pto.subview {source.name}[{name}_i, %c0] sizes [1, {source.cols}] : "
        f"{source.type} -> {row.type}"
    )
    moved = k.op("tmov", [k.pick(row, index)])
    k.line(
        f"{name}_x = pto.insert {moved.name} into {name}_t[{name}_i, %c0] "
        f": {moved.type} into {whole.type} -> {whole.type}"
    )
    k.line(f"scf.yield {name}_x : {whole.type}")
    k.indent = k.indent[2:]
    k.line("}")
    return Value(name, rows, cols, source.dtype)


def iota(k: Kernel, cols: int) -> Value:
    tmp = k.undef(1, 192, "f32")
    return k.op("tci", [tmp], "i32", (1, cols), scalar="%s0:i32")


def rope_d(k: Kernel, case: Case) -> None:
    """Swap-gather row by row; index, doubled tables and signs are made in the kernel."""
    one = (1, case.cols)
    ramp = iota(k, case.cols)
    pair = k.op("tshrs", [ramp], scalar="%s1:i32")
    ones = k.fill(1, case.cols, "%s1:i32")
    other = k.op("tadd", [ramp, k.op("tsub", [ones, k.op("tand", [ramp, ones])])], "i32", one)
    sign = k.convert(k.op("tsub", [other, ramp]), "f32")
    cos, sin = (k.load(case.rows, case.half, "f32") for _ in range(2))
    wide = [row_gathers(k, table, pair) for table in (cos, sin)]
    signs = k.op("tcolexpand", [sign], "f32", (case.rows, case.cols))
    sin_il = k.op("tmul", [wide[1], signs])
    x = k.convert(k.load(case.rows, case.cols, case.source), "f32")
    moved = row_gathers(k, x, other)
    turned = k.op("tadd", [k.op("tmul", [x, wide[0]]), k.op("tmul", [moved, sin_il])])
    k.store(k.convert(turned, case.result))


def bit_pack(fused: bool, masked: bool = False, scalar_mask: bool = False) -> Form:
    """By shifts; odd lanes by a mask instead, in a constant tile or as a scalar (A5)."""

    def build(k: Kernel, case: Case) -> None:
        mask = k.fill(case.rows * case.cols // (2 * WIDE), WIDE, "%s1:i32") if masked else None
        x = k.load(case.rows, case.cols, case.source)
        if case.source == "f32":
            even, odd = (k.wide(v) for v in mask_apart(k, x))
        elif mask is not None or scalar_mask:
            pairs = as_pairs(k, x)
            signed = k.seen(pairs, pairs.rows, WIDE, "i32")
            bits = k.op("tand", [signed, mask]) if mask else k.op("tands", [signed], scalar="%s65536:i32")
            even, odd = (k.seen(v, v.rows, WIDE, "f32") for v in (k.shift("tshls", pairs), bits))
        else:
            even, odd = bits_apart(k, x)
        even, odd = halves(k, even, odd, *half_tables(k, case))
        k.store(pack(k, even, odd, case, fused=fused))

    return build


def pack_narrow(k: Kernel, case: Case) -> None:
    """Bit-pack with halves of 32 lanes a row."""
    pairs = k.seen(k.load(case.rows, case.cols, "bf16"), case.rows, case.half, "ui32")
    even, odd = k.shift("tshls", pairs), k.shift("tshls", k.shift("tshrs", pairs))
    even, odd = (k.seen(v, case.rows, case.half, "f32") for v in (even, odd))
    tables = [k.load(case.rows, case.half, "f32") for _ in range(2)]
    low, high = k.apart(k.convert(k.convert(k.beside(*halves(k, even, odd, *tables)), "bf16"), "f32"))
    low, high = (k.seen(v, case.rows, case.half, "ui32") for v in (low, high))
    both = k.op("tor", [k.shift("tshrs", low), high])
    k.store(k.seen(both, case.rows, case.cols, "bf16"))


def doubled_tables(k: Kernel, case: Case) -> None:
    """Bit-swap; full tables are made in the kernel from bf16 ones of half the width, by bits."""
    tables: list[Value] = []
    for negated in (False, True):
        wide = k.convert(k.wide(k.load(case.rows, case.half, "bf16")), "f32")
        bits = k.seen(wide, wide.rows, WIDE, "ui32")
        low = bits
        if negated:
            minus = k.op("tmuls", [wide], scalar="%f1:f32")
            low = k.seen(minus, wide.rows, WIDE, "ui32")
        both = k.op("tor", [k.shift("tshrs", low), bits])
        tables.append(k.convert(k.seen(both, case.rows, case.cols, "bf16"), "f32"))
    x = k.load(case.rows, case.cols, case.source)
    wide_x, other = k.convert(x, "f32"), k.convert(bits_swapped(k, x), "f32")
    turned = k.op("tadd", [k.op("tmul", [wide_x, tables[0]]), k.op("tmul", [other, tables[1]])])
    k.store(k.convert(turned, case.result))


def half_form(
    apart: Callable[[Kernel, Value], tuple[Value, Value]],
    together: Callable[[Kernel, Value, Value, Case], Value],
    *,
    narrow_first: bool = False,
) -> Form:
    """Apart, rotate, together; bf16 is widened before lanes move, or after."""

    def build(k: Kernel, case: Case) -> None:
        x = k.load(case.rows, case.cols, case.source)
        if case.source != "f32" and not narrow_first:
            x = k.convert(x, "f32")
        even, odd = apart(k, x)
        even, odd = (k.wide(k.convert(v, "f32")) for v in (even, odd))
        even, odd = halves(k, even, odd, *half_tables(k, case))
        k.store(k.convert(together(k, even, odd, case), case.result))

    return build


def by_transposes(k: Kernel, even: Value, odd: Value, case: Case) -> Value:
    return transposes_together(k, even, odd, case.rows)


def by_flat_gather(k: Kernel, even: Value, odd: Value, case: Case) -> Value:
    """One gather out of both halves, which lie one after the other."""
    lanes = case.rows * case.cols
    both = k.seen(k.beside(even, odd), 1, lanes)
    return k.seen(k.pick(both, k.load(1, lanes, "i32")), case.rows, case.cols)


def by_f32_scatters(k: Kernel, even: Value, odd: Value, case: Case) -> Value:
    even, odd = (k.seen(v, case.rows, case.half) for v in (even, odd))
    return scattered(k, even, odd, "tadd")


def by_16_bit_scatters(k: Kernel, even: Value, odd: Value, case: Case) -> Value:
    low, high = k.apart(k.convert(k.beside(even, odd), "bf16"))
    even, odd = (k.seen(v, case.rows, case.half) for v in (low, high))
    return scattered(k, even, odd, "tor")


def by_blends(k: Kernel, even: Value, odd: Value, case: Case) -> Value:
    even, odd = (k.seen(v, case.rows, case.half) for v in (even, odd))
    return blended(k, even, odd, case)


def by_pack(k: Kernel, even: Value, odd: Value, case: Case) -> Value:
    return pack(k, even, odd, case)


def transposed_rotation(k: Kernel, case: Case) -> None:
    """Lanes become rows, are rotated there with tables in that order, and go back."""
    x = k.convert(k.load(case.rows, case.cols, case.source), "f32")
    half, rows = case.half, case.rows
    lanes = k.seen(k.transposed(x), half, 2 * rows)
    even, odd = (k.part(lanes, 0, start, half, rows) for start in (0, rows))
    cos, sin = (k.load(half, rows, "f32") for _ in range(2))
    even, odd = halves(k, even, odd, cos, sin)
    if case.result != "f32":
        both = k.wide(even), k.wide(odd)
        packed = k.seen(pack(k, *both, Case(half, 2 * rows)), half, rows, "ui32")
        k.store(k.seen(k.transposed(packed), rows, case.cols, "bf16"))
        return
    both = k.undef(half, 2 * rows, "f32")
    for number, value in enumerate((even, odd)):
        both = k.put(value, both, 0, number * rows)
    k.store(k.transposed(k.seen(both, case.cols, rows)))


# -- single movements --------------------------------------------------------------------------------


def movement(build: Callable[[Kernel, Value, Value, Case], object]) -> Form:
    """Only the vector pipe counts: what is loaded stands for values that are there."""

    def form(k: Kernel, case: Case) -> None:
        x = k.load(case.rows, case.cols, case.source)
        build(k, x, k.load(case.rows, case.half, "f32"), case)

    return form


def masked_bits(k: Kernel, x: Value, _: Value, case: Case) -> None:
    pairs = as_pairs(k, x)
    mask = k.load(pairs.rows, WIDE, "i32")
    k.shift("tshls", pairs)
    k.op("tand", [k.seen(pairs, pairs.rows, WIDE, "i32"), mask])


def gathers_then_widen(k: Kernel, x: Value, _: Value, case: Case) -> None:
    for value in mask_apart(k, x):
        k.convert(k.wide(value), "f32")


# -- by the cube: three kernels, handed over through GM -----------------------------------------------------


def products_apart(k: Kernel, case: Case) -> None:
    x = k.load(case.rows, case.cols, "bf16", "mat")
    selectors = [k.load(case.cols, case.half, "bf16", "mat") for _ in range(2)]
    for selector in selectors:
        k.store(k.product(x, selector))


def rotation_between(k: Kernel, case: Case) -> None:
    even, odd = (k.wide(k.load(case.rows, case.half, "f32")) for _ in range(2))
    ends(k, case, *halves(k, even, odd, *half_tables(k, case)))


def products_together(k: Kernel, case: Case) -> None:
    even, odd = (k.load(case.rows, case.half, "bf16", "mat") for _ in range(2))
    selectors = [k.load(case.half, case.cols, "bf16", "mat") for _ in range(2)]
    k.store(k.product(odd, selectors[1], k.product(even, selectors[0])), case.result)
