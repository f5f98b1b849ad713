"""What the shell is offered for the beginning of a command line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dsv4_passes.cli.completion import following
from dsv4_passes.cli.opt import main
from dsv4_passes.universe import DSV4_UNIVERSE

OPT = Path(sys.executable).with_name("dsv4-opt")


@pytest.mark.parametrize(
    ("begun", "offered"),
    [
        ("dsv4-ro", ["dsv4-rope", "dsv4-rope{"]),
        ("pto-rai", ["pto-raise"]),
        ("pto-raise,dsv4-lo", ["pto-raise,dsv4-lower-lanes", "pto-raise,dsv4-lower-lanes{"]),
        ("dsv4-f", ["dsv4-fit-ub", "dsv4-forward-copies", "dsv4-fuse-stages", "dsv4-fold-lanes"]),
        (
            "dsv4-rope{guard=exact},pto-lo",
            ["dsv4-rope{guard=exact},pto-lower", "dsv4-rope{guard=exact},pto-lower{"],
        ),
        (
            "dsv4-rope{ch",
            ["dsv4-rope{chip=a2a3", "dsv4-rope{chip=a2", "dsv4-rope{chip=a3", "dsv4-rope{chip=a5"],
        ),
        ("dsv4-rope{he", ["dsv4-rope{help}"]),
        (
            "dsv4-bind-facts{",
            ["dsv4-bind-facts{file=", "dsv4-bind-facts{others=", "dsv4-bind-facts{help}"],
        ),
        ("dsv4-bind-facts{f", ["dsv4-bind-facts{file="]),
        ("dsv4-bind-facts{others=ignore ", ["dsv4-bind-facts{others=ignore file="]),
        (
            "dsv4-rope{chip=a3 form=bit",
            ["dsv4-rope{chip=a3 form=bit-swap", "dsv4-rope{chip=a3 form=bit-pack"],
        ),
        (
            "pto-lower{chip=a3 ptoas=0.57 level=level3 form=in",
            ["pto-lower{chip=a3 ptoas=0.57 level=level3 form=input}"],
        ),
        (
            "dsv4-bind-facts{others=i",
            ["dsv4-bind-facts{others=ignore}", "dsv4-bind-facts{others=ignore file="],
        ),
        ("pto-raise,nothing-like-it", []),
        ("nothing{ch", []),
        ("hel", ["help"]),
    ],
)
def test_passes_and_their_options(begun: str, offered: list[str]) -> None:
    assert list(following(begun, DSV4_UNIVERSE.all_passes)) == offered


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("dsv4-opt --mlir-print-ir-after-c", ["--mlir-print-ir-after-change"]),
        ("dsv4-opt -p pto-raise,dsv4-lo", ["pto-raise,dsv4-lower-lanes", "pto-raise,dsv4-lower-lanes\\{"]),
        (
            "dsv4-opt --mlir-print-ir-after pto-raise,dsv4-fo",
            ["pto-raise,dsv4-forward-copies", "pto-raise,dsv4-fold-lanes"],
        ),
        ("dsv4-run --bl", ["--blocks"]),
        ("dsv4-validate --diagnostic-format js", ["json"]),
        ("dsv4-opt -t pyp", ["pypto", "pypto\\{"]),
    ],
)
def test_the_shell_asks_the_tool(line: str, offered: list[str], tmp_path: Path) -> None:
    answer = tmp_path / "answer"
    asked = {
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_SHELL": "bash",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(answer),
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
    }
    subprocess.run([OPT.with_name(line.split()[0])], env={**os.environ, **asked}, check=True)
    assert [word.strip() for word in answer.read_text().split("\v")] == offered


@pytest.mark.parametrize("tool", ["opt", "run", "validate"])
def test_tools_are_found_by_global_completion(tool: str) -> None:
    """argcomplete looks for its mark in the first kilobyte of the module that an entry point names."""
    source = Path(main.__code__.co_filename).with_name(f"{tool}.py")
    assert "PYTHON_ARGCOMPLETE_OK" in source.read_text()[:1024]
