"""Certificates of kernels, programs and folders: they hold for what they are about, and for nothing else."""

import json
import re
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from dsv4_passes.cli.opt import main as opt
from dsv4_passes.cli.validate import main as validate
from dsv4_passes.validation.sources import load

DATA = Path(__file__).resolve().parents[1] / "data"
SUB = r"((?:pto\.tsub ins\(|pl\.tile\.sub\())([%\w]+), ([%\w]+)"
HOLDS, WRONG = 0, 1
FACTS = '"even_sel*" = "even"\n"odd_sel*" = "odd"\n'
KINDS = {
    "kernel": ("rope_a/rope_a.pto", "pto"),
    "program": ("staged/program.py", "pypto"),
    "folder": ("staged/program.py", "pto"),
}


def made(kind: str, folder: Path) -> None:
    """An input, what is written of it, its facts, and the certificate, all in one folder."""
    source, target = KINDS[kind]
    here = Certified(kind, folder)
    here.source.write_text((DATA / source).read_text())
    here.facts.write_text(FACTS)
    files = ["--facts", str(here.facts), "-o", str(here.out), "--certificate", str(here.paper)]
    assert opt([str(here.source), "-p", "dsv4-rope{chip=a3}", "-t", target, *files]) == 0


class Certified:
    """A folder that `made` wrote."""

    def __init__(self, kind: str, folder: Path):
        self.kind, self.paper = kind, folder / "certificate.json"
        self.source = folder / Path(KINDS[kind][0]).name
        self.facts = folder / "facts.toml"
        self.out = folder / ("out" if kind == "folder" else f"out{self.source.suffix}")

    def check(self) -> int:
        return validate(["--certificate", str(self.paper)])

    @property
    def text(self) -> Path:
        """The text that was written, or one of them."""
        return sorted(self.out.glob("*.pto"))[0] if self.kind == "folder" else self.out

    def claim(self, change: Callable[[dict[str, Any]], None]) -> None:
        said = json.loads(self.paper.read_text())
        change(said)
        self.paper.write_text(json.dumps(said))


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """By kind, a folder that nobody changes."""

    @cache
    def original(kind: str) -> Path:
        folder = tmp_path_factory.mktemp(kind)
        made(kind, folder)
        return folder

    return original


@pytest.fixture(params=KINDS)
def certified(request: pytest.FixtureRequest, originals: Callable[[str], Path], tmp_path: Path) -> Certified:
    """A copy, whose certificate is about the copied files."""
    original, folder = originals(request.param), tmp_path / "copy"
    shutil.copytree(original, folder)
    here = Certified(request.param, folder)
    here.paper.write_text(here.paper.read_text().replace(str(original), str(folder)))
    return here


def test_it_holds_for_what_it_is_about(certified: Certified, capsys: Any) -> None:
    said = json.loads(certified.paper.read_text())
    assert said["target"] == KINDS[certified.kind][1]
    assert {kernel["outcome"] for kernel in said["kernels"]} == {"proved"}
    assert all(kernel["lanes"] > 0 for kernel in said["kernels"])
    assert certified.check() == HOLDS
    assert "proved equal again" in capsys.readouterr().out


def test_another_input(certified: Certified, capsys: Any) -> None:
    certified.source.write_text(certified.source.read_text() + "\n")
    assert certified.check() == WRONG
    err = capsys.readouterr().err
    assert f"{certified.source}: error: is not the text that the certificate is about" in err


def test_another_output(certified: Certified, capsys: Any) -> None:
    certified.text.write_text(certified.text.read_text() + "\n")
    assert certified.check() == WRONG
    assert f"{certified.out}: error: is not the text that the certificate is about" in capsys.readouterr().err


def test_other_facts(certified: Certified, capsys: Any) -> None:
    certified.facts.write_text('"even_sel*" = "odd"\n"odd_sel*" = "even"\n')
    assert certified.check() == WRONG
    err = capsys.readouterr().err
    assert f"{certified.facts}: error: is not the file of facts that the certificate is about" in err


def test_facts_that_are_gone(certified: Certified, capsys: Any) -> None:
    certified.facts.unlink()
    assert certified.check() == WRONG
    assert str(certified.facts) in capsys.readouterr().err


def test_another_target(certified: Certified, capsys: Any) -> None:
    """What was written is no text of that target."""
    other = {"pto": "pypto", "pypto": "pto"}
    certified.claim(lambda said: said.update(target=other[said["target"]]))
    assert certified.check() == WRONG
    assert "the certificate says target" in capsys.readouterr().err


def test_fewer_conditions(certified: Certified, capsys: Any) -> None:
    """It says that nothing has to be finite."""

    def nothing(said: dict[str, Any]) -> None:
        for kernel in said["kernels"]:
            kernel["conditions"] = []

    certified.claim(nothing)
    assert certified.check() == WRONG
    assert "rests on more than the certificate says" in capsys.readouterr().err


def test_a_kernel_that_is_not_there(certified: Certified, capsys: Any) -> None:
    certified.claim(lambda said: said["kernels"].append({**said["kernels"][0], "name": "another"}))
    assert certified.check() == WRONG
    assert "'another' is not proved equal: there is no such kernel" in capsys.readouterr().err


def test_a_difference_that_is_said_to_be_undecided(certified: Certified, capsys: Any) -> None:
    """The text is wrong, its hash is right, and the certificate says that terms cannot tell."""
    text = next(
        path
        for path in (sorted(certified.out.glob("*.pto")) if certified.kind == "folder" else [certified.out])
        if re.search(SUB, path.read_text())
    )
    text.write_text(re.sub(SUB, r"\1\3, \2", text.read_text(), count=1))

    def lie(said: dict[str, Any]) -> None:
        said["output"]["sha256"] = load(str(certified.out)).hashes()
        for kernel in said["kernels"]:
            kernel.update(outcome="undecided")

    certified.claim(lie)
    assert certified.check() == WRONG
    assert "is not proved equal" in capsys.readouterr().err


def test_other_lanes(certified: Certified, capsys: Any) -> None:
    def fewer(said: dict[str, Any]) -> None:
        for kernel in said["kernels"]:
            kernel.update(outputs=kernel.get("outputs", ["x"])[:-1])

    certified.claim(fewer)
    assert certified.check() == WRONG
    assert "the certificate says" in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong",
    [
        lambda said: said["kernels"][0].update(outcome="fine"),
        lambda said: said.pop("sites"),
        lambda said: said.update(facts=["facts.toml"]),
        lambda said: said.update(kernels=["k"]),
    ],
)
def test_what_is_no_certificate(wrong: Any, tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "certificate.json"
    said: dict[str, Any] = {
        "version": 1,
        "target": "pto",
        "passes": "",
        "input": {"path": str(DATA / "rope_c" / "rope_c.pto"), "sha256": {}},
        "output": {"path": str(DATA / "rope_c" / "rope_c.pto"), "sha256": {}},
        "facts": {},
        "sites": [],
        "kernels": [{"name": "rope_c", "outcome": "proved"}],
    }
    wrong(said)
    path.write_text(json.dumps(said))
    assert validate(["--certificate", str(path)]) == WRONG
    assert "not a certificate" in capsys.readouterr().err
