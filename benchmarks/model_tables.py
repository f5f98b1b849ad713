"""The cost model in tables: against listed costs, against published device figures, and of the corpus."""

from collections import defaultdict
from typing import Any

from corpus_costs import INPUTS, result
from device_figures import figures
from lane_costs import Row, disordered, listed_rows, rows, with_prediction
from rich.console import Console
from rich.table import Table

WIDTH = 236
"""Characters: eight shapes, listed and predicted."""


def model(quick: bool) -> dict[str, Any]:
    """Everything in plain numbers; `quick` leaves most of the list and of the corpus out."""
    if quick:
        some = [row for row in listed_rows() if row.data != "movement"][::40]
        listed = list(map(with_prediction, some))
    else:
        listed = list(rows())
    return {
        "listed": [_listed(row) for row in listed],
        "exchanged": len(disordered(listed)),
        "figures": [
            {
                "change": f.change,
                "chip": f.chip,
                "kernel": f.kernel,
                "before": f.before,
                "after": f.after,
                "device": f.published,
                "model": f.model,
                "same direction": f.same_direction,
                "besides": f.besides,
            }
            for f in figures()
        ],
        "corpus": [_corpus(i) for i in range(1 if quick else len(INPUTS))],
    }


def _listed(row: Row) -> dict[str, Any]:
    predicted = [round(row.predicted.lo), round(row.predicted.hi)] if row.predicted else None
    return {
        "chip": row.chip,
        "data": row.data,
        "form": row.form,
        "shape": f"{row.rows}x{row.cols}",
        "listed": [row.lo, row.hi],
        "predicted": predicted,
        "error": row.error if row.predicted else None,
    }


def _corpus(number: int) -> dict[str, Any]:
    found = result(INPUTS[number])
    return {
        "input": found.source.path,
        "before": found.before,
        "after": found.after,
        "split-half": found.yardstick,
        "scatters and products left": list(found.left),
        "preconditions that fail": found.source.failing,
    }


# -- for people ----------------------------------------------------------------------------------------------


def show_model(figures_: dict[str, Any]) -> None:
    """Print the tables."""
    console = Console(width=WIDTH)
    groups: dict[tuple[str, str], dict[str, dict[str, dict[str, Any]]]] = defaultdict(
        lambda: defaultdict(dict)
    )
    for row in figures_["listed"]:
        groups[row["chip"], row["data"]][row["form"]][row["shape"]] = row
    for (chip, data), forms in groups.items():
        shapes = list(dict.fromkeys(shape for form in forms.values() for shape in form))
        title = f"{chip}, {data}: cycles listed / predicted (per cent off, where the ranges do not meet)"
        body = [[name, *(_cell(cells.get(shape)) for shape in shapes)] for name, cells in forms.items()]
        _print(console, title, ["form", *shapes], body)
    errors = sorted(abs(row["error"]) for row in figures_["listed"] if row["error"] is not None)
    at = {
        part: 100 * errors[min(int(part / 100 * len(errors)), len(errors) - 1)] for part in (50, 80, 90, 100)
    }
    spread = ", ".join(f"{part} of 100 within {error:.1f} %" for part, error in at.items())
    console.print(
        f"{len(errors)} costs predicted: {spread}; {figures_['exchanged']} pairs in another order.\n"
    )
    _print(
        console,
        "Published changes on devices: how many times less it takes (the model counts the lanes alone)",
        ["change", "chip", "kernel", "from", "to", "device", "model", "", "what else is in it"],
        [
            [
                *(f[name] for name in ("change", "chip", "kernel", "before", "after")),
                *(f"{f[name]:.2f}" for name in ("device", "model")),
                "" if f["same direction"] else "MISSED",
                f["besides"],
            ]
            for f in figures_["figures"]
        ],
    )
    _print(
        console,
        "dsv4-rope for a3, model cycles",
        ["input", "before", "after", "split-half", "after / split-half", "left", "preconditions that fail"],
        [
            [
                c["input"],
                *(f"{c[name]:.0f}" for name in ("before", "after", "split-half")),
                f"{c['after'] / c['split-half']:.2f}",
                ", ".join(c["scatters and products left"]),
                "; ".join(c["preconditions that fail"]),
            ]
            for c in figures_["corpus"]
        ],
    )


def _cell(row: dict[str, Any] | None) -> str:
    if row is None:
        return ""
    listed = _range(*row["listed"])
    if row["predicted"] is None:
        return f"{listed} / -"
    off = f" ({100 * row['error']:+.0f})" if abs(row["error"]) >= 0.005 else ""
    return f"{listed} / {_range(*row['predicted'])}{off}"


def _range(lo: float, hi: float) -> str:
    return f"{lo:.0f}" if lo == hi else f"{lo:.0f}..{hi:.0f}"


def _print(console: Console, title: str, columns: list[str], body: list[list[str]]) -> None:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column)
    for row in body:
        table.add_row(*row)
    console.print(table)
