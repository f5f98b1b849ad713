"""Kernels of other grids become one: the same bits, short live ranges, and reasons where they stay two."""

import re
from collections.abc import Sequence

import pytest
from xdsl.dialects import scf
from xdsl.dialects.builtin import ModuleOp

from dialects.dsv4.functions import KERNEL, program_functions
from dialects.dsv4.launch import LaunchOp
from dialects.pto.memory import TLoadOp
from dsv4_passes.diagnostics import Diagnostic, collect
from dsv4_passes.formats.pto.reader import verify_module
from dsv4_passes.transforms.fusion.fuse_stages import fuse_all
from tests.unit.programs import Kernel, arrays, program, same_bits

TENSORS = {"x": "64x16xf32", "w": "8x16xf32", "stage": "64x16xf32", "packed": "8x128xbf16"}
"""8 tokens x 8 heads of 16 lanes: `stage` has a row per token and head, `packed` a row per token."""


def scale(blocks: int, body: str = "", **changes: Sequence[str]) -> Kernel:
    """The producer: 8 / `blocks` tokens in each block, one per trip."""
    body = (
        body
        or f"""
for t in range(0, {8 // blocks}, 1):
    token = b * {8 // blocks} + t
    v = load(x, [token * 8, 0], "8x16xf32")
    u = load(w, [token, 0], "1x16xf32")
    y = col_expand_mul(v, u, "8x16xf32")
    store(y, [token * 8, 0], stage)
"""
    )
    return Kernel("scale", blocks, ["x", "w"], ["stage"], body)


def pack(tokens: int, heads: int, body: str = "") -> Kernel:
    """The consumer: `tokens` x `heads` in each block, one token per trip."""
    groups = 8 // heads
    body = (
        body
        or f"""
group = b - {groups} * (b // {groups})
for t in range(0, {tokens}, 1):
    token = b // {groups} * {tokens} + t
    y = load(stage, [token * 8 + group * {heads}, 0], "{heads}x16xf32")
    z = cast(y, "{heads}x16xbf16", target_type=pl.BF16, mode="rint")
    for h in range(0, {heads}, 1):
        row = slice(z, [1, 16], [h, 0], "1x16xbf16")
        store(row, [token, (group * {heads} + h) * 16], packed)
"""
    )
    return Kernel("pack", 8 // tokens * groups, ["stage"], ["packed"], body)


def fused(
    kernels: Sequence[Kernel], tensors: dict[str, str] = TENSORS, outputs: Sequence[str] = ("packed",)
) -> tuple[ModuleOp, list[Diagnostic]]:
    """The program after fusing, which must compute the same bits; and the remarks."""
    before = program(kernels, tensors, outputs)
    after = before.clone()
    with collect() as diagnostics:
        fuse_all(after)
    verify_module(after)
    assert same_bits(before, after, arrays(tensors))
    return after, diagnostics.entries


def one_launch(module: ModuleOp) -> LaunchOp:
    (launch,) = (op for op in module.walk() if isinstance(op, LaunchOp))
    return launch


def count(module: ModuleOp, name: str) -> int:
    return sum(op.name == name for f in program_functions(module, KERNEL) for op in f.walk())


# -- grids -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("blocks", [2, 4, 8])
@pytest.mark.parametrize(("tokens", "heads"), [(4, 4), (8, 2), (2, 8), (1, 4), (8, 8), (4, 1)])
def test_the_work_goes_to_the_producers_blocks(blocks: int, tokens: int, heads: int) -> None:
    module, (remark,) = fused([scale(blocks), pack(tokens, heads)])
    launch = one_launch(module)
    assert launch.block_count == blocks
    assert remark.outcome == "rewritten"
    assert [op.name for op in launch.function().walk() if isinstance(op, TLoadOp)].count("pto.tload") == 2


def test_a_loop_of_the_producer_stays_and_the_parts_go_into_it() -> None:
    module, (remark,) = fused([scale(4), pack(4, 4)])
    assert str(remark).endswith(
        "the work of the 4 blocks of 'pack' goes to the 4 of 'scale', 2 parts to each trip of a loop"
    )
    function = one_launch(module).function()
    loops = [op for op in function.body.block.ops if isinstance(op, scf.ForOp)]
    assert len(loops) == 1
    assert sum(isinstance(op, scf.ForOp) for op in loops[0].walk()) == 3
    assert count(module, "pto.tcvt") == 1, "the two parts are slices of one tile"


def test_a_long_loop_is_not_written_out() -> None:
    tensors = {"x": "800x16xf32", "w": "100x16xf32", "stage": "800x16xf32", "packed": "800x16xbf16"}
    first = scale(2, scale(2).body.replace("range(0, 4, 1)", "range(0, 50, 1)").replace("b * 4", "b * 50"))
    body = """
for t in range(0, 400, 1):
    y = load(stage, [t * 2, 0], "2x16xf32")
    z = cast(y, "2x16xbf16", target_type=pl.BF16, mode="rint")
    store(z, [t * 2, 0], packed)
"""
    after, (remark,) = fused([first, Kernel("pack", 1, ["stage"], ["packed"], body)], tensors)
    assert one_launch(after).block_count == 2
    assert str(remark).endswith("4 parts to each trip of a loop")


def test_parts_come_as_early_as_they_can() -> None:
    """Each part needs two trips of the producer; it stands behind them, not behind all."""
    first = Kernel(
        "scale",
        2,
        ["x"],
        ["stage"],
        """
for t in range(0, 8, 1):
    v = load(x, [b * 32 + t * 4, 0], "4x16xf32")
    y = exp(v, "4x16xf32")
    store(y, [b * 32 + t * 4, 0], stage)
""",
    )
    module, _ = fused([first, pack(1, 8)])
    order = [op.name for op in one_launch(module).function().walk() if isinstance(op, TLoadOp | scf.ForOp)]
    assert order == ["pto.tload", "pto.tload", "scf.for"] * 4


def test_what_all_parts_load_alike_is_loaded_once() -> None:
    second = Kernel(
        "pack",
        2,
        ["stage", "w"],
        ["packed"],
        """
u = load(w, [3, 0], "1x16xf32")
for t in range(0, 4, 1):
    token = b * 4 + t
    y = load(stage, [token * 8, 0], "8x16xf32")
    s = col_expand_mul(y, u, "8x16xf32")
    z = cast(s, "8x16xbf16", target_type=pl.BF16, mode="rint")
    for h in range(0, 8, 1):
        row = slice(z, [1, 16], [h, 0], "1x16xbf16")
        store(row, [token, h * 16], packed)
""",
    )
    module, _ = fused([scale(4), second])
    loop = next(op for op in one_launch(module).function().walk() if isinstance(op, scf.ForOp))
    assert sum(isinstance(op, TLoadOp) for op in loop.walk()) == 2


def test_columns_that_are_stored_apart_are_read_side_by_side() -> None:
    body = """
for t in range(0, 2, 1):
    for c in range(0, 16, 8):
        v = load(x, [b * 16 + t * 8, c], "8x8xf32")
        y = exp(v, "8x8xf32")
        store(y, [b * 16 + t * 8, c], stage)
"""
    module, _ = fused([scale(4, body), pack(4, 4)])
    assert count(module, "pto.insert") == 2
    assert count(module, "pto.tcvt") == 2, "one per column, for both parts together"


def test_a_branch_that_every_part_takes_alike_goes() -> None:
    body = pack(4, 4).body.replace("    z = ", "    if token < 100:\n      z = ", 1)
    lines = body.splitlines()
    at = next(i for i, line in enumerate(lines) if "if token" in line)
    inside = [
        "        " + line.strip() if i == 0 else "    " + line for i, line in enumerate(lines[at + 1 :])
    ]
    module, _ = fused([scale(4), pack(4, 4, "\n".join([*lines[: at + 1], *inside]))])
    assert count(module, "scf.if") == 0


@pytest.mark.parametrize("blocks", [2, 4, 8])
def test_offsets_that_are_linear_only_in_digits(blocks: int) -> None:
    """Tokens are packed in the order 0 2 4 6 1 3 5 7, from three loops around one another."""
    body = """
for p in range(0, 2, 1):
    for t in range(0, 4, 1):
        y = load(stage, [(t * 2 + p) * 8 + b * 4, 0], "4x16xf32")
        z = cast(y, "4x16xbf16", target_type=pl.BF16, mode="rint")
        for h in range(0, 4, 1):
            row = slice(z, [1, 16], [h, 0], "1x16xbf16")
            store(row, [p * 4 + t, (b * 4 + h) * 16], packed)
"""
    module, _ = fused([scale(blocks), Kernel("pack", 2, ["stage"], ["packed"], body)])
    assert one_launch(module).block_count == blocks


def test_the_same_grid_with_quotients_in_the_addresses() -> None:
    body = """
row = b // 2 * 32 + (b - 2 * (b // 2)) * 16
v = load(x, [row, 0], "16x16xf32")
y = exp(v, "16x16xf32")
store(y, [row, 0], stage)
"""
    second = """
for t in range(0, 2, 1):
    y = load(stage, [b * 16 + t * 8, 0], "8x16xf32")
    z = cast(y, "8x16xbf16", target_type=pl.BF16, mode="rint")
    for h in range(0, 8, 1):
        row = slice(z, [1, 16], [h, 0], "1x16xbf16")
        store(row, [b * 2 + t, h * 16], packed)
"""
    module, _ = fused([scale(4, body), Kernel("pack", 4, ["stage"], ["packed"], second)])
    assert one_launch(module).block_count == 4


# -- tensors of both -------------------------------------------------------------------------------

SHARED = {**TENSORS, "packed": "64x48xf32"}


def both(load: str, column: int, blocks: int = 8, update: str = "packed") -> list[Kernel]:
    """Both write `packed`, the producer its columns 16 to 31; the consumer loads some of it, too."""
    rows = 64 // blocks
    first = Kernel(
        "first",
        4,
        ["x"],
        ["stage", "packed"],
        """
for t in range(0, 2, 1):
    v = load(x, [b * 16 + t * 8, 0], "8x16xf32")
    y = exp(v, "8x16xf32")
    store(y, [b * 16 + t * 8, 0], stage)
    store(v, [b * 16 + t * 8, 16], packed)
""",
        ["packed"],
    )
    second = Kernel(
        "second",
        blocks,
        ["stage"],
        [update],
        f"""
u = load(packed, {load}, "{rows}x16xf32")
y = load(stage, [b * {rows}, 0], "{rows}x16xf32")
z = add(u, y, "{rows}x16xf32")
store(z, [b * {rows}, {column}], {update})
""",
        [update],
    )
    return [first, second]


def test_a_tensor_that_both_write() -> None:
    module, (remark,) = fused(both("[b * 8, 32]", 0), SHARED)
    assert one_launch(module).block_count == 4
    assert "'stage' no longer goes through GM" in remark.message


def test_what_the_same_block_stored_may_be_read_back_behind_it() -> None:
    """The order in a block is kept: no part may run before the producer has stored all it stores."""
    module, (remark,) = fused(both("[b * 8, 16]", 0), SHARED)
    assert remark.message.endswith("2 parts to each block")
    assert one_launch(module).block_count == 4
    assert count(module, "scf.for") == 0


@pytest.mark.parametrize("load", ["[56 - b * 8, 16]", "[56, 16]"])
def test_what_another_block_stored_may_not_be_read(load: str) -> None:
    assert refusal(both(load, 0), SHARED)[1] == "blocks share elements"


def test_a_place_that_both_write() -> None:
    fused(both("[b * 8, 32]", 16), SHARED)


# -- memory ----------------------------------------------------------------------------------------

LARGE = {"x": "4096x64xf32", "stage": "4096x64xf32", "packed": "4096x64xbf16"}


def large(rows: int) -> list[Kernel]:
    """The consumer takes as much at once as `rows` trips of the producer store."""
    first = f"""
for t in range(0, {2048 // 64}, 1):
    v = load(x, [b * 2048 + t * 64, 0], "64x64xf32")
    y = exp(v, "64x64xf32")
    store(y, [b * 2048 + t * 64, 0], stage)
"""
    second = f"""
y = load(stage, [b * {64 * rows}, 0], "{64 * rows}x64xf32")
z = cast(y, "{64 * rows}x64xbf16", target_type=pl.BF16, mode="rint")
store(z, [b * {64 * rows}, 0], packed)
"""
    return [
        Kernel("first", 2, ["x"], ["stage"], first),
        Kernel("second", 64 // rows, ["stage"], ["packed"], second),
    ]


def test_parts_do_not_wait_for_one_another_in_memory() -> None:
    """32 trips of 16 KiB each would not fit into vector memory together."""
    module, _ = fused(large(2), LARGE)
    assert count(module, "pto.tload") == 32


def test_what_does_not_fit() -> None:
    why, reason = refusal(large(16), LARGE)
    assert reason == "does not fit"
    assert "bytes of vec memory" in why


# -- refusals --------------------------------------------------------------------------------------


def refusal(kernels: Sequence[Kernel], tensors: dict[str, str] = TENSORS) -> tuple[str, str]:
    _, remarks = fused(kernels, tensors)
    (remark,) = (r for r in remarks if r.outcome == "refused")
    return re.sub(r"^.*?not fused: | \(what would lift it: .*\)$", "", str(remark)), remark.reason


def test_one_block_for_all() -> None:
    assert refusal([scale(1), pack(4, 4)]) == (
        "'scale' runs in one block and 'pack' in 4: one block would do all of their work",
        "different grids",
    )


def test_loads_of_two_blocks() -> None:
    body = """
y = load(stage, [b * 16, 0], "16x16xf32")
z = cast(y, "16x16xbf16", target_type=pl.BF16, mode="rint")
store(z, [0, b * 16], packed)
"""
    tensors = {**TENSORS, "packed": "16x64xbf16"}
    assert refusal([scale(8), Kernel("pack", 4, ["stage"], ["packed"], body)], tensors) == (
        "block 0 of 'pack' loads at once what blocks 0 and 1 of 'scale' store",
        "loads of several blocks",
    )


def test_what_nobody_stores() -> None:
    body = scale(4).body.replace("range(0, 2, 1)", "range(0, 1, 1)")
    assert refusal([scale(4, body), pack(4, 4)]) == (
        "'pack' loads element [8, 0] of 'stage', which nobody stores in 'scale'",
        "not stored in one block",
    )


def test_what_several_blocks_store() -> None:
    body = scale(4).body + "store(y, [0, 0], stage)\n"
    assert refusal([scale(4, body.replace("store(y, [0", "    store(y, [0")), pack(4, 4)]) == (
        "'pack' loads element [0, 0] of 'stage', which several blocks store in 'scale'",
        "not stored in one block",
    )


def test_uneven_work() -> None:
    body = """
for t in range(0, 7, 1):
    y = load(stage, [t * 8, 0], "8x16xf32")
    z = cast(y, "8x16xbf16", target_type=pl.BF16, mode="rint")
    for h in range(0, 8, 1):
        row = slice(z, [1, 16], [h, 0], "1x16xbf16")
        store(row, [t, h * 16], packed)
"""
    assert refusal([scale(4), Kernel("pack", 1, ["stage"], ["packed"], body)]) == (
        "blocks of 'scale' would get 1 to 2 parts of the work of 'pack'",
        "uneven work",
    )


def test_trips_that_are_not_independent() -> None:
    body = pack(4, 4).body.replace("store(row, [token, (group * 4 + h) * 16]", "store(row, [0, h * 16]")
    assert refusal([scale(2), pack(4, 4, body)]) == (
        "two blocks or trips of 'pack' touch element [0, 0] of 'packed'",
        "not a map",
    )


def test_offsets_that_are_read_from_memory() -> None:
    body = """
at = read(i, [b])
y = load(stage, [at * 8, 0], "8x16xf32")
z = cast(y, "8x16xbf16", target_type=pl.BF16, mode="rint")
store(z, [b * 8, 0], packed)
"""
    tensors = {**TENSORS, "packed": "64x16xbf16", "i": "8xi32"}
    assert refusal([scale(4), Kernel("pack", 8, ["stage", "i"], ["packed"], body)], tensors) == (
        "where 'pack' loads 'stage' is not known",
        "not a map",
    )


def test_more_parts_than_are_written_out() -> None:
    tensors = {**TENSORS, "packed": "64x16xbf16"}
    body = """
y = load(stage, [b // 16, b - 16 * (b // 16)], "1x1xf32")
z = cast(y, "1x1xbf16", target_type=pl.BF16, mode="rint")
store(z, [b // 16, b - 16 * (b // 16)], packed)
"""
    assert refusal([scale(4), Kernel("pack", 1024, ["stage"], ["packed"], body)], tensors) == (
        "each block of 'scale' would get 256 parts of the work of 'pack', more than 64",
        "too many tasks",
    )


# -- chains ----------------------------------------------------------------------------------------


def test_a_chain_of_three_grids() -> None:
    """Like sparse attention: 8, 4 and 4 blocks; the first and the last write other lanes of `packed`."""
    tensors = {**TENSORS, "merged": "64x16xf32", "packed": "8x512xbf16"}
    merge = Kernel(
        "merge",
        8,
        ["x"],
        ["merged", "packed"],
        """
for r in range(0, 8, 4):
    v = load(x, [b * 8 + r, 0], "4x16xf32")
    y = exp(v, "4x16xf32")
    store(y, [b * 8 + r, 0], merged)
    z = cast(v, "4x16xbf16", target_type=pl.BF16, mode="rint")
    for h in range(0, 4, 1):
        row = slice(z, [1, 16], [h, 0], "1x16xbf16")
        store(row, [b, (r + h) * 64], packed)
""",
        ["packed"],
    )
    rope = Kernel("rope", 4, ["merged", "w"], ["stage"], scale(4).body.replace("load(x", "load(merged"))
    last = Kernel(
        "pack",
        4,
        ["stage"],
        ["packed"],
        pack(4, 4).body.replace(" + h) * 16]", " + h) * 64 + 48]"),
        ["packed"],
    )
    module, remarks = fused([merge, rope, last], tensors)
    assert [r.outcome for r in remarks] == ["rewritten", "rewritten"]
    assert one_launch(module).block_count == 8
    assert count(module, "pto.tload") == 3
