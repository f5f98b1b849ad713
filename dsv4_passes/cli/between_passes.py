"""What `dsv4-opt` does between two passes: times, counts, printed IR, verification."""

import argparse
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.utils.arg_spec import parse_spec

from dsv4_passes.diagnostics import UserError, said, summary
from dsv4_passes.formats.pto.reader import verify_module

from .print_ir import IrPrinter
from .timing import PassTimes

if TYPE_CHECKING:
    from dsv4_passes.reports.program_summary import Counts

    from .report import Reporter


class BetweenPasses:
    """A callback of xDSL's pass pipeline. `running` is the pass that it was told of last."""

    def __init__(
        self,
        args: argparse.Namespace,
        passes: Sequence[ModulePass],
        printer: IrPrinter,
        times: PassTimes,
        reporter: "Reporter | None",
    ):
        self.args = args
        self.passes = passes
        self.reporter = reporter
        self.running: ModulePass | None = None
        self.printer = printer
        self.times = times
        self.started = time.perf_counter()
        self.counted: Counts | None = None

    def __call__(self, previous: ModulePass | None, module: ModuleOp, following: ModulePass | None) -> None:
        """`previous` has ended and `following` is about to begin; None is the begin, or end, of the list."""
        if self.args.time_passes and previous is not None:
            print(f"Pass {previous.name} took {time.perf_counter() - self.started} seconds")
        self.times.between(previous)
        self._count(previous, module, following)
        self.printer.between(previous, module, following)
        last = previous is not None and following is None
        facts_only = previous is not None and previous.name == "dsv4-bind-facts"
        if not self.args.disable_verify and not facts_only and not (last and self._target_verifies()):
            self._verify(module, previous)
        self.running = following
        if previous and following and self.args.print_between_passes:
            from dsv4_passes.formats.pto.writer import SpelledPrinter

            print(f"IR after {previous.name}:")
            SpelledPrinter(sys.stdout).print_op(module)
            print("\n\n\n")
        self.times.go_on()
        self.started = time.perf_counter()

    def _count(self, previous: ModulePass | None, module: ModuleOp, following: ModulePass | None) -> None:
        """Count what a program is made of, its facts bound, and say behind the last pass what it became."""
        if not self.passes or not any("dsv4.role" in op.attributes for op in module.ops):
            return
        from dsv4_passes.reports.program_summary import count, is_program, summarise

        if previous is None:
            self.counted = None
        if not is_program(module):
            return
        if self.counted is None and (following is None or following.name != "dsv4-bind-facts"):
            self.counted = count(module)
        if following is None and self.counted is not None:
            found = summarise(self.counted, count(module), said())
            summary(module, f"program: {found}")
            if self.reporter is not None:
                self.reporter.program = found

    def _target_verifies(self) -> bool:
        """The `.pto` target checks all that it writes: no need to do so in front of it."""
        return parse_spec(self.args.target).name == "pto"

    def _verify(self, module: ModuleOp, previous: ModulePass | None) -> None:
        try:
            verify_module(module)
        except UserError as error:
            if previous is None:
                raise
            raise UserError(f"after pass {previous.name}: {error.message}", error.location) from error
