"""A program as a folder of texts runs on numbers, as program.json says, against a program or a folder."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dsv4_passes.cli.program_folder import program_files
from dsv4_passes.cli.run import main as run
from dsv4_passes.cli.validate import main as validate
from dsv4_passes.diagnostics import collect
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.formats.pypto.target import program_text
from dsv4_passes.interpreter.program import run_program
from dsv4_passes.validation.program_folder import FolderProgram
from dsv4_passes.validation.sources import Question

DATA = Path(__file__).resolve().parents[1] / "data" / "programs"
DIFFERS, TESTED = 1, 2


def files_of(name: str, text: str = "") -> dict[str, str]:
    module = parse_program(text or (DATA / f"{name}.py").read_text(), f"{name}.py")
    return program_files(module, "0.60", None, "level3", "short", False)


@pytest.mark.parametrize("name", ["views", "products", "loops_in_place", "inplace", "symbolic_dim_create"])
def test_a_folder_does_what_its_program_does(name: str) -> None:
    """Views, loops, branches, tensors in place, symbolic extents: the same bits."""
    module = parse_program((DATA / f"{name}.py").read_text(), f"{name}.py")
    folder = FolderProgram(files_of(name))
    for before, after in ((module, folder), (folder, folder), (folder, module)):
        pair = Question().runs(before, after)
        assert pair.search(4) is None
        assert pair.tried == 4


def test_a_wrong_folder_is_told_by_numbers(tmp_path: Path, capsys: Any) -> None:
    """Where terms give up, and where they differ; the input that is saved shows it when the program runs."""
    program, folder, saved = DATA / "inplace.py", tmp_path / "folder", tmp_path / "input.npz"
    folder.mkdir()
    for name, text in files_of("inplace").items():
        (folder / name).write_text(text)
    undecided = [str(program), str(folder), "--seconds", "0", "--trials", "3"]
    assert validate(undecided) == TESTED
    assert "only tested: 3 inputs give the same bits" in capsys.readouterr().out
    kernel = next(path for path in folder.glob("*.pto") if "pto.tadd" in path.read_text())
    kernel.write_text(kernel.read_text().replace("pto.tadd", "pto.tsub", 1))
    assert validate([*undecided, "--save", str(saved)]) == DIFFERS
    assert validate([str(folder), str(program), "--trials", "3"]) == DIFFERS
    said = re.search(r"different: '(\w+)' row (\d+) lane (\d+) is (\S+) before", capsys.readouterr().out)
    assert said is not None
    out = tmp_path / "out.npz"
    assert run([str(program), "--inputs", str(saved), "--outputs", str(out)]) == 0
    found = np.load(out)[said[1]].reshape(-1, np.load(saved)[said[1]].shape[-1])
    assert str(found[int(said[2]), int(said[3])]) == said[4]


UNSIGNED = """# pypto.program: unsigned
import pypto.language as pl

@pl.program
class unsigned:
    @pl.function(type=pl.FunctionType.InCore)
    def count(self, out__ssa_v0: pl.Out[pl.Tensor[[8, 64], pl.UINT32]]) -> pl.Tensor[[8, 64], pl.UINT32]:
        i__tile: pl.Tile[[1, 64], pl.UINT32, pl.Mem.Vec] = pl.tile.ci(pl.const(4294967290, pl.UINT32), [1, 64], dtype=pl.UINT32, descending=False)
        rows__tile: pl.Tile[[8, 64], pl.UINT32, pl.Mem.Vec] = pl.tile.create([8, 64], dtype=pl.UINT32, target_memory=pl.Mem.Vec)
        full__tile: pl.Tile[[8, 64], pl.UINT32, pl.Mem.Vec] = pl.tile.col_expand(rows__tile, i__tile)
        ret__ssa_v1: pl.Tensor[[8, 64], pl.UINT32] = pl.tile.store(full__tile, [0, 0], out__ssa_v0)
        return ret__ssa_v1
"""  # noqa: E501


def test_scalars_of_unsigned_tiles(tmp_path: Path, capsys: Any) -> None:
    """Arithmetic is signless: they are cast. Program and text count through the end of 32 bits alike."""
    assert program_text(parse_program(UNSIGNED, "test.py")) == UNSIGNED
    files = files_of("", UNSIGNED)
    assert " : i32 to ui32" in files["count.pto"]
    (program := tmp_path / "program.py").write_text(UNSIGNED)
    (folder := tmp_path / "folder").mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    out = tmp_path / "out.npz"
    for kernel in (program, folder / "count.pto"):
        assert run([str(kernel), "--outputs", str(out)]) == 0
        counted = np.arange(64, dtype=np.uint32) + np.uint32(2**32 - 6)
        assert (np.load(out)["out"] == counted).all()
    assert run([str(folder), "--outputs", str(out)]) == 1
    filled = UNSIGNED.replace("pl.tile.create(", "pl.tile.full(").replace(
        "target_memory=pl.Mem.Vec", "value=1"
    )
    with collect() as said:
        parse_program(filled, "test.py")
    assert any("'pl.tile.full' is kept as text: fills no tile of ui32" in e.message for e in said.entries)
    expected = f"{folder}: error: expected one orchestration, found none; its kernels are 'count'\n"
    assert capsys.readouterr().err == expected


LARGE = """# pypto.program: large
import pypto.language as pl

@pl.program
class large:
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def twice(a__ssa_v0: pl.Tensor[[64, 16], pl.BF16], b__ssa_v0: pl.Tensor[[16, 256], pl.BF16], out__ssa_v0: pl.Out[pl.Tensor[[64, 256], pl.FP32]]) -> pl.Tensor[[64, 256], pl.FP32]:
        a__tile: pl.Tile[[64, 16], pl.BF16, pl.Mem.Mat] = pl.tile.load(a__ssa_v0, [0, 0], [64, 16], [64, 16], target_memory=pl.Mem.Mat, transpose=False)
        b__tile: pl.Tile[[16, 256], pl.BF16, pl.Mem.Mat] = pl.tile.load(b__ssa_v0, [0, 0], [16, 256], [16, 256], target_memory=pl.Mem.Mat, transpose=False)
        c__tile: pl.Tile[[64, 256], pl.FP32, pl.Mem.Acc] = pl.tile.matmul(a__tile, b__tile)
        d__tile: pl.Tile[[64, 256], pl.FP32, pl.Mem.Vec] = pl.tile.muls(c__tile, 2.0)
        out__tile: pl.Tensor[[64, 256], pl.FP32] = pl.tile.store(d__tile, [0, 0], out__ssa_v0)
        return out__tile
    @pl.function(type=pl.FunctionType.Orchestration, level=pl.Level.CHIP, role=pl.Role.Orchestrator)
    def main(self, a__ssa_v0: pl.Tensor[[64, 16], pl.BF16], b__ssa_v0: pl.Tensor[[16, 256], pl.BF16], out__ssa_v0: pl.Out[pl.Tensor[[64, 256], pl.FP32]]) -> pl.Tensor[[64, 256], pl.FP32]:
        out__ssa_v1: pl.Tensor[[64, 256], pl.FP32] = self.twice(a__ssa_v0, b__ssa_v0, out__ssa_v0)
        return out__ssa_v1
"""  # noqa: E501


def test_a_channel_has_as_many_slots_as_fit(tmp_path: Path, capsys: Any) -> None:
    """Eight slots of 64 KiB are more than vector memory; dsv4-run takes the folder."""
    files = files_of("large", LARGE)
    assert "slot_size = 65536, slot_num = 1" in files["twice.pto"]
    (kernel,) = json.loads(files["program.json"])["kernels"]
    assert [a["bytes_per_block"] for a in kernel["arguments"] if "bytes_per_block" in a] == [65536]
    given = {"a": np.full((64, 16), 0x3F80, np.uint16), "b": np.full((16, 256), 0x4000, np.uint16)}
    np.savez(tmp_path / "in.npz", a=given["a"], b=given["b"])
    expected = run_program(parse_program(LARGE, "large.py"), given)["out"]
    folder = tmp_path / "folder"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    out = tmp_path / "out.npz"
    command = [str(folder), "--inputs", str(tmp_path / "in.npz"), "--outputs", str(out)]
    assert run(command) == 0
    assert np.load(out)["out"].tobytes() == expected.tobytes()
    assert expected[0, 0] == 64
    # what is not written is said, and nothing runs
    described = json.loads(files["program.json"])
    described["kernels"][0] |= {"not written": "it needs 9 bytes"}
    (folder / "program.json").write_text(json.dumps(described))
    capsys.readouterr()
    assert run(command) == 1
    assert "program.json: error: 'twice' is not written: it needs 9 bytes" in capsys.readouterr().err
