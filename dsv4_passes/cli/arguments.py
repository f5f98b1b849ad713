"""The options that dsv4-opt has beside those of xdsl-opt, and what the latter mean here."""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any, NoReturn

from dsv4_passes.diagnostics import UserError
from dsv4_passes.equivalence.budget import SECONDS

from . import messages, print_ir
from .completion import complete
from .help import OURS, TOOL_EXAMPLES


class Once(argparse.Action):
    """What an option does unless told otherwise; a second value is an error, and does not count."""

    def __call__(
        self, parser: object, namespace: argparse.Namespace, values: object, option_string: str | None = None
    ) -> None:
        if option_string is not None:
            given: set[str] = vars(namespace).setdefault("_given", set())
            if self.dest in given:
                raise argparse.ArgumentError(self, "is given twice")
            given.add(self.dest)
        setattr(namespace, self.dest, values)


def add_arguments(
    parser: argparse.ArgumentParser, passes: Mapping[str, Any], dialects: Iterable[str]
) -> None:
    """Add the options; errors are UserErrors. Options of xdsl-opt get the help text that applies here."""
    add = parser.add_argument
    add(
        "--facts",
        metavar="FILE",
        action="append",
        default=[],
        help="bind the facts in FILE (a description or an .npz of the real tensors) before all passes",
    )
    add(
        "--assume",
        metavar="NUMBER",
        action="append",
        default=[],
        help="a number of the cost model, as vgather=24+2, or a TOML file of them",
    )
    add(
        "--report",
        metavar="FILE",
        action="append",
        default=[],
        help="write what became of the kernels: costs, lanes and memory (FILE ends in .html or .json)",
    )
    add(
        "--remarks",
        action=argparse.BooleanOptionalAction,
        help="say all remarks on stderr, or none; by default those about rewritten and refused sites "
        "and what is written unproved",
    )
    add("--warn", action="store_true", help="say on stderr what looks wrong in the input")
    messages.add_argument(parser)
    add(
        "--max-memory",
        metavar="SIZE",
        default="2G",
        help="what following the lanes of a file may take, as 512M or 2G; what needs more stays as it is",
    )
    add(
        "--max-seconds",
        metavar="N",
        type=float,
        default=SECONDS,
        help="CPU seconds that following the lanes of a file may take; what needs more stays as it is",
    )
    add("-j", metavar="N", dest="jobs", type=int, default=1, help="processes to use on a folder of files")
    add(
        "--launcher",
        action="store_true",
        help="beside the .pto texts of a program, write what launches them, in C++ and in Python",
    )
    add("--debug", action="store_true", help="print the traceback of an internal error")

    add(
        "--validate",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="compare what is written with what was read, where passes may have changed it (the default)",
    )
    add("--reproducer", metavar="DIR", help="folder for both texts and what differs, should they differ")

    add(
        "--certificate",
        metavar="FILE",
        help="where to say what was done to which texts, for dsv4-validate --certificate",
    )

    add(
        "--print-pipeline",
        action="store_true",
        help="print the passes, those that are lists of passes taken apart, with all their options, and stop",
    )
    add(
        "--show-dialects",
        action="version",
        version=f"Available Dialects: {','.join(sorted(dialects))}",
        help="print the names of all dialects, and stop",
    )
    add(
        "--verify-each",
        metavar="true|false",
        nargs="?",
        type=_truth,
        action=_VerifyEach,
        dest="disable_verify",
        help="verify the IR between passes (the default)",
    )
    add("--mlir-timing", action="store_true", help="say on stderr, at the end, how long each pass took")
    print_ir.add_arguments(parser)
    finish(parser, TOOL_EXAMPLES)
    ours = ", ".join(name for name in passes if name.startswith(OURS))
    texts = _texts(ours)
    for action in parser._actions:  # pyright: ignore[reportPrivateUsage]
        action.help = texts.get(action.dest, action.help)
        if "--disable-verify" in action.option_strings:
            action.help = "do not verify the IR between passes"


class _VerifyEach(argparse.Action):
    """The contrary of `--disable-verify`, as mlir-opt has it."""

    def __call__(self, parser: object, namespace: argparse.Namespace, values: object, *_: object) -> None:
        namespace.disable_verify = values is False


def _truth(text: str) -> bool:
    if text.lower() in ("1", "true", "0", "false"):
        return text.lower() in ("1", "true")
    raise argparse.ArgumentTypeError(f"expected true or false, found '{text}'")


def parse(parser: argparse.ArgumentParser, examples: str, args: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line of a tool of ours, with the options that all of them have."""
    installed = version("dsv4-passes")
    parser.add_argument("--version", action="version", version=f"{parser.prog} {installed}")
    parser.add_argument("--debug", action="store_true", help="print the traceback of an internal error")
    messages.add_argument(parser)
    finish(parser, examples)
    complete(parser)
    return parser.parse_args(sys.argv[1:] if args is None else args)


def finish(parser: argparse.ArgumentParser, examples: str) -> None:
    """Have a tool's help end in examples, and a wrong option be a UserError."""
    parser.epilog = examples
    parser.formatter_class = argparse.RawDescriptionHelpFormatter

    def error(message: str) -> NoReturn:
        raise UserError(message)

    parser.error = error  # one line and exit code 1 instead of the usage and 2


def _texts(passes: str) -> dict[str, str]:
    return {
        "input_file": "a .pto, .mlir or .py file, a folder of them, or - for stdin (the default)",
        "frontend": "what the input is, where its name does not say it",
        "target": "what to write: pto, pypto, mlir (the default), or another target of xDSL; options go in "
        "braces, as in pto{ptoas=0.57}; 'help' lists them, 'pto{help}' describes one",
        "output_file": "file to write, - for stdout (the default); a folder to write, where the input is "
        "a folder or a program that becomes .pto texts",
        "passes": f"passes with commas between them: {passes}, and those of xDSL; 'help' lists them, "
        "'dsv4-rope{help}' describes one",
        "version": "print the versions of dsv4-opt and of xDSL, and stop",
    }
