"""Kernels that do not fit into vector memory work on fewer rows at a time, and compute the same bits."""

import re

import pytest
from xdsl.dialects import scf
from xdsl.dialects.builtin import ModuleOp

from dialects.dsv4.functions import KERNEL, program_functions
from dialects.pto.base import TileOp, layout_of
from dialects.pto.memory import constant_int
from dialects.pto.types import TileType
from dsv4_passes.diagnostics import Diagnostic, collect
from dsv4_passes.formats.pto.reader import verify_module
from dsv4_passes.transforms.fusion.fuse_stages import fuse_all
from dsv4_passes.transforms.memory.fit_ub import fit_function, too_large
from tests.unit.programs import Kernel, arrays, program, same_bits

TENSORS = {"x": "1024x64xf32", "c": "1x32xf32", "s": "512x32xf32", "inv": "2x512xf32", "y": "1024x64xbf16"}
ROTATE = """
v = load(x, [b * 512, 0], "512x64xf32")
e = gather_mask(v, "512x32xf32", mask_pattern=1)
o = gather_mask(v, "512x32xf32", mask_pattern=2)
cc = load(c, [0, 0], "1x32xf32")
ss = load(s, [0, 0], "512x32xf32")
p = col_expand_mul(e, cc, "512x32xf32")
q = mul(o, ss, "512x32xf32")
r = sub(p, q, "512x32xf32")
z = cast(r, "512x32xbf16", target_type=pl.BF16, mode="rint")
store(z, [b * 512, 32], y)
store(z, [b * 512, 0], y)
"""


def kernel(body: str) -> Kernel:
    return Kernel("k", 2, ["x", "c", "s", "inv"], ["y"], body, ["y"])


def fit(body: str) -> tuple[ModuleOp, list[Diagnostic]]:
    before = program([kernel(body)], TENSORS, ["y"])
    after = before.clone()
    with collect() as diagnostics:
        fit_function(program_functions(after, KERNEL)[0], "a2a3")
    verify_module(after)
    assert same_bits(before, after, arrays(TENSORS))
    return after, diagnostics.entries


def steps(module: ModuleOp) -> list[int | None]:
    return [constant_int(op.step) for op in module.walk() if isinstance(op, scf.ForOp)]


def tallest(module: ModuleOp) -> int:
    values = [r for op in module.walk() if isinstance(op, TileOp) for r in op.res]
    return max(layout_of(v).rows for v in values if isinstance(v.type, TileType))


def test_rows_in_chunks() -> None:
    module, (remark,) = fit(ROTATE)
    assert remark.message == "'k' works on 256 rows at a time, which fit into vector memory"
    assert steps(module) == [256]
    assert tallest(module) == 256
    assert too_large(program_functions(module, KERNEL)[0], "a2a3") is None


def test_a_row_that_becomes_a_column_is_cut_along_it() -> None:
    body = ROTATE.replace(
        "e = gather", 'i = load(inv, [b, 0], "1x512xf32")\nk = neg(i, "1x512xf32")\n'
        'j = reshape(k, [512, 1], "512x1xf32")\nw = row_expand_mul(v, j, "512x64xf32")\ne = gather', 1
    ).replace("gather_mask(v", "gather_mask(w")  # fmt: skip
    module, (remark,) = fit(body)
    assert remark.outcome == "rewritten"
    assert tallest(module) == steps(module)[0]


def test_what_fits_stays() -> None:
    module, remarks = fit(ROTATE.replace("512", "64"))
    assert remarks == []
    assert steps(module) == []


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ('t = col_sum(r, "1x32xf32")\nstore(t, [b, 0], c)', "its rows meet in 'pto.tcolsum'"),
        ('t = slice(z, [8, 32], [8, 0], "8x32xbf16")\nstore(t, [0, 0], y)', "its rows meet in 'pto.subview'"),
        (
            "for t in range(0, 4, 1):\n"
            '    u = slice(z, [1, 32], [t, 0], "1x32xbf16")\n'
            "    store(u, [t, 0], y)",
            "tiles of 512 rows go into or out of a loop or branch",
        ),
    ],
)
def test_rows_that_meet(more: str, reason: str) -> None:
    tensors = {**TENSORS, "c": "1x32xf32"}
    writes = ["y", "c"] if "c)" in more else ["y"]
    body = ROTATE.replace("col_expand_mul(e, cc", "mul(e, ss").replace(
        'cc = load(c, [0, 0], "1x32xf32")\n', ""
    )
    given = Kernel("k", 1, ["x", "s"], writes, body + more, writes)
    module = program([given], tensors, writes)
    with collect() as diagnostics:
        assert not fit_function(program_functions(module, KERNEL)[0], "a2a3")
    (remark,) = diagnostics.entries
    assert remark.reason == "does not fit"
    assert re.search(
        r"needs \d+ bytes of vec memory, .* usable, and it cannot work on less at a time: ", remark.message
    )
    assert remark.message.endswith(reason)


def test_fused_kernels_are_chunked_too() -> None:
    tensors = {**TENSORS, "t": "1024x32xf32"}
    first = Kernel(
        "first",
        2,
        ["x", "s"],
        ["t"],
        """
v = load(x, [b * 512, 0], "512x32xf32")
u = load(s, [0, 0], "512x32xf32")
p = mul(v, u, "512x32xf32")
store(p, [b * 512, 0], t)
""",
    )
    second = Kernel(
        "second",
        2,
        ["t", "x", "s"],
        ["y"],
        """
u = load(s, [0, 0], "512x32xf32")
v = load(t, [b * 512, 0], "512x32xf32")
w = load(x, [b * 512, 32], "512x32xf32")
p = add(v, w, "512x32xf32")
q = add(p, u, "512x32xf32")
r = mul(q, w, "512x32xf32")
o = mul(r, p, "512x32xf32")
z = cast(o, "512x32xbf16", target_type=pl.BF16, mode="rint")
store(z, [b * 512, 0], y)
""",
        ["y"],
    )
    before = program([first, second], tensors, ["y"])
    after = before.clone()
    with collect() as diagnostics:
        assert fuse_all(after) == 1
    assert same_bits(before, after, arrays(tensors))
    assert steps(after) == [256]
    assert [r.outcome for r in diagnostics.entries] == ["note", "rewritten"]
