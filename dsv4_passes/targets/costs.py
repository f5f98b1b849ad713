"""What an operation costs, in cycles of its core: for remarks that say what a rewrite saves.

The numbers are models and estimates (see `cycles.py`). They rank forms of the same kernel; they do not
predict a run time, because pipes overlap and these numbers do not.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

from .chips import Chip
from .cycles import CubeTiming, Timing
from .elements import element_bytes

REPEAT_BYTES = 256

# Views and metadata: they name bytes and move none.
FREE = frozenset(
    "alloc_tile subview treshape reshape bitcast transpose set_validshape get_validshape undef "
    "make_tensor_view partition_view addptr tfree_from_aic tfree_from_aiv".split()
)


@dataclass(frozen=True)
class Cost:
    """Cycles, whether any part of them is an estimate, and where the number comes from."""

    cycles: int
    estimate: bool
    source: str

    def __add__(self, other: "Cost") -> "Cost":
        sources = dict.fromkeys((*self.source.split("; "), *other.source.split("; ")))
        return Cost(
            self.cycles + other.cycles, self.estimate or other.estimate, "; ".join(s for s in sources if s)
        )

    def times(self, count: int) -> "Cost":
        """The same operation `count` times."""
        return Cost(self.cycles * count, self.estimate, self.source)


ZERO = Cost(0, False, "")


def total(costs: Iterable[Cost]) -> Cost:
    """The sum: nothing overlaps."""
    return sum(costs, ZERO)


def cost(
    mnemonic: str, form: str, rows: int, cols: int, dtype: str, chip: Chip, k: int | None = None
) -> Cost:
    """Cycles of one operation on tiles that are valid throughout.

    `rows` and `cols` are the extent of the destination, except for the operations that walk over their
    source: a mask gather, a scatter, a reduction. `dtype` is the wider element type of a conversion, the
    source's otherwise. `form` is `mask` or `index` for tgather and tscatter, and `from-to` for what moves
    between memories: `gm-vec`, `vec-gm`, `acc-gm`, `mat-left`, `vec-vec`. tmatmul is the product alone,
    [rows, k] times [k, cols], and needs `k`; `matmul_cost` adds what surrounds it.
    """
    cycles = chip.cycles
    name = f"{mnemonic}.{form}" if form else mnemonic
    if mnemonic in FREE:
        return ZERO
    if mnemonic.startswith("tmatmul"):
        if k is None:
            raise ValueError("the cost of a matmul needs k, the length of its sums")
        return _product(cycles.cube, rows, k, cols, dtype)
    size = rows * cols * element_bytes(dtype)
    if form in ("mat-left", "mat-right"):
        bandwidth = cycles.cube.left_bytes if form == "mat-left" else cycles.cube.right_bytes
        return Cost(ceil(size / bandwidth), False, cycles.cube.source)
    if mnemonic == "tpush_to_aiv" or form.startswith("acc-"):
        return _drain(cycles.cube, rows, cols)
    if name in cycles.transfers:
        bandwidth, estimate = cycles.transfers[name]
        return Cost(ceil(size / bandwidth), estimate, cycles.transfer_source)
    return _vector(cycles.timings.get(name, cycles.unknown), rows, cols, element_bytes(dtype))


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


def _vector(timing: Timing, rows: int, cols: int, width: int) -> Cost:
    if timing.per_row:
        repeats = rows * ceil(cols * width / REPEAT_BYTES)
    else:
        repeats = ceil(rows * cols * width / REPEAT_BYTES)
    cycles = timing.once + timing.per_repeat * repeats + timing.per_row * rows + timing.per_lane * rows * cols
    return Cost(ceil(cycles), timing.estimate, timing.source)


def _product(cube: CubeTiming, m: int, k: int, n: int, dtype: str) -> Cost:
    passes = cube.fp32_passes if dtype == "f32" else 1
    fractals = ceil(m / 16) * ceil(k * element_bytes(dtype) / 32) * ceil(n / 16)
    return Cost(cube.mad_head + passes * fractals, False, cube.source)


def _drain(cube: CubeTiming, m: int, n: int) -> Cost:
    fractals = max(1, ceil(n / 8))
    odd = fractals // (fractals & -fractals)
    per_row = max(cube.drain_row, 4 * n / cube.drain_bytes) + cube.drain_penalty * (odd - 1)
    return Cost(ceil(cube.drain_once + m * per_row), False, cube.source)
