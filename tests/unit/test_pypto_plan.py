"""The vector memory that pypto's planner gives a kernel, and what is done where that is too much.

Numbers were compared with the addresses in what pypto a18c4cf92 generates.
"""

from pathlib import Path

import pytest
from xdsl.dialects import func

from dialects.dsv4.functions import program_functions
from dsv4_passes.cli.opt import main
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.transforms.memory.pypto_plan import too_large, vector_bytes
from tests.unit.kernels import DATA
from tests.unit.programs import KERNEL, MAIN

HEAD = "import pypto.language as pl\n\n@pl.program\nclass P:\n"
TENSOR = "pl.Tensor[[1024, 64], pl.FP32]"


def tile(rows: int, cols: int = 64, dtype: str = "FP32") -> str:
    return f"pl.Tile[[{rows}, {cols}], pl.{dtype}, pl.Mem.Vec]"


def kernel(*lines: str) -> func.FuncOp:
    """A kernel that reads `x` and `y` and writes `out`, of these lines."""
    body = "".join(f"        {line}\n" for line in (*lines, "return out_1"))
    signature = f"x: {TENSOR}, y: {TENSOR}, out: pl.Out[{TENSOR}]"
    text = f"{HEAD}    {KERNEL}\n    def k({signature}) -> {TENSOR}:\n{body}"
    text += f"    {MAIN}\n    def main(self, {signature}) -> {TENSOR}:\n"
    text += f"        out_1: {TENSOR} = self.k(x, y, out)\n        return out_1\n"
    return program_functions(parse_program(text, "test.py"), "kernel")[0]


def load(name: str, rows: int, tensor: str = "x", at: str = "0") -> str:
    shape = f"[{rows}, 64]"
    options = "target_memory=pl.Mem.Vec, transpose=False"
    return f"{name}: {tile(rows)} = pl.tile.load({tensor}, [{at}, 0], {shape}, {shape}, {options})"


def store(name: str, at: str = "0", into: str = "out", result: str = "out_1") -> str:
    return f"{result}: {TENSOR} = pl.tile.store({name}, [{at}, 0], {into})"


def made(name: str, rows: int, call: str, cols: int = 64) -> str:
    return f"{name}: {tile(rows, cols)} = pl.tile.{call}"


ROWS = 32
ONE = ROWS * 64 * 4


def test_a_tile_is_written_where_one_like_it_is_dead() -> None:
    lines = (load("a", ROWS), made("b", ROWS, "exp(a)"), made("c", ROWS, "exp(b)"), store("c"))
    assert vector_bytes(kernel(*lines)) == ONE


def test_one_of_another_shape_gets_bytes_of_its_own() -> None:
    wide = "pl.Tile[[32, 64], pl.BF16, pl.Mem.Vec]"
    lines = (load("a", ROWS), f"b: {wide} = pl.tile.cast(a, target_type=pl.BF16, mode='rint')")
    back = made("c", ROWS, "cast(b, target_type=pl.FP32, mode='rint')")
    assert vector_bytes(kernel(*lines, back, store("c"))) == ONE + ONE // 2


def test_what_reads_out_of_order_does_not_write_what_it_reads() -> None:
    lines = (load("a", ROWS), made("b", ROWS, "recip(a)"), made("c", ROWS, "exp(b)"), store("c"))
    assert vector_bytes(kernel(*lines)) == 2 * ONE


def test_views_are_where_their_tile_is() -> None:
    lines = (load("a", ROWS), made("b", 16, "reshape(a, [16, 128])", 128), made("c", 16, "exp(b)", 128))
    back = made("d", ROWS, "reshape(c, [32, 64])")
    assert vector_bytes(kernel(*lines, back, store("d"))) == 2 * ONE  # the shapes differ


def test_a_transpose_is_in_place_with_scratch_of_its_source() -> None:
    lines = (load("a", ROWS), made("b", 64, "transpose(a, 0, 1)", ROWS), made("c", 64, "exp(b)", ROWS))
    back = made("d", ROWS, "transpose(c, 0, 1)")
    assert vector_bytes(kernel(*lines, back, store("d"))) == 4 * ONE


@pytest.mark.parametrize(("kind", "bytes_"), [("range(8", 2), ("pipeline(8, stage=2", 4)])
def test_stages_of_a_loop_have_what_they_load_and_store(kind: str, bytes_: int) -> None:
    loop = f"for i, (out_i,) in pl.{kind}, init_values=(out,)):"
    body = (
        load("a", ROWS, at="i * 32"),
        load("b", ROWS, "y", at="i * 32"),
        made("c", ROWS, "add(a, b)"),
        store("c", "i * 32", "out_i", "out_n"),
        f"out_1: {TENSOR} = pl.yield_(out_n)",
    )
    found = vector_bytes(kernel(loop, *(f"    {line}" for line in body)))
    assert found >= bytes_ * ONE
    assert (found == 2 * ONE) == (kind == "range(8")


def test_what_is_made_before_a_loop_lives_until_it_ends() -> None:
    loop = "for i, (out_i,) in pl.range(8, init_values=(out,)):"
    body = (made("b", ROWS, "exp(a)"), made("c", ROWS, "exp(b)"), store("c", "i * 32", "out_i", "out_n"))
    yielded = f"out_1: {TENSOR} = pl.yield_(out_n)"
    lines = (load("a", ROWS), loop, *(f"    {line}" for line in (*body, yielded)))
    assert vector_bytes(kernel(*lines)) == 2 * ONE


def test_too_much_is_said_in_bytes() -> None:
    lines = [load(f"a{n}", 256, "x") for n in range(3)]
    sums = (made("b", 256, "add(a0, a1)"), made("c", 256, "add(b, a2)"))
    why = too_large(kernel(*lines, *sums, store("c")), "a3")
    assert why == "pypto plans 196608 bytes of 188416 in vec memory for 'k'"
    assert too_large(kernel(load("a", ROWS), store("a")), "a3") is None


def test_a_rewritten_kernel_fits_as_pypto_plans_it(tmp_path: Path) -> None:
    out = tmp_path / "out.py"
    for name in ("preserve_blend", "index_scatter", "chunked_select", "column_chunks"):
        program = DATA / "programs" / f"{name}.py"
        assert main([str(program), "-p", "dsv4-rope", "-t", "pypto", "-o", str(out), "--no-remarks"]) == 0
        for function in program_functions(parse_program(out.read_text()), "kernel"):
            assert too_large(function, "a3") is None
