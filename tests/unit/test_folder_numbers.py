"""A program as a folder of texts runs on numbers, as program.json says, against a program or a folder."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dsv4_passes.cli.program_folder import program_files
from dsv4_passes.cli.run import main as run
from dsv4_passes.cli.validate import main as validate
from dsv4_passes.formats.pypto import parse_program
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
