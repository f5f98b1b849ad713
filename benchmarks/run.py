"""Measures how fast the tools are: `make bench`, or `python benchmarks/run.py [--quick] [--json] [--model]`.

With `--model` only what the cost model says: against listed costs of lane moves, against published device
figures, and of the kernels of the tests against split-half.

Nothing is asserted: figures depend on the machine. Two aims they can be held against: at most 60 ms CPU per
kernel of 60 to 200 lines once everything is imported, and time linear in the size of a kernel (a growth
exponent near 1) within 2 GiB for 1e5 operations.
"""

import argparse
import json
from typing import Any

import measure
from model_tables import model, show_model
from rich.console import Console
from rich.table import Table

PHASES = ("parse", "verify", "raise", "lower", "print")


def batch(quick: bool) -> dict[str, Any]:
    count, apart = (2, measure.here) if quick else (100, measure.apart)
    return {
        "kernels": count,
        "ms per kernel": {
            name: 1000 * apart(measure.batch, count, options) for name, options in measure.TARGETS.items()
        },
    }


def large(quick: bool) -> dict[str, Any]:
    sizes = (200, 400) if quick else (1_000, 10_000, 30_000, 100_000)
    rows = [(measure.here if quick else measure.apart)(measure.large, size) for size in sizes]
    counts = [row["operations"] for row in rows]
    return {
        "kernels": rows,
        "growth": {phase: measure.growth(counts, [row[phase] for row in rows]) for phase in PHASES},
    }


def rope(quick: bool) -> dict[str, float]:
    paths, apart = (measure.inputs()[:2], measure.here) if quick else (measure.inputs(), measure.apart)
    names = [str(path.relative_to(measure.DATA)) for path in paths]
    return {n: 1000 * apart(measure.rope, str(p)) for n, p in zip(names, paths, strict=True)}


def measured(quick: bool) -> dict[str, Any]:
    """All figures, in milliseconds of CPU time where nothing else is said."""
    starts = measure.commands(1 if quick else 5)
    return {
        "machine": measure.machine(),
        "start ms": {name: 1000 * seconds for name, seconds in starts.items()},
        "batch": batch(quick),
        "large": large(quick),
        "rope ms": rope(quick),
        "model": model(quick),
    }


# -- for people --------------------------------------------------------------------------------------


def table(console: Console, title: str, columns: list[str], rows: list[list[str]]) -> None:
    made = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        made.add_column(column, justify="right" if number else "left")
    for row in rows:
        made.add_row(*row)
    console.print(made)


def show(figures: dict[str, Any]) -> None:
    console = Console()
    console.print(f"CPU time on {figures['machine']}")

    def two_columns(title: str, what: str, values: dict[str, float]) -> None:
        table(console, title, [what, "ms"], [[name, f"{ms:.0f}"] for name, ms in values.items()])

    two_columns("Whole commands", "command", figures["start ms"])
    batch_ = figures["batch"]
    title = f"{batch_['kernels']} kernels of 60 to 200 lines in one process, per kernel"
    two_columns(title, "options", batch_["ms per kernel"])
    rows = [
        [
            f"{row['operations']:.0f}",
            *(f"{row['operations'] / max(row[phase], 1e-9):,.0f}" for phase in PHASES),
            f"{row['peak bytes'] / 2**20:.0f} MiB",
        ]
        for row in figures["large"]["kernels"]
    ]
    grown = figures["large"]["growth"]
    rows.append(["growth exponent", *(f"{grown[phase]:.2f}" for phase in PHASES), ""])
    table(console, "Generated kernels, operations per second", ["operations", *PHASES, "peak"], rows)
    two_columns("dsv4-rope with facts", "input", figures["rope ms"])
    show_model(figures["model"])


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how fast the tools are.")
    parser.add_argument("--json", action="store_true", help="print all figures as JSON instead of tables")
    parser.add_argument("--quick", action="store_true", help="few and small inputs: does it work at all?")
    parser.add_argument("--model", action="store_true", help="only the tables of the cost model")
    options = parser.parse_args()
    if options.model:
        figures: dict[str, Any] = model(options.quick)
    else:
        figures = measured(options.quick)
    if options.json:
        print(json.dumps(figures, indent=2))
    elif options.model:
        show_model(figures)
    else:
        show(figures)


if __name__ == "__main__":
    main()
