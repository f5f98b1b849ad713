"""The IR between passes, on stderr, under the options that mlir-opt has for it.

    --mlir-print-ir-before-all    --mlir-print-ir-before=PASS,…
    --mlir-print-ir-after-all     --mlir-print-ir-after=PASS,…
    --mlir-print-ir-after-change  --mlir-print-ir-after-failure

A pass that is a list of passes, as `dsv4-rope`, is shown as these; asked for by name, it is one.
"""

import argparse
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from io import StringIO
from typing import Any

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from dsv4_passes.diagnostics import UserError

from .help import require_known


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this page."""
    for when in ("before", "after"):
        parser.add_argument(
            f"--mlir-print-ir-{when}-all",
            action="store_true",
            help=f"print the IR {when} each pass, on stderr",
        )
        parser.add_argument(
            f"--mlir-print-ir-{when}",
            metavar="PASS",
            action="extend",
            type=lambda text: text.split(","),
            default=[],
            help=f"print the IR {when} these passes (with commas between them), on stderr",
        )
    parser.add_argument(
        "--mlir-print-ir-after-change",
        action="store_true",
        help="print the IR only after passes that changed it: of those named, or of all",
    )
    parser.add_argument(
        "--mlir-print-ir-after-failure",
        action="store_true",
        help="print the IR as the pass that failed left it, on stderr",
    )


class IrPrinter:
    """Prints a module before and after passes as the options ask for.

    `passes` is the pipeline as it was typed: what is asked of a list of passes holds before its first and
    after its last one.
    """

    def __init__(self, args: argparse.Namespace, known: Mapping[str, Any], passes: Sequence[ModulePass]):
        self.before: Sequence[str] = args.mlir_print_ir_before
        self.after: Sequence[str] = args.mlir_print_ir_after
        self.only_changes: bool = args.mlir_print_ir_after_change
        self.failures: bool = args.mlir_print_ir_after_failure
        self.all_before: bool = args.mlir_print_ir_before_all
        self.all_after: bool = args.mlir_print_ir_after_all or (self.only_changes and not self.after)
        for when in ("before", "after"):
            for name in getattr(self, when):
                if problem := require_known(name, known, f"--mlir-print-ir-{when}"):
                    raise UserError(problem)
        self.lists: list[tuple[str, int, int]] = []
        self.done = 0
        self.last: dict[str, str] = {}
        if not self.active:
            return
        from dsv4_passes.transforms.rope import single_passes

        begin = 0
        for each in passes:
            end = begin + sum(1 for _ in single_passes((each,)))
            if end - begin > 1:
                self.lists.append((each.name, begin, end))
            begin = end

    @property
    def active(self) -> bool:
        """Whether anything was asked for."""
        return bool(self.before or self.after or self.all_before or self.all_after or self.failures)

    def between(self, previous: ModulePass | None, module: ModuleOp, following: ModulePass | None) -> None:
        """Print the module between two passes; the first has none before it, the last none behind it."""
        if not self.active:
            return
        self.done = 0 if previous is None else self.done + 1
        text = _text(module) if self.only_changes else None
        if previous is not None:
            ends = [previous.name] * self.all_after or self._asked(previous, self.after, 2)
            for name in ends:
                if text is None or text != self.last.get(name, self.last.get("")):
                    _print("After", name, _text(module) if text is None else text)
        if following is not None:
            for name in [following.name] * self.all_before or self._asked(following, self.before, 1):
                _print("Before", name, _text(module) if text is None else text)
        if text is not None:
            self.last |= {"": text} | {name: text for name, begin, _ in self.lists if begin == self.done}

    @contextmanager
    def failing(self, running: Callable[[], ModulePass | None], module: ModuleOp) -> Generator[None]:
        """Print the module if a pass fails within; `running` says which one it is."""
        try:
            yield
        except Exception:
            if self.failures and (failed := running()) is not None:
                _print("After", f"{failed.name} Failed", _text(module))
            raise

    def _asked(self, one: ModulePass, names: Sequence[str], edge: int) -> list[str]:
        """Those of the names that a pass has, or a list of which it is at the edge."""
        own = [one.name] if one.name in names else []
        return own + [entry[0] for entry in self.lists if entry[0] in names and entry[edge] == self.done]


def _text(module: ModuleOp) -> str:
    from dsv4_passes.formats.pto.writer import SpelledPrinter

    stream = StringIO()
    SpelledPrinter(stream).print_op(module)
    return stream.getvalue()


def _print(when: str, name: str, text: str) -> None:
    print(f"// -----// IR Dump {when} {name} //----- //\n{text}\n\n", file=sys.stderr, flush=True)
