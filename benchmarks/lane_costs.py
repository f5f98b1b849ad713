"""Holds the cost model against listed costs of lane moves: every form, shape, element type and chip.

The list (`tests/data/lane_form_costs.csv`) was made with the cost model of pto-isa itself: kernels were
assembled and run in its simulator of pipes, with heads, tails and scalar moves filled in. It has cycles of
whole kernels for A2/A3, and of the vector pipe alone for single movements and for A5. Two numbers are two
readings of a measurement. What the model here says is predicted from the operations of each kernel.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from lane_forms import (
    Case,
    Form,
    bit_pack,
    bits_apart,
    bits_swapped,
    blended,
    by_16_bit_scatters,
    by_blends,
    by_f32_scatters,
    by_flat_gather,
    by_pack,
    by_transposes,
    doubled_tables,
    flat_swapped,
    gathers_then_widen,
    half_form,
    mask_apart,
    masked_bits,
    movement,
    pack,
    pack_narrow,
    products_apart,
    products_together,
    rope_d,
    rotation_between,
    rows_swapped,
    scattered,
    split_half,
    split_half_narrow,
    swap,
    transposed_rotation,
    transposes_apart,
    transposes_swapped,
    transposes_together,
)
from value_kernel import Kernel
from xdsl.dialects import func

from dsv4_passes.formats.pto.reader import parse_text
from dsv4_passes.targets import Cost, assuming, chip, total
from dsv4_passes.targets.assumptions import parse
from dsv4_passes.transforms.common.cost import FunctionCost, function_cost

LIST = Path(__file__).parents[1] / "tests" / "data" / "lane_form_costs.csv"
MARGIN = 1.15
"""Forms whose listed costs differ by more than this have to come out in the same order."""

_F32, _BF16 = Case(0, 0, "f32"), Case(0, 0, "bf16")
MOVEMENTS: dict[str, tuple[Case, Form]] = {
    "apart bf16>f32: tcvt, 2 mask gathers": (
        _BF16,
        movement(lambda k, x, h, c: mask_apart(k, k.convert(x, "f32"))),
    ),
    "apart bf16>f32: 2 mask gathers, tcvt": (_BF16, movement(gathers_then_widen)),
    "apart bf16>f32: bits (shl, shr, shl)": (_BF16, movement(lambda k, x, h, c: bits_apart(k, x))),
    "apart bf16>f32: bits (shl, and), mask given": (_BF16, movement(masked_bits)),
    "apart f32: 2 mask gathers": (_F32, movement(lambda k, x, h, c: mask_apart(k, x))),
    "apart f32: 3 ttrans": (_F32, movement(lambda k, x, h, c: transposes_apart(k, x))),
    "together f32>bf16: bit-pack, fused": (
        _F32,
        movement(lambda k, x, h, c: pack(k, k.wide(h), k.wide(h), c)),
    ),
    "together f32>bf16: 16-bit scatters, tor": (
        _F32,
        movement(lambda k, x, h, c: by_16_bit_scatters(k, k.wide(h), k.wide(h), c)),
    ),
    "together f32: raw scatters, tadd": (_F32, movement(lambda k, x, h, c: scattered(k, h, h, "tadd"))),
    "together f32: preserve blends": (_F32, movement(lambda k, x, h, c: blended(k, h, h, c))),
    "together f32: 3 ttrans": (_F32, movement(lambda k, x, h, c: transposes_together(k, h, h, c.rows))),
    "together f32: flat gather, index given": (_F32, movement(lambda k, x, h, c: by_flat_gather(k, h, h, c))),
    "swap 16-bit: bits": (_BF16, movement(lambda k, x, h, c: bits_swapped(k, x))),
    "swap f32: row gathers, index given": (_F32, movement(lambda k, x, h, c: rows_swapped(k, x))),
    "swap f32: flat gather, index given": (_F32, movement(lambda k, x, h, c: flat_swapped(k, x))),
    "swap f32: 2 ttrans, 2 strided tmov": (_F32, movement(lambda k, x, h, c: transposes_swapped(k, x))),
}
A2A3_KERNELS: dict[str, Form] = {
    "split-half (lower bound)": split_half,
    "split-half, halves left as [R,32]": split_half_narrow,
    "bit-swap": swap(bits_swapped),
    "bit-swap, x and x[j^1] widened at once": swap(bits_swapped, together=True),
    "bit-swap, full tables made in the kernel from bf16 half tables (bits)": doubled_tables,
    "bit-pack, and-mask (i32 constant tile)": bit_pack(fused=True, masked=True),
    "bit-pack, halves converted at once": bit_pack(fused=True),
    "bit-pack, plain": bit_pack(fused=False),
    "bit-pack, halves left as [R,32]": pack_narrow,
    "swap by 2 transposes": swap(transposes_swapped),
    "apart by 3 transposes, together by bit-pack": half_form(transposes_apart, by_pack),
    "apart and together by transposes": half_form(transposes_apart, by_transposes),
    "apart by bits, together by transposes": half_form(bits_apart, by_transposes, narrow_first=True),
    "rotate transposed (tables transposed)": transposed_rotation,
    "swap-gather flat (tables, index given)": swap(flat_swapped),
    "swap-gather row by row (tables, index given)": swap(rows_swapped),
    "rope_d: swap-gather rows, tables in kernel": rope_d,
    "mask gathers, one flat gather of [E;O]": half_form(mask_apart, by_flat_gather),
    "mask gathers, together by transposes": half_form(mask_apart, by_transposes),
    "mask gathers (16 bit), raw 16-bit scatters + tor": half_form(
        mask_apart, by_16_bit_scatters, narrow_first=True
    ),
    "mask gathers, raw f32 scatters + tadd": half_form(mask_apart, by_f32_scatters),
    "mask gathers, preserve blends": half_form(mask_apart, by_blends),
}

A5_KERNELS: dict[str, Form] = {
    "split-half": split_half,
    "bit-swap, full-width tables": swap(bits_swapped, together=True),
    "bit-pack, half-width tables": bit_pack(fused=True, scalar_mask=True),
    "raw 16-bit scatters + tor": half_form(mask_apart, by_16_bit_scatters, narrow_first=True),
    "raw f32 scatters + tadd": half_form(mask_apart, by_f32_scatters),
    "blend (6 fills, 4 scatters, 2 cmps, 2 sel)": half_form(mask_apart, by_blends),
    "swap-gather flat, tables given, vgather2 8": swap(flat_swapped),
    "swap-gather flat, tables given, vgather2 16": swap(flat_swapped),
    "swap-gather flat, tables given, vgather2 64": swap(flat_swapped),
}
# Forms by the cube are three kernels; what they wait for each other is in neither list.
BY_CUBE: dict[str, tuple[str, ...]] = {
    "one-hot matmuls, 3 kernels by GM": ("load", "vector", "store"),
    "one-hot matmul (pypto a5 fit: 3 drains) + vector part": ("vector", "cube", "drain"),
}
# The readings that the list assumes: of a gather on A5, and of the drains on A2/A3.
ASSUMED = {
    "swap-gather flat, tables given, vgather2 8": "a5.vgather2=54+9",
    "swap-gather flat, tables given, vgather2 16": "a5.vgather2=54+17",
    "swap-gather flat, tables given, vgather2 64": "a5.vgather2=54+65",
    "one-hot matmuls, 3 kernels by GM": "a2a3.cube=pto-isa",
}
THREE_KERNELS = (products_apart, rotation_between, products_together)


@dataclass(frozen=True)
class Row:
    """One listed cost, and what is predicted; None where the form has no operations to write it with."""

    chip: str
    data: str
    """`bf16->f32`: what is loaded and stored; `movement` for lanes alone."""
    form: str
    rows: int
    cols: int
    lo: float
    hi: float
    predicted: Cost | None = None

    @property
    def listed(self) -> float:
        return (self.lo + self.hi) / 2

    @property
    def error(self) -> float:
        """How far the prediction is from the listed range, as a part of it; 0 where the ranges meet."""
        assert self.predicted is not None
        if self.predicted.lo > self.hi:
            return self.predicted.lo / self.hi - 1
        return min(0.0, self.predicted.hi / self.lo - 1)


@cache
def listed_rows() -> tuple[Row, ...]:
    """The whole list, without predictions."""
    with LIST.open(encoding="utf-8", newline="") as file:
        return tuple(
            Row(r["chip"], r["data"], r["form"], int(r["rows"]), int(r["cols"]), int(r["lo"]), int(r["hi"]))
            for r in csv.DictReader(file)
        )


@cache
def rows() -> tuple[Row, ...]:
    """The whole list, with predictions."""
    return tuple(map(with_prediction, listed_rows()))


def with_prediction(row: Row) -> Row:
    return replace(row, predicted=predict(row))


def predict(row: Row) -> Cost | None:
    assumed = [parse(ASSUMED[row.form])] if row.form in ASSUMED else []
    with assuming(assumed):
        if row.form in BY_CUBE:
            return _by_cube(row)
        if row.data == "movement":
            case, form = MOVEMENTS[row.form]
            return form_costs(form, case._replace(rows=row.rows, cols=row.cols), row.chip).pipes["vector"]
        found = (A2A3_KERNELS if row.chip == "a2a3" else A5_KERNELS).get(row.form)
        if found is None:
            return None
        costs = form_costs(found, _case(row), row.chip)
        return costs.cycles if row.chip == "a2a3" else costs.pipes["vector"]


def _by_cube(row: Row) -> Cost:
    case = _case(row)
    if row.chip == "a2a3":
        return three_kernels(case, row.chip)
    costs = [form_costs(part, case, row.chip) for part in THREE_KERNELS]
    return total(each.pipes[pipe] for each in costs for pipe in BY_CUBE[row.form] if pipe in each.pipes)


def three_kernels(case: Case, chip: str) -> Cost:
    """By the cube: products, the rotation, products; one after the other."""
    return total(form_costs(part, case, chip).cycles for part in THREE_KERNELS)


def _case(row: Row) -> Case:
    source, _, result = row.data.partition("->")
    return Case(row.rows, row.cols, source, result)


def form_costs(form: Form, case: Case, name: str) -> FunctionCost:
    """What a form costs on the chip of that name."""
    kernel = Kernel()
    form(kernel, case)
    module = parse_text(kernel.text(), "form.mlir")
    (function,) = (op for op in module.walk() if isinstance(op, func.FuncOp))
    return function_cost(function, chip(name))


def disordered(found: Iterable[Row]) -> list[tuple[Row, Row]]:
    """Pairs of forms of one chip, data and shape whose listed costs differ clearly, predicted the other way.

    The middles of the ranges are compared, and both ends where the listed ranges lie apart.
    """
    groups: dict[tuple[str, str, int, int], list[Row]] = defaultdict(list)
    for row in found:
        if row.predicted is not None and row.data != "movement":
            groups[row.chip, row.data, row.rows, row.cols].append(row)
    wrong: list[tuple[Row, Row]] = []
    for group in groups.values():
        for cheap in group:
            wrong += ((cheap, dear) for dear in group if _exchanged(cheap, dear))
    return wrong


def _exchanged(cheap: Row, dear: Row) -> bool:
    assert cheap.predicted is not None
    assert dear.predicted is not None
    apart = cheap.hi * MARGIN < dear.lo
    if apart and (cheap.predicted.lo >= dear.predicted.lo or cheap.predicted.hi >= dear.predicted.hi):
        return True
    return cheap.listed * MARGIN < dear.listed and cheap.predicted.cycles >= dear.predicted.cycles
