"""What the tools share: one line per failure, and what to say about it."""

import gc
import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from xdsl.utils.exceptions import ArgSpecParseError, DiagnosticException, ParseError

from dsv4_passes.diagnostics import PassFailure, UserError, location_text, one_line

from .messages import Messages, format_in

NamedClasses = Mapping[str, Callable[..., Any]]
"""What makes a class of passes or targets, by name: it is imported only then."""


class InternalError(Exception):
    """A defect of a tool, with the step it happened in."""


def run_tool(tool: str, body: Callable[[Messages], int | None], argv: Sequence[str] | None = None) -> int:
    """Run the body of a tool and return its exit code: 1 after one message on stderr for any failure.

    The body is given what says messages, in the format that the command line asks for.
    """
    messages = Messages(format_in(sys.argv[1:] if argv is None else argv), tool)
    # IR is many small objects that live long: collecting less often makes cloning 1.5 times as fast.
    gc.set_threshold(100_000, 50, 50)
    try:
        code = body(messages) or 0
    except BrokenPipeError:
        # The reader of the output has exited (`| head`): not a failure of the input.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    except (Exception, ArgSpecParseError) as error:
        if "--debug" in sys.argv:
            traceback.print_exc()
        messages.line(explain(error))
        code = 1
    messages.close(code)
    return code


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
        case OSError():
            where = f"{error.filename}: " if error.filename is not None else ""
            return f"{where}error: {one_line(error.strerror or error)}"
        case ModuleNotFoundError(name=str(name)) if name.partition(".")[0] not in ("dialects", "dsv4_passes"):
            return f"error: the Python package '{name.partition('.')[0]}', which this needs, is not installed"
        case RecursionError():
            return "error: the input is nested too deeply"
        case MemoryError():
            return "error: out of memory"
        case PassFailure():
            where = location_text(error.location)
            what = f"internal error in {one_line(error)[:300]} (run with --debug for a traceback)"
            return f"{where}: {what}" if where else what
        case InternalError():
            return f"internal error {one_line(error)[:300]} (run with --debug for a traceback)"
        case _:
            what = f"{type(error).__name__}: {one_line(error)[:300]}".removesuffix(": ")
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
