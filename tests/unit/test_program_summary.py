"""What is said of a whole program: counts before and after, lane sites; ordinary products are only counts."""

import json
from pathlib import Path

import pytest

from dsv4_passes.cli.opt import main
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.reports.program_summary import count
from tests.unit.kernels import DATA

FACTS = 'even_select = "even"\nodd_select = "odd"\n'


def opt(name: str, tmp_path: Path, *more: str, facts: str = FACTS) -> Path:
    """Run the pipeline on a program of the tests with a report; where that is."""
    given, report = tmp_path / "facts.toml", tmp_path / "report.json"
    given.write_text(facts)
    path = DATA / "programs" / f"{name}.py"
    options = ["--facts", str(given), "-p", "dsv4-rope{chip=a3}", "-t", "pypto", "--report", str(report)]
    assert main([str(path), *options, "-o", str(tmp_path / "out.py"), *more]) == 0
    return report


def test_the_summary_of_a_fused_program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = json.loads(opt("compressor_chain", tmp_path).read_text())["program"]
    before, after = program["before"], program["after"]
    assert (before["selector products"], after["selector products"]) == (4, 0)
    assert after["kernels"] == before["kernels"] - program["pairs of kernels"]["fused"] < before["kernels"]
    for name in ("bytes between kernels", "bytes loaded and stored", "tile operations by trips and blocks"):
        assert after[name] <= before[name], name
    assert program["lane sites"]["rewritten"] == 4
    (line,) = [text for text in capsys.readouterr().err.splitlines() if "remark: program: " in text]
    assert f"{before['kernels']} kernels -> {after['kernels']}; " in line
    assert "4 -> 0 selector products; lane sites: 4 rewritten, 0 the best already, 0 refused" in line


def test_a_refusal_is_counted_by_its_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = json.loads(opt("compressor_chain", tmp_path, facts="").read_text())["program"]
    refused = program["lane sites"]["refused"]
    assert refused == {"no fact about a selector": 3}
    assert program["lane sites"]["rewritten"] == 0
    assert program["before"] == program["after"]
    assert "3 refused (no fact about a selector 3)" in capsys.readouterr().err


def test_ordinary_products_are_only_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = json.loads(opt("products", tmp_path, "--remarks", facts="").read_text())["program"]
    found = program["ordinary products"]
    assert found > 0
    said = capsys.readouterr().err
    assert f"{found} ordinary product" in said
    assert "known values" not in said
    assert "select matri" not in said


def test_counts_are_those_of_all_trips_and_blocks() -> None:
    """Each of the two kernels does its work 16 times: 4 blocks of 2 x 2 trips, and 4 blocks of 4 trips."""
    counts = count(parse_program((DATA / "programs" / "other_grid.py").read_text()))
    assert (counts.kernels, counts.launches, counts.stages) == (2, 2, 2)
    assert counts.stage_bytes == 2 * 128 * 64 * 4
    assert counts.selector_products == 0  # no fact is known yet
    unrotate = 16 * 32 * 2 + 4 * (32 * 16 * 2) + 2 * (16 * 2) + 2 * (16 * 32 * 4)
    pack = 2 * (8 * 64 * 4) + 8 * (64 * 2)
    assert counts.work.moved == 16 * (unrotate + pack)
    assert 16 * (23 + 12) <= counts.work.operations
