"""What becomes of a folder of programs: `python benchmarks/programs.py FOLDER [--facts FACTS.toml] [--json]`.

Each program goes through `dsv4-opt -p dsv4-rope -t pypto` in a process of its own: CPU seconds (start and
proof included) and peak memory, and from its report kernels, GM between them, bytes loaded and stored,
selector products and tile operations by trips and blocks, before and after. Of the facts those are given
whose name occurs in the program. Figures of time depend on the machine; nothing is asserted.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

COLUMNS = {
    "kernels": "kernels",
    "GM between, MB": "bytes between kernels",
    "moved, MB": "bytes loaded and stored",
    "selectors": "selector products",
    "tile ops": "tile operations by trips and blocks",
}
"""Columns of the table, and what the report calls them."""


def run(program: Path, facts: dict[str, str], passes: str) -> dict[str, Any]:
    """Figures of one program; `error` where it could not be written."""
    text = program.read_text(encoding="utf-8")
    given = {name: word for name, word in facts.items() if name.strip("*") in text}
    with tempfile.TemporaryDirectory() as folder:
        stated, report, said = (Path(folder) / name for name in ("facts.toml", "report.json", "said.txt"))
        stated.write_text("".join(f'"{name}" = "{word}"\n' for name, word in given.items()))
        command = [sys.executable, "-m", "dsv4_passes.cli.opt", str(program), "-p", passes, "-t", "pypto"]
        command += ["-o", str(Path(folder) / "out.py"), "--report", str(report), "--remarks"]
        command += ["--facts", str(stated)] if given else []
        with said.open("w") as messages:
            process = subprocess.Popen(command, stderr=messages, stdout=messages)
            try:
                _, status, used = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
            except KeyboardInterrupt:
                process.kill()
                raise
        found: dict[str, Any] = {
            "name": program.stem,
            "seconds": used.ru_utime + used.ru_stime,
            "peak MB": used.ru_maxrss / 1024,
        }
        lines = said.read_text().splitlines()
        if process.returncode:
            return found | {"error": lines[-1] if lines else "no message"}
        compared = not any("without being compared" in line for line in lines)
        if (program_ := json.loads(report.read_text()).get("program")) is None:
            return found | {"error": "it has no orchestration that is understood"}
        return found | {"compared": compared, "program": program_}


def show(rows: list[dict[str, Any]]) -> None:
    table = Table("program", "s", "MB", *COLUMNS, "sites", "compared")
    for row in rows:
        start = [row["name"], f"{row['seconds']:.1f}", f"{row['peak MB']:.0f}"]
        if "error" in row:
            table.add_row(*start, row["error"])
            continue
        program = row["program"]
        cells: list[str] = []
        for title, key in COLUMNS.items():
            before, after = program["before"][key], program["after"][key]
            scale = 1e6 if title.endswith("MB") else 1
            cells.append(
                f"{before / scale:.4g} -> {after / scale:.4g}" if before != after else f"{before / scale:.4g}"
            )
        sites = program["lane sites"]
        counts = sites["rewritten"], sites["already the best form"], sum(sites["refused"].values())
        table.add_row(*start, *cells, "/".join(map(str, counts)), "yes" if row["compared"] else "no")
    console = Console(width=None if sys.stdout.isatty() else 170)
    console.print(table)
    good = [row for row in rows if "error" not in row]
    total, worst = sum(r["seconds"] for r in rows), max(rows, key=lambda r: r["seconds"])
    most = max(rows, key=lambda r: r["peak MB"])
    console.print(
        f"{len(rows)} programs, {len(good)} written, {sum(r['compared'] for r in good)} compared; "
        f"{total:.0f} s in all, at most {worst['seconds']:.1f} s ({worst['name']}) "
        f"and {most['peak MB']:.0f} MB ({most['name']})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="What becomes of a folder of programs.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--facts", type=Path, help="a TOML file of names and what is known of them")
    parser.add_argument("--passes", default="dsv4-rope{chip=a3}")
    parser.add_argument("--json", action="store_true", help="all figures as JSON, not a table")
    options = parser.parse_args()
    facts = tomllib.loads(options.facts.read_text()) if options.facts else {}
    programs = sorted(options.folder.glob("*.py"))
    rows = [run(program, facts, options.passes) for program in programs]
    if options.json:
        print(json.dumps(rows, indent=1))
    else:
        show(rows)


if __name__ == "__main__":
    main()
