"""A kernel for two is made only where it does not do more than the two, nor in fewer blocks."""

from collections.abc import Sequence

import pytest
from xdsl.dialects.builtin import ModuleOp

from dialects.dsv4.launch import LaunchOp
from dsv4_passes.diagnostics import collect
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.targets import LATEST
from dsv4_passes.targets.assumptions import Assumption, assuming
from dsv4_passes.transforms.fusion.fuse_stages import FusionTarget, fuse, fuse_all
from dsv4_passes.transforms.fusion.producer_consumer import CannotFuse, pairs
from dsv4_passes.transforms.program.work import Work, kernel_work, program_work
from tests.unit.programs import Kernel, arrays, program, same_bits, text

TENSORS = {"x": "64x16xf32", "big": "64x64xf32", "w": "1x16xf32", "stage": "64x16xf32", "out": "64x16xf32"}
STRICT, FREE = (FusionTarget("a3", LATEST, worse=worse) for worse in (False, True))


def make(blocks: int) -> Kernel:
    """The producer: 64 / `blocks` rows in each block, 8 in a trip."""
    body = f"""
for t in range(0, {8 // blocks}, 1):
    v = load(x, [(b * {8 // blocks} + t) * 8, 0], "8x16xf32")
    y = exp(v, "8x16xf32")
    store(y, [(b * {8 // blocks} + t) * 8, 0], stage)
"""
    return Kernel("make", blocks, ["x"], ["stage"], body)


def take(blocks: int, before: str = "", row: str = "") -> Kernel:
    """The consumer: reads what is before its loop, and multiplies 8 rows in a trip."""
    body = f"""
{before}
for t in range(0, {8 // blocks}, 1):
    v = load(stage, [(b * {8 // blocks} + t) * 8, 0], "8x16xf32")
    z = {row or 'mul(v, v, "8x16xf32")'}
    store(z, [(b * {8 // blocks} + t) * 8, 0], out)
"""
    reads = [name for name in ("big", "w") if f"load({name}" in before]
    return Kernel("take", blocks, [*reads, "stage"], ["out"], body)


def tried(kernels: Sequence[Kernel], target: FusionTarget) -> str:
    """What becomes of two kernels: nothing, with the same bits, or why they stay as they were."""
    names = {name for kernel in kernels for name in (*kernel.reads, *kernel.writes)}
    tensors = {name: shape for name, shape in TENSORS.items() if name in names}
    before = program(kernels, tensors, ["out"])
    after = before.clone()
    (pair,) = pairs(after)
    try:
        fuse(after, pair, target)
    except CannotFuse as problem:
        assert after.is_structurally_equivalent(before)
        return problem.reason
    assert same_bits(before, after, arrays(tensors))
    if not target.worse:
        ours, theirs = program_work(after), program_work(before)
        assert ours.moved <= theirs.moved
        assert ours.operations <= theirs.operations
        assert most_blocks(after) >= most_blocks(before)
    return ""


def most_blocks(module: ModuleOp) -> int:
    return max(op.block_count or 0 for op in module.walk() if isinstance(op, LaunchOp))


BIG = 'u = load(big, [0, 0], "64x64xf32")\nk = slice(u, [8, 16], [0, 0], "8x16xf32")'
CHAIN = '\nu = load(w, [0, 0], "1x16xf32")' + "\nu = exp(u, '1x16xf32')" * 6
SCALED = 'col_expand_mul(v, u, "8x16xf32")'


@pytest.mark.parametrize(
    ("kernels", "reason"),
    [
        pytest.param([make(8), take(8)], "", id="same grid"),
        pytest.param([make(8), take(2)], "", id="more blocks in front"),
        pytest.param([make(2), take(8)], "fewer blocks", id="more blocks behind"),
        pytest.param([make(4), take(4, BIG, 'mul(v, k, "8x16xf32")')], "", id="loaded as often"),
        pytest.param([make(8), take(2, BIG, 'mul(v, k, "8x16xf32")')], "more GM bytes", id="loaded again"),
        pytest.param([make(8), take(8, CHAIN, SCALED)], "", id="computed as often"),
        pytest.param([make(8), take(1, CHAIN, SCALED)], "more operations", id="computed again"),
    ],
)
def test_two_kernels_become_one_only_where_that_is_no_worse(kernels: list[Kernel], reason: str) -> None:
    assert tried(kernels, STRICT) == reason
    assert tried(kernels, FREE) == ""


ROWS = """
v = load(stage, [b * 16, 0], "16x16xf32")
z = exp(v, "16x16xf32")
store(z, [b * 16, 0], out)
"""
PRODUCT = """
p = load(x, [b * 16, 0], "16x16xbf16")
q = load(square, [0, 0], "16x16xbf16")
r = matmul(p, q, "16x16xf32")
store(r, [b * 16, 0], stage)
"""


def a_product_and_what_takes_it() -> ModuleOp:
    tensors = {"x": "64x16xbf16", "square": "16x16xbf16", "stage": "64x16xf32", "out": "64x16xf32"}
    kernels = [
        Kernel("make", 4, ["x", "square"], ["stage"], PRODUCT),
        Kernel("take", 4, ["stage"], ["out"], ROWS),
    ]
    lines = text(kernels, tensors, ["out"]).splitlines()
    for i, line in enumerate(lines):
        if (name := line.strip()[:2]) in ("p:", "q:", "r:"):
            lines[i] = line.replace("pl.Mem.Vec", "pl.Mem.Acc" if name == "r:" else "pl.Mem.Mat")
    return parse_program("\n".join(lines))


def test_a_kernel_that_is_costlier_by_the_model_is_not_made() -> None:
    """What the cube hands to the vector core in one kernel costs what is stated; two kernels use GM."""
    module = a_product_and_what_takes_it()
    with assuming([Assumption("hand_over", "0", "", "a test")]):
        fuse(module, pairs(module)[0], STRICT)
    module = a_product_and_what_takes_it()
    with assuming([Assumption("hand_over", "50", "", "a test")]), pytest.raises(CannotFuse) as caught:
        fuse(module, pairs(module)[0], STRICT)
    assert caught.value.reason == "costlier"
    assert "cycles by the model, and one of each takes" in str(caught.value)


def test_work_counts_trips_and_blocks() -> None:
    module = program([make(2)], {"x": TENSORS["x"], "stage": TENSORS["stage"]}, ["stage"])
    (launch,) = (op for op in module.walk() if isinstance(op, LaunchOp))
    one = Work(2 * 4 * 8 * 16 * 4, 4 * 3)
    assert kernel_work(launch.function()) == one
    assert program_work(module) == one.times(2)


def test_a_remark_says_what_would_lift_a_refusal() -> None:
    """A number of blocks that the text does not give is named as it stands there."""
    tensors = {name: TENSORS[name] for name in ("x", "stage", "out")}
    source = text([make(8), take(8)], tensors, ["out"]).replace('"core_num": 8', '"core_num": rows // 8')
    with collect() as said:
        fuse_all(parse_program(source))
    (message,) = (e.message for e in said.entries if e.outcome == "refused")
    assert message == (
        "not fused: in how many blocks 'make' runs is not known: the text says 'rows // 8' "
        "(what would lift it: run both in one number of blocks, stated as a number)"
    )
