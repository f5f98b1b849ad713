"""dsv4-validate: right pairs are proved, wrong ones come with an input that shows it."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dsv4_passes.cli.opt import main as opt
from dsv4_passes.cli.run import main as run
from dsv4_passes.cli.validate import main as validate
from dsv4_passes.equivalence.terms import TermTable
from dsv4_passes.validation.compare import unknown_in_both
from tests.unit.rotation_kernels import DIFFERENT, EQUAL, FACTS, query_by_masks, sparse_by_masks

DATA = Path(__file__).resolve().parents[1] / "data"
PROVED, DIFFERS, TESTED = 0, 1, 2


@pytest.fixture
def facts(tmp_path: Path) -> str:
    path = tmp_path / "facts.toml"
    path.write_text(FACTS)
    return str(path)


def pair(tmp_path: Path, before: str, after: str, suffix: str = ".pto") -> list[str]:
    paths = [tmp_path / f"before{suffix}", tmp_path / f"after{suffix}"]
    for path, text in zip(paths, (before, after), strict=True):
        path.write_text(text)
    return [str(path) for path in paths]


@pytest.mark.parametrize("name", EQUAL)
def test_right_pairs_are_proved(name: str, facts: str, tmp_path: Path, capsys: Any):
    before, after = EQUAL[name]
    assert validate([*pair(tmp_path, before(), after()), "--facts", facts]) == PROVED
    assert re.search(r"k: proved equal, 512 stored lanes of 'out', given FIN", capsys.readouterr().out)


@pytest.mark.parametrize("name", DIFFERENT)
def test_wrong_pairs_come_with_an_input(name: str, facts: str, tmp_path: Path, capsys: Any):
    """The input that is saved makes the two store different bits when run."""
    before, after = DIFFERENT[name]
    files, saved = pair(tmp_path, before(), after()), tmp_path / "input.npz"
    assert validate([*files, "--facts", facts, "--save", str(saved)]) == DIFFERS
    said = capsys.readouterr().out
    assert "  before: " in said
    row, lane = map(int, re.search(r"different: 'out' row (\d+) lane (\d+)", said).groups())  # type: ignore
    results: list[int] = []
    for file in files:
        out = str(tmp_path / "out.npz")
        assert run([file, "--inputs", str(saved), "--outputs", out, "--blocks", "1"]) == 0
        results.append(int(np.load(out)["out"].reshape(-1, 32)[row, lane]))
    assert results[0] != results[1]


@pytest.mark.parametrize("other", "bcd")
def test_rope_a_to_d_are_equal_up_to_the_sign_of_zero(other: str, tmp_path: Path, capsys: Any):
    facts = tmp_path / "facts.toml"
    facts.write_text('"even_sel*" = "even"\n"odd_sel*" = "odd"\n')
    files = [str(DATA / f"rope_{name}" / f"rope_{name}.pto") for name in ("a", other)]
    assert validate([*files, "--facts", str(facts)]) == PROVED
    assert "SZ" in capsys.readouterr().out
    assert validate([*files, "--facts", str(facts), "--require", "FIN", "--trials", "3"]) != PROVED
    assert "SZ" not in capsys.readouterr().out.replace("given SZ", "")


def test_without_facts_nothing_is_proved(tmp_path: Path, capsys: Any):
    """A select matrix that may hold anything: an input shows the difference."""
    before, after = EQUAL["gather, early rounding, preserving scatters"]
    assert validate(pair(tmp_path, before(), after())) == DIFFERS


def test_what_terms_cannot_decide_is_tested(tmp_path: Path, capsys: Any):
    """a + a against 2 * a: no rule knows it, and no input tells them apart."""
    before, after = (query_by_masks(), query_by_masks())
    first = re.search(r"(%\w+) = pto.tsub ins\((%\w+), %\w+ : .*?\) -> (.*)\n", before)
    assert first is not None
    name, a, type_ = first.groups()
    plus = f"{name} = pto.tadd ins({a}, {a} : {type_}, {type_}) -> {type_}\n"
    two = "%two = arith.constant 2.0 : f32\n"
    times = f"{two}{name} = pto.tmuls ins({a}, %two : {type_}, f32) -> {type_}\n"
    files = pair(tmp_path, before.replace(first.group(), plus), after.replace(first.group(), times))
    assert validate(files) == TESTED
    assert "only tested: 12 inputs give the same bits" in capsys.readouterr().out


def test_conditions_that_are_not_acceptable(facts: str, tmp_path: Path, capsys: Any):
    """0 * Inf in a product: with FIN not acceptable, an input with an Inf shows the difference."""
    before, after = EQUAL["two raw scatters into two tiles, and an addition"]
    files = pair(tmp_path, before(), after())
    assert validate([*files, "--facts", facts, "--require", "SZ"]) == DIFFERS
    assert "equal only given FIN" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["nowhere.pto", "nowhere.pto"], "nowhere.pto: error: no such file"),
        ([], "error: expected two files or folders to compare"),
        (["a", "b", "--require", "LUCK"], "--require expects some of FIN, SZ, rounding, found 'LUCK'"),
    ],
)
def test_errors(args: list[str], message: str, capsys: Any):
    assert validate(args) == DIFFERS
    assert message in capsys.readouterr().err


# -- edits of the corpus ------------------------------------------------------------------------------


def edited(text: str, *edits: tuple[str, str, int]) -> str:
    """Replace the n-th match of each pattern."""
    for pattern, new, number in edits:
        matches = list(re.finditer(pattern, text))
        assert matches, pattern
        match = matches[number]
        text = text[: match.start()] + match.expand(new) + text[match.end() :]
    return text


def swapped_halves(text: str) -> str:
    """The two operands of a difference exchanged: what even and odd lanes get."""
    return edited(text, (r"pl\.tile\.sub\((\w+), (\w+)\)", r"pl.tile.sub(\2, \1)", 0))


@pytest.mark.parametrize("name", ["staged", "mixed", "rope_a", "rope_b", "rope_c"])
def test_a_difference_the_other_way_round_is_rejected(name: str, tmp_path: Path, capsys: Any):
    """`test_validate_corpus` has other wrong edits."""
    text = (DATA / name / "program.py").read_text()
    changed = swapped_halves(text)
    assert changed != text
    facts = tmp_path / "facts.toml"
    facts.write_text('"even_sel*" = "even"\n"odd_sel*" = "odd"\n')
    files = pair(tmp_path, text, changed, ".py")
    assert validate([*files, "--facts", str(facts), "--trials", "4"]) == DIFFERS
    assert "not proved: element" in capsys.readouterr().out


# -- programs, folders, certificates ------------------------------------------------------------------


@pytest.fixture
def selectors(tmp_path: Path) -> str:
    path = tmp_path / "selectors.toml"
    path.write_text('"even_sel*" = "even"\n"odd_sel*" = "odd"\n')
    return str(path)


@pytest.mark.parametrize("name", ["staged", "mixed", "rope_a"])
def test_a_program_against_its_folder_and_its_rewritten_text(
    name: str, selectors: str, tmp_path: Path, capsys: Any
):
    program, folder, text = str(DATA / name / "program.py"), tmp_path / "folder", tmp_path / "new.py"
    for out, target in ((folder, "pto"), (text, "pypto")):
        more = ["-p", "dsv4-rope{chip=a3}", "-t", target, "-o", str(out), "--no-validate"]
        assert opt([program, "--facts", selectors, *more]) == 0
    for before, after in ((program, str(folder)), (str(text), str(folder)), (program, str(text))):
        assert validate([before, after, "--facts", selectors]) == PROVED
    out = capsys.readouterr().out
    assert out.count("proved equal") == 3


def test_a_folder_with_a_wrong_kernel_is_rejected(selectors: str, tmp_path: Path, capsys: Any):
    program, folder = str(DATA / "staged" / "program.py"), tmp_path / "folder"
    assert opt([program, "-p", "dsv4-rope{chip=a3}", "-t", "pto", "-o", str(folder)]) == 0
    kernel = next(path for path in sorted(folder.glob("*.pto")) if "pto.tsub" in path.read_text())
    kernel.write_text(
        re.sub(r"pto\.tsub ins\((%\w+), (%\w+)", r"pto.tsub ins(\2, \1", kernel.read_text(), count=1)
    )
    assert validate([program, str(folder), "--facts", selectors]) == DIFFERS
    assert "not proved: element" in capsys.readouterr().out


def test_pairing_by_what_is_stored(facts: str, tmp_path: Path):
    """Kernels of other names that store to arguments of one name belong together."""
    before, after = sparse_by_masks(), sparse_by_masks().replace("@k(", "@other(")
    assert validate([*pair(tmp_path, before, after), "--facts", facts]) == PROVED


def test_a_certificate_is_checked_from_the_texts(selectors: str, tmp_path: Path, capsys: Any):
    kernel, out = DATA / "rope_a" / "rope_a.pto", tmp_path / "out.pto"
    paper = tmp_path / "certificate.json"
    more = ["-p", "dsv4-rope{chip=a3}", "-t", "pto", "-o", str(out), "--certificate", str(paper)]
    assert opt([str(kernel), "--facts", selectors, *more]) == 0
    said = json.loads(paper.read_text())
    assert [k["outcome"] for k in said["kernels"]] == ["proved"]
    assert any(c.startswith("FIN") for c in said["kernels"][0]["conditions"])
    assert {site["decision"] for site in said["sites"]} >= {"rewritten"}
    assert validate(["--certificate", str(paper)]) == PROVED
    assert "rope_a: proved equal again" in capsys.readouterr().out
    out.write_text(out.read_text().replace("pto.tsub", "pto.tadd", 1))
    assert validate(["--certificate", str(paper)]) == DIFFERS
    assert "is not the text that the certificate is about" in capsys.readouterr().err


def test_a_certificate_that_lies_is_found_out(selectors: str, tmp_path: Path, capsys: Any):
    """The hashes are right, what it says of the comparison is not."""
    from dsv4_passes.validation.sources import load

    kernel, out = DATA / "rope_a" / "rope_a.pto", tmp_path / "out.pto"
    paper = tmp_path / "certificate.json"
    more = ["-p", "dsv4-rope{chip=a3}", "-t", "pto", "-o", str(out), "--certificate", str(paper)]
    assert opt([str(kernel), "--facts", selectors, *more]) == 0
    out.write_text(re.sub(r"pto\.tsub ins\((%\w+), (%\w+)", r"pto.tsub ins(\2, \1", out.read_text(), count=1))
    said = json.loads(paper.read_text())
    said["output"]["sha256"] = load(str(out)).hashes()
    paper.write_text(json.dumps(said))
    assert validate(["--certificate", str(paper)]) == DIFFERS
    assert "'rope_a' is not proved equal" in capsys.readouterr().err


def test_operations_without_a_formula_are_not_called_different():
    """Leaves that stand for unknown results: another name on each side decides nothing."""
    table = TermTable()
    x = table.load(0, 0, (), 0, "f32")
    one, two = (table.load("unknown", number, (), 0, "f32") for number in (1, 2))
    assert unknown_in_both(table, (table.mul(x, one), table.mul(x, two)))
    assert not unknown_in_both(table, (table.mul(x, one), x))
    assert not unknown_in_both(table, (table.mul(x, one), table.add(x, one)))
