"""`--report FILE`: what became of the kernels, as a page (`.html`) or for tools (`.json`)."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from dsv4_passes.diagnostics import UserError
from dsv4_passes.files import write_whole
from dsv4_passes.reports.as_html import as_html
from dsv4_passes.reports.as_json import as_json
from dsv4_passes.reports.collect import Report, build_report, chip_of, kernel_states
from dsv4_passes.reports.program_summary import ProgramSummary
from dsv4_passes.targets import LATEST, ptoas
from dsv4_passes.transforms.common.decisions import record

from .common import require_directory_of

WRITERS = {".html": as_html, ".json": as_json}


@dataclass
class Reporter:
    """Looks at modules before and after passes, and writes the files that were asked for."""

    files: Sequence[str]
    source: str
    found: list[Report] = field(default_factory=list[Report])
    program: ProgramSummary | None = None
    """What became of the program, where one was read."""

    def __post_init__(self) -> None:
        for name in self.files:
            if Path(name).suffix not in WRITERS:
                raise UserError("expected a report file ending in .html or .json", name)
            require_directory_of(Path(name))

    @contextmanager
    def around(self, module: ModuleOp, passes: Sequence[ModulePass]) -> Generator[None]:
        """Run passes within."""
        given = [name for p in passes if isinstance(name := getattr(p, "chip", None), str)]
        versions = [v for p in passes if isinstance(v := getattr(p, "ptoas", None), str | float)]
        chip = chip_of(module, given[-1] if given else None)
        before, read = kernel_states(module, chip), module.clone()
        with record() as decisions:
            yield
        after = kernel_states(module, chip, read, before)
        version = ptoas(versions[-1] if versions else LATEST).version
        self.found.append(build_report(self.source, chip, version, before, after, decisions.entries))

    def write(self) -> None:
        """Write all files; the kernels of all modules together."""
        if not self.found:
            return
        kernels = tuple(kernel for report in self.found for kernel in report.kernels)
        report = replace(self.found[-1], kernels=kernels, program=self.program)
        for name in self.files:
            write_whole(Path(name), WRITERS[Path(name).suffix](report).encode())
