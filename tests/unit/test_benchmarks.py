"""The benchmarks run and print what they promise. How long anything takes is nobody's business here."""

import json
import subprocess
import sys
from pathlib import Path

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
