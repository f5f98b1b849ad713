"""What an operation costs, in cycles of its core.

The numbers are a model with published and estimated parts (`instructions.py`), never a measurement of this
project. They rank forms of the same kernel. A cost is a range where a number can be read in two ways, and
names the estimates it rests on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Literal

from .chips import Chip
from .cycles import CubeTiming, Cycles
from .elements import element_bytes
from .recipes import UNKNOWN, Recipe
from .walks import WalkShape

# Views and metadata: they name bytes and move none.
FREE = frozenset(
    "alloc_tile subview treshape reshape reinterpret bitcast transpose set_validshape get_validshape undef "
    "insert make_tensor_view partition_view addptr tfree_from_aic tfree_from_aiv tassign".split()
)
_NONE: Mapping[str, str] = {}


@dataclass(frozen=True)
class Cost:
    """Cycles from `lo` to `hi`, the estimates among their numbers by name, and where they come from."""

    lo: float = 0
    hi: float = 0
    estimates: Mapping[str, str] = field(default_factory=lambda: _NONE)
    """Name and source of each number that is not published, or can be read in two ways."""
    source: str = ""

    @property
    def cycles(self) -> int:
        """The middle of the range."""
        return ceil((self.lo + self.hi) / 2)

    @property
    def estimate(self) -> bool:
        """Whether any part of it is an estimate."""
        return bool(self.estimates)

    def __add__(self, other: "Cost") -> "Cost":
        sources = dict.fromkeys((*self.source.split("; "), *other.source.split("; ")))
        return Cost(
            self.lo + other.lo,
            self.hi + other.hi,
            {**self.estimates, **other.estimates},
            "; ".join(s for s in sources if s),
        )

    def times(self, count: float) -> "Cost":
        """The same operation `count` times."""
        return replace(self, lo=self.lo * count, hi=self.hi * count)

    def surely_below(self, other: "Cost") -> bool:
        """Whether it is the lower one whichever readings are right."""
        return self.hi < other.lo

    def __str__(self) -> str:
        lo, hi = round(self.lo), round(self.hi)
        return f"{lo}" if lo == hi else f"{lo}..{hi}"


ZERO = Cost()


def total(costs: Iterable[Cost]) -> Cost:
    """The sum: nothing overlaps."""
    return sum(costs, ZERO)


def cost(
    mnemonic: str,
    form: str,
    rows: int,
    cols: int,
    dtype: str,
    chip: Chip,
    k: int | None = None,
    *,
    stride: int = 0,
) -> Cost:
    """Cycles of one operation on tiles that are valid throughout.

    `rows` and `cols` are the extent of the destination, except for the operations that walk over their
    source: a mask gather, a scatter, a reduction, a transposition. `dtype` is the wider element type of a
    conversion, the source's otherwise; `stride` the elements from row to row, where rows are not contiguous.
    `form` is `mask` or `index` for tgather and tscatter, `widen` for a tcvt to a wider type, and `from-to`
    for what moves between memories: `gm-vec`, `vec-gm`, `acc-gm`, `mat-left`, `vec-vec`. tmatmul is the
    product alone, [rows, k] times [k, cols], and needs `k`; `matmul_cost` adds what surrounds it.
    """
    cycles = chip.cycles
    name = f"{mnemonic}.{form}" if form else mnemonic
    if mnemonic in FREE:
        return ZERO
    if mnemonic.startswith(("tmatmul", "tgemv")):
        if k is None:
            raise ValueError("the cost of a matmul needs k, the length of its sums")
        return _product(cycles.cube, rows, k, cols, dtype)
    shape = WalkShape(rows, cols, element_bytes(dtype), stride)
    if form in ("mat-left", "mat-right"):
        bandwidth = cycles.cube.left_bytes if form == "mat-left" else cycles.cube.right_bytes
        return _known(ceil(shape.bytes / bandwidth), cycles.cube.source)
    if mnemonic == "tpush_to_aiv" or form.startswith("acc-"):
        return _drain(cycles.cube, rows, cols)
    if name in cycles.transfers:
        bandwidth, estimate = cycles.transfers[name]
        moved = _known(ceil(shape.bytes / bandwidth), cycles.transfer_source)
        return replace(moved, estimates={name: cycles.transfer_source}) if estimate else moved
    names = (f"{name}.{8 * shape.width}", name, mnemonic)
    recipe = next((cycles.recipes[each] for each in names if each in cycles.recipes), UNKNOWN)
    return _vector(cycles, recipe, shape)


def hand_over(source: str, dest: str, rows: int, cols: int, dtype: str, chip: Chip) -> Cost:
    """Handing a tile from the cube's core to the vector core or back: push, pop, and what both wait.

    `source` and `dest` are memories, one of them `vec`.
    """
    push, pop = ("tpush_to_aiv", "tpop_from_aic") if dest == "vec" else ("tpush_to_aic", "tpop_from_aiv")
    return total(
        (cost(push, "", rows, cols, dtype, chip), cost(pop, "", rows, cols, dtype, chip), wait(chip))
    )


def wait(chip: Chip, name: Literal["hand_over", "task_hand_over"] = "hand_over") -> Cost:
    """Cycles that the cores of a kernel, or two tasks, wait per hand-over, in addition to the move."""
    instruction = chip.cycles.instructions[name]
    lo, hi = instruction.cycles(1, 1)
    return Cost(lo, hi, {}, instruction.source)


def matmul_cost(m: int, k: int, n: int, dtype: str, chip: Chip, drained: bool = True) -> Cost:
    """An [m, k] × [k, n] product of tiles in mat memory: both moves, the product, and the drain to GM."""
    parts = [
        cost("tmov", "mat-left", m, k, dtype, chip),
        cost("tmov", "mat-right", k, n, dtype, chip),
        cost("tmatmul", "", m, n, dtype, chip, k),
    ]
    if drained:
        parts.append(cost("tstore", "acc-gm", m, n, "f32", chip))
    return total(parts)


def _vector(cycles: Cycles, recipe: Recipe, shape: WalkShape) -> Cost:
    parts: list[Cost] = []
    for instruction, walk in recipe:
        found = cycles.instructions[instruction]
        lo, hi = found.cycles(*walk(shape))
        parts.append(Cost(lo, hi, {instruction: found.source} if found.estimate and hi else {}, found.source))
    return total(parts)


def _known(cycles: float, source: str) -> Cost:
    return Cost(cycles, cycles, source=source)


def _product(cube: CubeTiming, m: int, k: int, n: int, dtype: str) -> Cost:
    passes = cube.fp32_passes if dtype == "f32" else 1
    fractals = ceil(m / 16) * ceil(k * element_bytes(dtype) / 32) * ceil(n / 16)
    return _known(cube.mad_head + passes * fractals, cube.source)


def _drain(cube: CubeTiming, m: int, n: int) -> Cost:
    fractals = max(1, ceil(n / 8))
    odd = fractals // (fractals & -fractals)
    per_row = max(cube.drain_row, 4 * n / cube.drain_bytes) + cube.drain_penalty * (odd - 1)
    return _known(ceil(cube.drain_once + m * per_row), cube.source)
