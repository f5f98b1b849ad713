"""The cost model against what was published of devices: changes of the form in which lanes are moved.

`tests/data/device_figures.csv` has what changed, by the number of the pull request of pypto-lib that says
so, in which kernel, and both times. Kernels do more than move
lanes, so the published ratio is nearer to 1 than that of the lanes alone; what else is in it is said. Shapes
are those of one task where they are known, else 32 rows.
"""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lane_costs import A2A3_KERNELS, form_costs, three_kernels
from lane_forms import Case

FIGURES = Path(__file__).parents[1] / "tests" / "data" / "device_figures.csv"
FORMS = {
    "blends": "mask gathers, preserve blends",
    "rope_d": "rope_d: swap-gather rows, tables in kernel",
    "rows": "swap-gather row by row (tables, index given)",
    "flat": "swap-gather flat (tables, index given)",
    "split-half": "split-half (lower bound)",
}


@dataclass(frozen=True)
class Figure:
    """One published change."""

    change: str
    chip: str
    kernel: str
    before: str
    after: str
    published: float
    """How many times less it takes, on the device."""
    model: float
    """The same by the model, of the lanes alone."""
    besides: str

    @property
    def same_direction(self) -> bool:
        return (self.published > 1) == (self.model > 1)

    @property
    def factor(self) -> float:
        """How many times the model's ratio is that of the device, or the device's that of the model."""
        return max(self.model / self.published, self.published / self.model)


@cache
def figures() -> tuple[Figure, ...]:
    """All published changes with what the model says of them."""
    with FIGURES.open(encoding="utf-8", newline="") as file:
        return tuple(map(_figure, csv.DictReader(file)))


def _figure(row: dict[str, str]) -> Figure:
    case = Case(int(row["rows"]), int(row["cols"]), row["source"], row["result"])
    before, after = (_cycles(row[side], case, row["chip"]) for side in ("before", "after"))
    published = float(row["published_before"]) / float(row["published_after"])
    kept = {name: row[name] for name in ("change", "chip", "kernel", "before", "after", "besides")}
    return Figure(**kept, published=published, model=before / after)


def _cycles(form: str, case: Case, chip: str) -> float:
    name, _, rows = form.partition(" ")
    if rows:
        case = case._replace(rows=int(rows.split()[0]))
    if name == "matmul":
        return three_kernels(case, chip).cycles
    return form_costs(A2A3_KERNELS[FORMS[name]], case, chip).cycles.cycles
