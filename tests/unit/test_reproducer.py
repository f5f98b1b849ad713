"""What is saved of a planted bug: both texts, what differs, and an input on which they do when they are run."""

# ruff: noqa: E501  (long patterns)

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

from dialects.pto.elementwise import TSubOp
from dsv4_passes.cli.opt import main as opt
from dsv4_passes.cli.run import main as run
from dsv4_passes.transforms.memory.hoist_fills import HoistFillsPass

DATA = Path(__file__).resolve().parents[1] / "data"
FACTS = '"even_sel*" = "even"\n"odd_sel*" = "odd"\n'


def swap_difference(apply: Callable[..., None]) -> Callable[..., None]:
    def broken(self: HoistFillsPass, ctx: Context, op: ModuleOp) -> None:
        apply(self, ctx, op)
        found = next(inner for inner in op.walk() if isinstance(inner, TSubOp))
        found.operands[0], found.operands[1] = found.operands[1], found.operands[0]

    return broken


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Where a run with the bug left what it has to say; it wrote nothing else."""
    (tmp_path / "facts.toml").write_text(FACTS)
    monkeypatch.setattr(HoistFillsPass, "apply", swap_difference(HoistFillsPass.apply))

    def make(source: str, target: str) -> Path:
        out, folder = tmp_path / "out", tmp_path / "saved"
        facts = ["--facts", str(tmp_path / "facts.toml")] if "select" in (DATA / source).read_text() else []
        more = ["-p", "dsv4-rope{chip=a3}", "-t", target, "-o", str(out), "--reproducer", str(folder)]
        assert opt([str(DATA / source), *facts, *more]) == 1
        assert not out.exists()
        return folder

    return make


@pytest.mark.parametrize(
    ("source", "target"),
    [("rope_a/rope_a.pto", "pto"), ("rope_c/program.py", "pypto")],
    ids=["kernel", "program"],
)
def test_both_texts_and_an_input(
    source: str, target: str, saved: Callable[[str, str], Path], tmp_path: Path, capsys: Any
) -> None:
    folder = saved(source, target)
    assert "internal error in pass dsv4-hoist-fills" in capsys.readouterr().err
    suffix = Path(source).suffix
    names = {f"before{suffix}", f"after{suffix}", "counterexample.txt", "input.npz"}
    assert {path.name for path in folder.iterdir()} == names
    assert (folder / f"before{suffix}").read_text() == (DATA / source).read_text()
    report = (folder / "counterexample.txt").read_text()
    assert report.startswith("in pass dsv4-hoist-fills:")
    found = re.search(
        r"on input.npz, '(\w+)' row (\d+) lane (\d+) is .* before and .* after, in (\d+) blocks", report
    )
    assert found is not None
    results: list[Any] = []
    blocks = ["--blocks", found[4]] if suffix == ".pto" else []
    for text in ("before", "after"):
        out = tmp_path / f"{text}.npz"
        call = [str(folder / f"{text}{suffix}"), "--inputs", str(folder / "input.npz"), "--outputs", str(out)]
        assert run([*call, *blocks]) == 0
        array = np.load(out)[found[1]]
        results.append(array.reshape(-1, array.shape[-1])[int(found[2]), int(found[3])])
    assert results[0] != results[1]


def test_a_folder(saved: Callable[[str, str], Path], capsys: Any) -> None:
    folder = saved("rope_c/program.py", "pto")
    assert "internal error in pass dsv4-hoist-fills" in capsys.readouterr().err
    names = {path.name for path in folder.iterdir()}
    assert {"before.py", "program.json", "counterexample.txt", "input.npz"} < names
    assert any(name.endswith(".pto") for name in names)
    report = (folder / "counterexample.txt").read_text()
    assert re.search(r"^before: .*\nafter: ", report, re.MULTILINE)
    assert re.search(r"^on input.npz, '\w+' row \d+ lane \d+ is .* before and .* after", report, re.MULTILINE)
