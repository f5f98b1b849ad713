"""dsv4-opt as a program: start-up, what goes to which stream, internal errors."""

import subprocess
import sys
from pathlib import Path

import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from dsv4_passes.cli.driver import Dsv4OptMain
from dsv4_passes.cli.opt import main
from dsv4_passes.diagnostics import note, one_line, refused, rewritten, warning

DATA = Path(__file__).resolve().parents[1] / "data"
KERNEL = DATA / "rope_c" / "rope_c.pto"

IMPORTS = """
import sys
from dsv4_passes.cli.opt import main
code = main(sys.argv[1:])
print(sorted({"numpy", "ml_dtypes", "rich", "dialects.pto", "dsv4_passes.interpreter"} & set(sys.modules)))
sys.exit(code)
"""


@pytest.mark.parametrize(
    ("kernel", "loaded"),
    [("", []), ("func.func @f() { return }", []), (KERNEL.read_text(), ["dialects.pto"])],
)
def test_starting_loads_only_what_a_text_needs(tmp_path: Path, kernel: str, loaded: list[str]):
    """numpy alone would double the time that a small run takes."""
    file = tmp_path / "k.pto"
    file.write_text(kernel)
    target = ["-t", "pto"] if loaded else []
    run = subprocess.run(
        [sys.executable, "-c", IMPORTS, str(file), *target], capture_output=True, text=True, check=True
    )
    assert run.stdout.splitlines()[-1] == str(loaded)


class Talks(ModulePass):
    """Says one of everything."""

    name = "test-talks"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        first = op.body.block.first_op
        assert first is not None
        note(first, "a note")
        rewritten(first, "a site rewritten")
        refused(first, "a site refused", "why")
        warning(first, "a warning")


class Breaks(ModulePass):
    """Has a defect."""

    name = "test-breaks"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        raise KeyError("gone")


class Spoils(ModulePass):
    """Leaves what does not verify."""

    name = "test-spoils"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        first = next(o for o in op.walk() if o.name == "pto.tadd")
        first.operands = first.operands[:-1]


@pytest.fixture(autouse=True)
def passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the passes above known to the tool."""
    register = Dsv4OptMain.register_all_passes

    def register_all_passes(self: Dsv4OptMain) -> None:
        register(self)
        for pass_ in (Talks, Breaks, Spoils):
            self.register_pass(pass_.name, lambda pass_=pass_: pass_)

    monkeypatch.setattr(Dsv4OptMain, "register_all_passes", register_all_passes)


SITES = ["remark: a site rewritten", "remark: a site refused"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], SITES),
        (["--remarks"], ["remark: a note", *SITES]),
        (["--no-remarks"], []),
        (["--remarks", "--warn"], ["remark: a note", *SITES, "warning: a warning"]),
        (["--no-remarks", "--warn"], ["warning: a warning"]),
    ],
)
def test_remarks_go_to_stderr(options: list[str], expected: list[str], capsys: pytest.CaptureFixture[str]):
    assert main([str(KERNEL), "-p", "test-talks", *options]) == 0
    said = capsys.readouterr()
    assert said.err.splitlines() == [f"{KERNEL}:2:3: {text}" for text in expected]
    assert said.out.startswith("builtin.module")


def test_a_defect_of_a_pass_is_one_line_with_its_name(capsys: pytest.CaptureFixture[str]):
    assert main([str(KERNEL), "-p", "cse,test-breaks"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        "internal error in pass test-breaks: KeyError: 'gone' (run with --debug for a traceback)\n"
    )


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    arguments = [str(KERNEL), "-p", "test-breaks", "--debug"]
    monkeypatch.setattr(sys, "argv", ["dsv4-opt", *arguments])
    assert main(arguments) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_pass_that_leaves_wrong_ir_is_named(capsys: pytest.CaptureFixture[str]):
    kernel = DATA / "handwritten" / "pair.pto"
    assert main([str(kernel), "-p", "test-spoils,cse"]) == 1
    said = capsys.readouterr()
    assert said.err.startswith(f"{kernel}:26:5: error: after pass test-spoils: 'pto.tadd' op ")
    assert said.err.count("\n") == 1
    assert main([str(kernel), "-p", "test-spoils", "--verify-diagnostics"]) == 0
    assert "after pass test-spoils" in capsys.readouterr().out


def test_facts_run_before_the_pipeline(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    facts = tmp_path / "facts.json"
    facts.write_text("{}")
    tool = Dsv4OptMain([str(KERNEL), "--facts", str(facts), "--facts", str(facts), "-p", "cse"])
    assert [p.name for p in tool.pipeline.passes] == ["dsv4-bind-facts", "dsv4-bind-facts", "cse"]
    assert main([str(KERNEL), "--facts", str(tmp_path / "none.json")]) == 1
    assert capsys.readouterr().err == f"{tmp_path / 'none.json'}: error: no such file\n"


def test_one_line():
    assert one_line("a\n  b\tc") == "a b c"
