"""The benchmarks run and print what they promise. How long anything takes is nobody's business here."""

import json
import subprocess
import sys
from pathlib import Path

from tests.unit.kernels import DATA

RUN = Path(__file__).parents[2] / "benchmarks" / "run.py"


def test_quick_figures_have_all_parts():
    done = subprocess.run(
        [sys.executable, RUN, "--quick", "--json"], capture_output=True, text=True, check=True
    )
    figures = json.loads(done.stdout)
    assert "Python" in figures["machine"]
    assert "dsv4-opt --help" in figures["start ms"]
    assert set(figures["batch"]["ms per kernel"]) == {"-t pto", "-p dsv4-rope -t pto"}
    phases = {"parse", "verify", "raise", "lower", "print"}
    assert set(figures["large"]["growth"]) == phases
    for row in figures["large"]["kernels"]:
        assert set(row) == {*phases, "operations", "peak bytes"}
        assert row["operations"] > 100
    assert figures["rope ms"]
    model = figures["model"]
    assert model["listed"]
    assert {"device", "model", "same direction"} <= model["figures"][0].keys()
    (corpus,) = model["corpus"]
    assert corpus["split-half"] > 0


def test_a_folder_of_programs(tmp_path: Path):
    """One with facts, one without; one that is no program is said to fail."""
    for name in ("built_selectors", "products"):
        (tmp_path / f"{name}.py").write_bytes((DATA / "programs" / f"{name}.py").read_bytes())
    (tmp_path / "wrong.py").write_text("x = 1\n")
    facts = tmp_path / "facts.toml"
    facts.write_text('"even_local*" = "even"\n"odd_local*" = "odd"\n')
    done = subprocess.run(
        [sys.executable, RUN.parent / "programs.py", tmp_path, "--facts", facts, "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    built, products, wrong = json.loads(done.stdout)
    assert (built["name"], products["name"], wrong["name"]) == ("built_selectors", "products", "wrong")
    assert "error: " in wrong["error"]
    assert built["compared"]
    assert products["compared"]
    assert built["program"]["after"]["kernels"] == built["program"]["before"]["kernels"] - 1
    assert products["program"]["after"] == products["program"]["before"]
    assert built["seconds"] > 0
    assert built["peak MB"] > 10
