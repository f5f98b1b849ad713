"""What program texts import the language module as, and which imports are read."""

import re
from pathlib import Path

import pytest

from dsv4_passes.cli.opt import main
from dsv4_passes.diagnostics import UserError, collect
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.formats.pypto.target import program_text
from tests.unit.kernels import DATA

IMPORT = "import pypto.language as pl"
TEXT = (DATA / "staged" / "program.py").read_text()


def under(name: str, statement: str, text: str = TEXT) -> str:
    return re.sub(r"\bpl\.", f"{name}.", text).replace("import pypto.language as pl", statement, 1)


IMPORTS = [
    ("pl", "from pypto import language as pl"),
    ("pl", "import pypto.language as pl, pypto.language.distributed as pld"),
    ("pl", "import pypto.language as pl\nfrom pypto.language import distributed as pld"),
    ("pl", ""),
    ("tl", "from pypto import language as tl"),
    ("tl", "import pypto.language as tl"),
    ("language", "from pypto import language"),
]


@pytest.mark.parametrize(("name", "statement"), IMPORTS)
def test_the_language_may_have_any_name(name: str, statement: str) -> None:
    text = under(name, statement)
    module = parse_program(text)
    assert program_text(module) == text
    # printed anew it is what the usual text becomes, under that name
    usual = program_text(parse_program(TEXT), verbatim=False)
    assert program_text(module, verbatim=False) == under(name, statement, usual)


@pytest.mark.parametrize("path", sorted((DATA / "programs").glob("*.py")), ids=lambda path: path.stem)
def test_programs_come_back_under_another_name(path: Path) -> None:
    text = under("tl", "from pypto import language as tl", path.read_text())
    with collect():
        assert program_text(parse_program(text)) == text


def test_a_rewritten_program_keeps_the_name(tmp_path: Path) -> None:
    written: list[str] = []
    for name, statement in (("pl", IMPORT), ("lang", "from pypto import language as lang")):
        source, output = tmp_path / f"{name}.py", tmp_path / f"{name}.out.py"
        source.write_text(under(name, statement))
        command = [str(source), "-p", "dsv4-rope{chip=a3}", "-t", "pypto", "-o", str(output), "--no-remarks"]
        command += ["--facts", str(DATA / "staged" / "cpu_sim.npz")]
        assert main(command) == 0
        written.append(output.read_text())
    usual, other = written
    assert usual != TEXT
    assert other == under("lang", "from pypto import language as lang", usual)


@pytest.mark.parametrize(
    ("statement", "line", "message"),
    [
        ("import pypto.language", "", "expected 'import pypto.language as pl'"),
        ("from pypto import language as pl, ir", "", "expected 'import pypto.language as pl'"),
        ("import torch", "", "expected 'import pypto.language as pl'"),
        ("from pypto import language as tl", "tl", "'tl' is the language module"),
    ],
)
def test_other_imports_and_uses_of_the_name_are_errors(statement: str, line: str, message: str) -> None:
    text = TEXT.replace(IMPORT, statement, 1)
    if line:
        text = re.sub(r"(def \w+\(self, )\w+", rf"\1{line}", text, count=1)
        text = text.replace("(self, ", f"(self, {line}: pl.Scalar[pl.INT32], ", 1)
    with pytest.raises(UserError, match=re.escape(message)):
        parse_program(text)
