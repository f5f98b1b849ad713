"""The IR between passes, on stderr, under the options that mlir-opt has for it.

    --mlir-print-ir-before-all    --mlir-print-ir-before=PASS,…
    --mlir-print-ir-after-all     --mlir-print-ir-after=PASS,…
    --mlir-print-ir-after-change

A pass that is a list of passes, as `dsv4-rope`, is shown as these.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
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
            type=lambda text: text.split(","),
            default=[],
            help=f"print the IR {when} these passes (with commas between them), on stderr",
        )
    parser.add_argument(
        "--mlir-print-ir-after-change",
        action="store_true",
        help="print the IR after each pass that changed it, on stderr",
    )


class IrPrinter:
    """Prints a module before and after passes as the options ask for."""

    def __init__(self, args: argparse.Namespace, known: Mapping[str, Any]):
        self.before: Sequence[str] = args.mlir_print_ir_before
        self.after: Sequence[str] = args.mlir_print_ir_after
        self.all_before, self.all_after = args.mlir_print_ir_before_all, args.mlir_print_ir_after_all
        self.changes: bool = args.mlir_print_ir_after_change
        for when in ("before", "after"):
            for name in getattr(self, when):
                if problem := require_known(name, known, f"--mlir-print-ir-{when}"):
                    raise UserError(problem)
        self.text: str | None = None

    @property
    def active(self) -> bool:
        """Whether anything was asked for."""
        return bool(self.before or self.after or self.all_before or self.all_after or self.changes)

    def between(self, previous: ModulePass | None, module: ModuleOp, following: ModulePass | None) -> None:
        """Print the module between two passes; the first has none before it, the last none behind it."""
        if not self.active:
            return
        if previous is not None:
            text = _text(module) if self.changes else None
            changed = text is not None and text != self.text
            if self.all_after or previous.name in self.after or changed:
                _print("After", previous.name, _text(module) if text is None else text)
            self.text = text
        elif self.changes:
            self.text = _text(module)
        if following is not None and (self.all_before or following.name in self.before):
            _print("Before", following.name, _text(module))


def _text(module: ModuleOp) -> str:
    from dsv4_passes.formats.pto.writer import SpelledPrinter

    stream = StringIO()
    SpelledPrinter(stream).print_op(module)
    return stream.getvalue()


def _print(when: str, name: str, text: str) -> None:
    print(f"// -----// IR Dump {when} {name} //----- //\n{text}\n\n", file=sys.stderr, flush=True)
