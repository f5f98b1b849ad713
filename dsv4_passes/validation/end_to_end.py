"""Compare the output of a pipeline with its input, and find the pass that is to blame for a difference.

The text is read back as any text is, and its terms are compared with those of the module as it was read.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from dsv4_passes.diagnostics import UserError, collect
from dsv4_passes.equivalence.budget import current
from dsv4_passes.formats.pto.reader import parse_text
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.interpreter.kernels import find_kernels
from dsv4_passes.transforms.bind_facts import BindFactsPass
from dsv4_passes.transforms.check_target import CheckTargetPass
from dsv4_passes.transforms.rope import single_passes

from . import numbers
from .carried_facts import carry_to_program
from .modules import compare_modules, unchanged_kernels
from .program_folder import DESCRIPTION, FolderProgram, check_complete
from .program_terms import input_facts
from .programs import (
    ModuleProgram,
    compare_program_modules,
    compare_programs,
    is_program_module,
    unchanged_program,
)
from .runs import Counterexample, RunPair
from .verdict import Allowed, Verdict

TRIALS = 6
"""Inputs that decide where terms cannot."""
WRITES_NOTHING = (BindFactsPass, CheckTargetPass)
"""Passes that rewrite nothing."""


def rewrites(passes: Sequence[ModulePass]) -> bool:
    """Whether a pipeline may change what a kernel says."""
    return not all(isinstance(each, WRITES_NOTHING) for each in passes)


def allowed_by(passes: Sequence[ModulePass]) -> Allowed:
    """The differences that the options of a pipeline allow."""
    single = list(single_passes(passes))
    return Allowed(
        zero_sign=any(getattr(each, "signed_zero", "") == "ignore" for each in single),
        rounding=any(getattr(each, "guard", "") == "contract-rounding" for each in single),
    )


@dataclass
class Pipeline:
    """A run of a pipeline, for comparing its end with its start.

    `before` is the module as it was read, and is not changed; `seconds` of CPU time may go into comparing.
    """

    before: ModuleOp
    passes: Sequence[ModulePass]
    context: Context
    seconds: float = field(default_factory=lambda: current().seconds)
    last: tuple[str, ModuleOp] | None = field(default=None, init=False)
    """The last text that was read, and what it says."""

    def start(self) -> ModuleOp:
        """The module as it was read, with the facts that the pipeline states of it."""
        module = self.before.clone()
        self.bind(module)
        return module

    def bind(self, module: ModuleOp) -> None:
        """State the facts of the pipeline on another form of the module, which may lack some arguments."""
        with collect():
            for each in self.passes:
                if isinstance(each, BindFactsPass):
                    replace(each, others="ignore").apply(self.context, module)

    def compare_kernels(self, after: ModuleOp, text: str) -> list[Verdict]:
        """Verdicts about the text that `after`, the kernels behind the last pass, was written as."""
        same = unchanged_kernels(self.before, after)
        if len(same) == len(find_kernels(after)):
            return [Verdict(name, "unchanged") for name in same]
        allowed = allowed_by(self.passes)
        verdicts = compare_modules(self.start(), self.read(text), allowed, same)
        return self.tell(verdicts, text)

    def compare_program(self, after: ModuleOp, text: str) -> list[Verdict]:
        """Verdicts about the text of a whole program."""
        if unchanged_program(self.before, after):
            return [Verdict(name, "unchanged") for name in find_kernels(after)]
        written = self.read(text)
        self.bind(written)
        before = self.start()
        carry_to_program(before, written)
        verdicts = compare_program_modules(before, written, allowed_by(self.passes), self.seconds)
        return self.tell(verdicts, text)

    def read(self, text: str) -> ModuleOp:
        """What a text says; a new module each time, though read once."""
        if self.last is None or self.last[0] != text:
            with collect():  # what reading says was said when the input was read
                if is_program_module(self.before):
                    self.last = text, parse_program(text, "the output", known=self.before)
                else:
                    self.last = text, parse_text(text, "the output")
        return self.last[1].clone()

    def tell(self, verdicts: list[Verdict], text: str | Mapping[str, str]) -> list[Verdict]:
        """Verdicts in which what rests on things without a formula was tried on numbers."""
        if not any(v.without_formula for v in verdicts):
            return verdicts
        written = self.read(text) if isinstance(text, str) else FolderProgram(text)
        return numbers.tell(verdicts, self.start(), written, allowed_by(self.passes), TRIALS)

    def pairs(self, text: str | Mapping[str, str], *, finite: bool) -> list[tuple[str, RunPair]]:
        """What was read and what was written, to run on the same inputs. UserError where that cannot be."""
        written = self.read(text) if isinstance(text, str) else FolderProgram(text)
        return numbers.pairs(self.start(), written, allowed_by(self.passes), finite)

    def counterexample(self, text: str | Mapping[str, str]) -> Counterexample | None:
        """A small input on which what was read and what was written store different bits, if one is found."""
        try:
            for _, pair in self.pairs(text, finite=True):
                inputs = pair.inputs(2 * TRIALS)
                if (found := numbers.counterexample(pair, inputs, smallest=True)) is not None:
                    return found
        except UserError:
            return None
        return None

    def compare_folder(self, files: Mapping[str, str]) -> list[Verdict]:
        """A verdict about the files of a whole program; undecided where something of it is missing."""
        before = self.start()
        try:
            check_complete(json.loads(files[DESCRIPTION]))
        except UserError as problem:
            return [Verdict(ModuleProgram(before).name, "undecided", reason=problem.message)]
        after = FolderProgram(files, input_facts(before))
        verdict = compare_programs(ModuleProgram(before), after, allowed_by(self.passes), self.seconds)
        return self.tell([verdict], files)

    def blame(self) -> str | None:
        """The first pass after which the module differs from the input; None if there is none."""
        module = self.before.clone()
        with collect():
            for each in single_passes(self.passes):
                each.apply(self.context, module)
                if isinstance(each, WRITES_NOTHING):
                    continue
                if any(v.outcome == "different" for v in self._compare(module.clone())):
                    return each.name
        return None

    def _compare(self, module: ModuleOp) -> list[Verdict]:
        allowed, before = allowed_by(self.passes), self.start()
        try:
            if is_program_module(module):
                return compare_program_modules(before, module, allowed, self.seconds)
            return compare_modules(before, module, allowed)
        except UserError:
            return []
