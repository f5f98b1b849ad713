"""Pairs of kernels with random loop nests, orders and shared tensors: whatever is fused computes the same."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from dsv4_passes.diagnostics import collect
from dsv4_passes.formats.pto.reader import verify_module
from dsv4_passes.transforms.fusion.fuse_stages import fuse_all
from tests.unit.programs import Kernel, arrays, program, same_bits

ROWS = 64
TENSORS = {"x": "64x16xf32", "stage": "64x16xf32", "out": "64x48xf32"}


class Nest:
    """Loops that visit all tiles of `height` rows once, in some order: `row` is where the tile begins.

    The bits of the tile's number are dealt out to the block number and to up to two loops.
    """

    def __init__(self, rng: random.Random, height: int, name: str):
        bits = list(range((ROWS // height).bit_length() - 1))
        loops = rng.randint(0, 2)
        if rng.random() < 0.6:
            rng.shuffle(bits)
        dealt: list[list[int]] = [[] for _ in range(loops + 1)]
        for bit in bits:
            dealt[rng.randrange(len(dealt))].append(bit)
        self.blocks = 2 ** len(dealt[0])
        self.heads = [f"for {name}{i} in range(0, {2 ** len(mine)}, 1):" for i, mine in enumerate(dealt[1:])]
        variables = ["b", *(f"{name}{i}" for i in range(loops))]
        terms = [
            f"({variable} // {2**i} % 2) * {height * 2**bit}"
            if rng.random() < 0.5
            else f"({variable} // {2**i} - 2 * ({variable} // {2 ** (i + 1)})) * {height * 2**bit}"
            for variable, mine in zip(variables, dealt, strict=True)
            for i, bit in enumerate(mine)
        ]
        self.row = " + ".join(terms) or "0"

    def around(self, lines: list[str]) -> str:
        heads = ["    " * i + head for i, head in enumerate(self.heads)]
        return "\n".join([*heads, *("    " * len(heads) + line for line in lines)])


def place(rng: random.Random, row: str, height: int, columns: list[int]) -> str:
    return f"[{rng.choice([row, row, '0', f'{ROWS - height} - {row}'])}, {rng.choice(columns)}]"


def producer(rng: random.Random) -> Kernel:
    height = rng.choice([2, 4, 8, 16])
    nest = Nest(rng, height, "p")
    lines, writes = [f"r = {nest.row}"], ["stage"]
    columns = rng.choice([[0], [0, 8]])
    shape = f"{height}x{16 // len(columns)}xf32"
    for col in columns:
        lines += [f'v{col} = load(x, [r, {col}], "{shape}")', f'y{col} = exp(v{col}, "{shape}")']
        lines.append(f"store(y{col}, [r, {col}], stage)")
    if rng.random() < 0.4:
        writes.append("out")
        lines.append(f"store(v0, {place(rng, 'r', height, [0, 16, 32])}, out)")
    return Kernel("first", nest.blocks, ["x"], writes, nest.around(lines), ["out"])


def consumer(rng: random.Random) -> Kernel:
    height = rng.choice([1, 2, 4, 8, 16])
    nest = Nest(rng, height, "c")
    shape = f"{height}x16xf32"
    lines = [f"q = {nest.row}", f'z = load(stage, [q, 0], "{shape}")', f'u = neg(z, "{shape}")']
    if rng.random() < 0.4:
        lines.append(f'o = load(out, {place(rng, "q", height, [0, 16, 32])}, "{shape}")')
        lines.append(f'u = add(z, o, "{shape}")')
    if rng.random() < 0.3:
        lines.append('k = load(x, [3, 0], "1x16xf32")')
        lines.append(f'u = col_expand_mul(z, k, "{shape}")')
    lines.append(f"store(u, {place(rng, 'q', height, [0, 16])}, out)")
    return Kernel("second", nest.blocks, ["stage", "x"], ["out"], nest.around(lines), ["out"])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1 << 30))
def test_fused_pairs_compute_the_same_bits(seed: int) -> None:
    rng = random.Random(seed)
    before = program([producer(rng), consumer(rng)], TENSORS, ["out"])
    after = before.clone()
    with collect() as diagnostics:
        fuse_all(after)
    verify_module(after)
    assert diagnostics.entries
    assert same_bits(before, after, arrays(TENSORS))
