"""What the shell is offered for the beginning of a command line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dsv4_passes.cli.completion import following
from dsv4_passes.universe import DSV4_UNIVERSE

OPT = Path(sys.executable).with_name("dsv4-opt")


@pytest.mark.parametrize(
    ("begun", "offered"),
    [
        ("dsv4-ro", ["dsv4-rope"]),
        ("pto-raise,dsv4-lo", ["pto-raise,dsv4-lower-lanes"]),
        ("dsv4-rope{guard=exact},pto-lo", ["dsv4-rope{guard=exact},pto-lower"]),
        ("dsv4-rope{ch", ["dsv4-rope{chip="]),
        ("dsv4-rope{he", ["dsv4-rope{help}"]),
        (
            "dsv4-rope{chip=a3 form=bit",
            ["dsv4-rope{chip=a3 form=bit-swap", "dsv4-rope{chip=a3 form=bit-pack"],
        ),
        ("dsv4-rope{signed-zero=i", ["dsv4-rope{signed-zero=ignore"]),
        ("dsv4-rope{chip=a5", ["dsv4-rope{chip=a5"]),
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
        ("dsv4-opt -p pto-raise,dsv4-lo", ["pto-raise,dsv4-lower-lanes"]),
        ("dsv4-opt -t pyp", ["pypto"]),
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
    subprocess.run([OPT], env={**os.environ, **asked}, check=True)
    assert [word.strip() for word in answer.read_text().split("\v")] == offered
