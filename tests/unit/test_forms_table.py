"""The table of forms in `docs/` is what `dsv4-rope` does now."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_table_of_forms_is_up_to_date():
    """If it is not: `python benchmarks/forms_table.py` writes it anew."""
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "forms_table.py", "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_the_table_has_every_form_chip_and_version():
    text = (ROOT / "docs" / "forms.md").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith(("| F", "| ours"))]
    forms = {form for row in rows for form in row[0].removeprefix("| ").split(", ")}
    assert forms == {*(f"F{n}" for n in range(1, 12)), "ours"}
    written = {(row[0], row[1]) for row in rows}
    for form, what in written:
        for chip in ("a2a3", "a5"):
            versions = [v for row in rows if row[:3] == [form, what, chip] for v in row[3].split(", ")]
            assert sorted(versions) == ["0.43", "0.44", "0.57", "0.60"]
