"""`dsv4-opt FOLDER -o FOLDER`: all files of a folder tree, in one run.

Files are taken in the order of their names, whatever the number of processes. A file that fails is
reported and not written; the others are. The summary says how many sites were rewritten, how many were
left alone and why.
"""

import gc
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from xdsl.utils.arg_spec import parse_spec

from dsv4_passes.diagnostics import Diagnostics, UserError, collect
from dsv4_passes.files import write_whole

from .common import explain, require_folder
from .driver import Dsv4OptMain, write_program
from .messages import Messages

_SUFFIX_OF_TARGET = {"pto": ".pto", "mlir": ".mlir", "pypto": ".py"}


@dataclass(frozen=True)
class FileResult:
    """What became of one file: `output`, a text or the files of a program, or `failure`; what was said."""

    path: Path
    output: str | Mapping[str, str] | None
    failure: str | None
    diagnostics: Diagnostics


def run_batch(tool: Dsv4OptMain, argv: Sequence[str], messages: Messages) -> int:
    """Work through the folder that `tool`, made from `argv`, was given; 1 if any file failed."""
    source = Path(tool.args.input_file)
    if tool.args.output_file is None:
        raise UserError("a folder of files needs -o, the folder to write to", str(source))
    target = Path(tool.args.output_file)
    require_folder(target)
    if tool.args.jobs < 1:
        raise UserError(f"-j expects a number of processes, found {tool.args.jobs}")
    if tool.args.split_input_file:
        raise UserError("--split-input-file cannot be used on a folder")
    if tool.args.mlir_timing and tool.args.jobs > 1:
        raise UserError("--mlir-timing cannot be used with -j: passes are timed in one process")
    if tool.args.report:
        raise UserError("--report cannot be used on a folder: it is about one file")
    suffixes = (tool.args.frontend,) if tool.args.frontend else ("mlir", "pto", "py")
    files = find_files(source, target, suffixes)
    if not tool.args.frontend:
        files = [path for path in files if path.suffix != ".py" or _is_program(path, messages)]
    if not files:
        kinds = f".{tool.args.frontend} files" if tool.args.frontend else ".mlir or .pto files or programs"
        raise UserError(f"no {kinds} in this folder", str(source))
    outputs = output_names(files, source, target, tool.args.target)
    summary = Summary()
    for result in _with_progress(_results(tool, argv, files), len(files)):
        failure = result.failure or _write(result, outputs[result.path])
        summary.add(result, failure)
        messages.show(result.diagnostics, tool.args)
        if failure:
            messages.line(failure)
    summary.print()
    tool.times.report()
    return int(summary.failed > 0)


def find_files(source: Path, target: Path, suffixes: Iterable[str]) -> list[Path]:
    """The input files, sorted; files in the output folder are not input."""
    wanted = {f".{suffix}" for suffix in suffixes}
    inside = target.resolve()
    return sorted(
        path
        for path in source.rglob("*")
        if path.suffix in wanted
        and path.is_file()
        and (inside == source.resolve() or not path.resolve().is_relative_to(inside))
    )


def _is_program(path: Path, messages: Messages) -> bool:
    """Whether a Python file holds a tile program; for any other file a note says that it is skipped."""
    if b"pl.program" in path.read_bytes():
        return True
    messages.line(f"{path}: remark: passed over: no tile program, which is a class with @pl.program")
    return False


def output_names(files: Sequence[Path], source: Path, target: Path, spec: str) -> dict[Path, Path]:
    """The output path of each file: its relative path below `target`, with the suffix of the output."""
    suffix = _SUFFIX_OF_TARGET.get(parse_spec(spec).name, ".txt")
    names: dict[Path, Path] = {}
    owner: dict[Path, Path] = {}
    for path in files:
        name = target / path.relative_to(source).with_suffix(suffix)
        if (other := owner.setdefault(name, path)) is not path:
            raise UserError(f"{other} and {path} would both be written to it", str(name))
        names[path] = name
    return names


def _write(result: FileResult, name: Path) -> str | None:
    """Write the output of a file; returns what went wrong."""
    try:
        if isinstance(result.output, Mapping):
            write_program(name.with_suffix(""), result.output)
        else:
            name.parent.mkdir(parents=True, exist_ok=True)
            write_whole(name, (result.output or "").encode())
    except (OSError, UserError) as error:
        return explain(error)
    return None


# -- the work, in this process or in others ------------------------------------------------------

_worker: Dsv4OptMain | None = None


def _start_worker(argv: Sequence[str]) -> None:
    global _worker
    _worker = Dsv4OptMain(argv)


def _work(path: Path) -> FileResult:
    assert _worker is not None
    return process(_worker, path)


def process(tool: Dsv4OptMain, path: Path) -> FileResult:
    """Take one file through the passes and the target of `tool`."""
    tool.args.input_file = str(path)
    with collect() as diagnostics:
        try:
            output = tool.transform(path.read_bytes(), path.suffix.removeprefix("."))
        except Exception as error:
            failure = explain(error)
            if not failure.startswith(str(path)):  # it speaks of a file of facts, or of no place at all
                failure = f"{path}: {failure}"
            return FileResult(path, None, failure, diagnostics)
        finally:
            _release()
    return FileResult(path, output, None, diagnostics)


def _release() -> None:
    """Free what a file left behind: IR and runs are full of cycles, and the collector seldom comes by.

    What is there now stays (modules, tables), and is not looked at again.
    """
    gc.collect()
    gc.freeze()


def _results(tool: Dsv4OptMain, argv: Sequence[str], files: Sequence[Path]) -> Iterator[FileResult]:
    if tool.args.jobs == 1 or len(files) == 1:
        yield from (process(tool, path) for path in files)
        return
    jobs = min(tool.args.jobs, len(files))
    with ProcessPoolExecutor(jobs, initializer=_start_worker, initargs=(argv,)) as pool:
        yield from pool.map(_work, files)


# -- what the user sees --------------------------------------------------------------------------


def _with_progress(results: Iterator[FileResult], total: int) -> Iterator[FileResult]:
    if not sys.stderr.isatty():
        yield from results
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(results, "working", total, console=Console(stderr=True), transient=True)


class Summary:
    """Counts over all files, printed as a table."""

    def __init__(self) -> None:
        self.files = 0
        self.failed = 0
        self.rewritten = 0
        self.refused: Counter[str] = Counter()
        self.unproved = 0

    def add(self, result: FileResult, failure: str | None) -> None:
        self.files += 1
        self.failed += failure is not None
        for entry in result.diagnostics.entries:
            self.rewritten += entry.outcome == "rewritten"
            self.unproved += entry.outcome == "unproved"
            if entry.outcome == "refused":
                self.refused[entry.reason or "no reason given"] += 1

    def rows(self) -> list[tuple[str, int]]:
        refused = sorted(self.refused.items(), key=lambda item: (-item[1], item[0]))
        return [
            ("files", self.files),
            ("sites rewritten", self.rewritten),
            ("sites refused", sum(self.refused.values())),
            *((f"  {reason}", count) for reason, count in refused),
            *([("written unproved", self.unproved)] if self.unproved else []),
            ("files failed", self.failed),
        ]

    def print(self) -> None:
        rows = self.rows()
        if sys.stdout.isatty():
            from rich.console import Console
            from rich.table import Table

            table = Table(show_header=False)
            table.add_column()
            table.add_column(justify="right")
            for label, count in rows:
                table.add_row(label, str(count))
            Console().print(table)
            return
        width = max(len(label) for label, _ in rows)
        for label, count in rows:
            print(f"{label:<{width}}  {count:>6}")
