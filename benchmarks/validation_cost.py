"""What comparing an output with its input costs: `python benchmarks/validation_cost.py TEXT…`.

Each `.pto` text or program goes through `dsv4-rope` in this process; the table has CPU seconds for reading,
passes, writing, and reading back and comparing, and what the comparison came to. Programs are written as
program text, or with `--folder` as a folder. The first text is done twice, so that imports count in none.
Figures of time depend on the machine; nothing is asserted.
"""

import argparse
import time
from io import StringIO
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table
from xdsl.passes import PassPipeline
from xdsl.universe import Universe

from dsv4_passes.cli.program_folder import program_files
from dsv4_passes.diagnostics import UserError, collect
from dsv4_passes.formats.pto.reader import new_context, parse_text, verify_module
from dsv4_passes.formats.pto.target import PtoTarget
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.formats.pypto.target import program_text
from dsv4_passes.transforms.bind_facts import BindFactsPass
from dsv4_passes.validation.end_to_end import Pipeline


class Spent(NamedTuple):
    """CPU seconds, and what became of the text."""

    read: float
    passes: float
    write: float
    compare: float
    outcome: str


def measure(path: Path, spec: str, facts: str | None, folder: bool) -> Spent:
    """Take one text through everything."""
    program, clock = path.suffix == ".py", [time.process_time()]

    def lap() -> float:
        clock.append(time.process_time())
        return clock[-1] - clock[-2]

    module = (parse_program if program else parse_text)(path.read_text("utf-8"), str(path))
    verify_module(module)
    before, read = module.clone(), lap()
    given = PassPipeline.parse_spec(Universe.get_multiverse().all_passes, spec).passes
    passes = (*([BindFactsPass(facts, others="ignore")] if facts else []), *given)
    with collect():
        PassPipeline(passes).apply(new_context(), module)
        worked = lap()
        pipeline = Pipeline(before, passes, new_context())
        if program and folder:
            files = program_files(module, "0.60", None, "level3", "short", False)
            written, verdicts = lap(), pipeline.compare_folder(files)
        elif program:
            text = program_text(module)
            written, verdicts = lap(), pipeline.compare_program(module, text)
        else:
            out = StringIO()
            PtoTarget(ptoas="0.60").emit(new_context(), module, out)
            written, verdicts = lap(), pipeline.compare_kernels(module, out.getvalue())
    outcomes = ", ".join(sorted({verdict.outcome for verdict in verdicts}))
    return Spent(read, worked, written, lap(), outcomes)


def name(path: Path) -> str:
    return path.parent.name if path.stem == "program" else path.stem


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("texts", nargs="+", type=Path)
    options.add_argument("--facts", help="a file of facts; those of other arguments are passed over")
    options.add_argument("--passes", default="dsv4-rope{chip=a3}")
    options.add_argument("--folder", action="store_true", help="write programs as folders")
    args = options.parse_args()
    table = Table("text", "read", "passes", "write", "compare", "compare / passes", "outcome")
    total = [0.0] * 4
    for number, path in enumerate([args.texts[0], *args.texts]):
        try:
            spent = measure(path, args.passes, args.facts, args.folder)
        except UserError as error:
            table.add_row(name(path), *[""] * 5, str(error)[:60])
            continue
        if number == 0:
            continue
        times = [getattr(spent, name) for name in Spent._fields[:4]]
        total = [a + b for a, b in zip(total, times, strict=True)]
        ratio = spent.compare / spent.passes if spent.passes else 0
        table.add_row(name(path), *(f"{t:.2f}" for t in times), f"{ratio:.2f}", spent.outcome)
    share = total[3] / total[1] if total[1] else 0
    table.add_row("all", *(f"{t:.2f}" for t in total), f"{share:.2f}", "", style="bold")
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
