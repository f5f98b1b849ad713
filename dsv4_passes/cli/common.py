"""What the tools share: one line per failure, files written whole or not at all."""

import gc
import os
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from xdsl.utils.exceptions import ArgSpecParseError, DiagnosticException, ParseError

from dsv4_passes.diagnostics import Diagnostics, UserError


class InternalError(Exception):
    """A defect of a tool, with the step it happened in."""


def one_line(text: object) -> str:
    return " ".join(str(text).split())


def run_tool(body: Callable[[], int | None]) -> int:
    """Run the body of a tool and return its exit code: 1 after one line on stderr for any failure."""
    # IR is many small objects that live long: collecting less often makes cloning 1.5 times as fast.
    gc.set_threshold(100_000, 50, 50)
    try:
        return body() or 0
    except BrokenPipeError:
        # The reader of our output has gone (`| head`): not a failure of the input, and nobody to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    except (Exception, ArgSpecParseError) as error:
        if "--debug" in sys.argv:
            traceback.print_exc()
        print(explain(error), file=sys.stderr)
        return 1


def explain(error: BaseException) -> str:
    """The one line that says what failed."""
    match error:
        case UserError():
            return one_line(error)
        case ParseError():
            return f"{error.span.get_location()}: error: {one_line(error.msg)}"
        case ArgSpecParseError():
            *_, problem = str(error).strip().splitlines()
            return f"error: invalid pass pipeline or target: {one_line(problem)}"
        case DiagnosticException():
            return f"error: {one_line(error)}"
        case OSError() if error.filename is not None:
            return f"{error.filename}: error: {error.strerror}"
        case RecursionError():
            return "error: the input is nested too deeply"
        case MemoryError():
            return "error: out of memory"
        case InternalError():
            return f"internal error {one_line(error)} (run with --debug for a traceback)"
        case _:
            what = f"{type(error).__name__}: {one_line(error)}".removesuffix(": ")
            return f"internal error: {what} (run with --debug for a traceback)"


def require_directory_of(path: Path) -> None:
    """Raise UserError now if a file at `path` could not be written later."""
    if path.is_dir():
        raise UserError("is a directory", str(path))
    if not path.parent.is_dir():
        raise UserError(f"no such directory: {path.parent}", str(path))


def require_folder(path: Path) -> None:
    """Raise UserError if `path` is there and no folder."""
    if path.exists() and not path.is_dir():
        raise UserError("is not a folder", str(path))


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is there complete or not at all: beside its place, then renamed."""
    if path.exists() and not path.is_file():
        path.write_text(text, encoding="utf-8")  # a device or a pipe cannot be replaced
        return
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(temporary, path.stat().st_mode if path.exists() else 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def write_folder(folder: Path, files: Mapping[str, str], instead_of: Collection[str] = ()) -> None:
    """Write files into a folder, which is made if need be: in a new one first, then renamed.

    What the folder holds stays, but for the files named by `instead_of` that are not written again.
    """
    there = folder.is_dir()
    for name in files:
        if (folder / name).is_dir():
            raise UserError("is a directory", str(folder / name))
    if not there:
        folder.parent.mkdir(parents=True, exist_ok=True)
    staged = Path(tempfile.mkdtemp(dir=folder if there else folder.parent, prefix=f".{folder.name}."))
    try:
        for name, text in files.items():
            (staged / name).write_text(text, encoding="utf-8")
        if there:
            for name in files:
                os.replace(staged / name, folder / name)
            for name in set(instead_of) - files.keys():
                (folder / name).unlink(missing_ok=True)
        else:
            staged.chmod(0o777 & ~_umask())
            staged.rename(folder)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def print_diagnostics(diagnostics: Diagnostics, *, sites: bool, notes: bool, warnings: bool) -> None:
    """Print collected diagnostics to stderr, one line each, in the order they were made."""
    for entry in diagnostics.entries:
        wanted = warnings if entry.severity == "warning" else (notes if entry.outcome == "note" else sites)
        if wanted:
            print(one_line(entry), file=sys.stderr)
