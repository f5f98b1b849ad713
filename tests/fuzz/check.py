"""One random text through one pipeline: what is written must mean what was read.

The text is written, read back and compared by lane terms as `dsv4-opt` does it, and both run on awkward
numbers. What may differ is an input with a NaN or an Inf where a proof rests on there being none.
"""

import atexit
import re
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from io import StringIO
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import NamedTuple

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import PassPipeline
from xdsl.universe import Universe
from xdsl.utils.exceptions import DiagnosticException

from dsv4_passes.cli.program_folder import program_files
from dsv4_passes.diagnostics import UserError, collect
from dsv4_passes.formats.pto.reader import new_context, parse_text, verify_module
from dsv4_passes.formats.pto.target import PtoTarget
from dsv4_passes.formats.pto.writer import SpelledPrinter
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.formats.pypto.target import program_text
from dsv4_passes.transforms.bind_facts import BindFactsPass
from dsv4_passes.validation.end_to_end import Pipeline, allowed_by
from dsv4_passes.validation.numbers import conditions_on_finite, counterexample
from dsv4_passes.validation.verdict import Verdict

FACTS = """
"even_sel*" = "even"
"odd_sel*" = "odd"
"even_pick*" = "even"
"odd_pick*" = "odd"
"even_table*" = "table:even"
"odd_table*" = "table:odd"
"swap_table*" = "table:swap"
"repeat_table*" = "table:repeat"
"""
"""What is stated of arguments with such names, whatever they hold: it is what texts are compared under."""


LANES = re.compile(r"dsv4\.|pto\.(tgather|tscatter|tmatmul|tsel|ttrans|reinterpret|tsh[lr]s|tor$|tinsert)")
"""Operations by which texts count as really rewritten: some are gone, or new."""


Output = str | dict[str, str]
"""A text, or the files of a folder."""


class OutOfTime(BaseException):
    """The limit of a run."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    def stop(_signal: int, _frame: object) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@dataclass(frozen=True)
class Case:
    """A text and what is done to it."""

    text: str
    passes: str
    target: str
    """`pto`, `value` (what the passes leave, as it is), `pypto` or `folder`."""
    suffix: str = ".pto"
    kind: str = ""
    """Where the text comes from."""
    ptoas: str = "0.60"
    number: int = 0
    """Chooses the input that the text runs on."""

    @property
    def is_program(self) -> bool:
        return self.suffix == ".py"


class Failure(NamedTuple):
    kind: str
    """What failures are told apart by."""
    report: str
    after: str = ""


class Ended(NamedTuple):
    how: str
    rewritten: int = 0
    """Sites, where what moves lanes is no longer what it was."""
    changed: bool = False
    """What is written is another kernel than what was read."""
    failure: Failure | None = None


@cache
def facts_file() -> str:
    """A file with FACTS, for as long as this process lives."""
    with NamedTemporaryFile("w", suffix=".toml", delete=False) as file:
        file.write(FACTS)
    atexit.register(Path(file.name).unlink, missing_ok=True)
    return file.name


def check(case: Case) -> Ended:
    """Take one text through everything."""
    before = read(case.text, case.is_program)
    if before is None:
        return Ended("not a text")
    module = before.clone()
    given = PassPipeline.parse_spec(Universe.get_multiverse().all_passes, case.passes)
    pipeline = PassPipeline((BindFactsPass(facts_file(), others="ignore"), *given.passes))
    with collect() as said:
        try:
            pipeline.apply(new_context(), module)
            output = written(case, module)
        except (UserError, DiagnosticException) as error:
            if "\n" in str(error):
                return failed("error of several lines", error)
            return Ended(f"refused: {re.sub(r'[0-9]+', 'N', str(error))[:90]}")
        except Exception as error:
            return failed(f"internal error: {type(error).__name__}: {_place(error)}", error)
    rewritten = sum(entry.outcome == "rewritten" for entry in said.entries)
    if lane_operations(before) == lane_operations(module):
        rewritten = 0
    run = Pipeline(before, pipeline.passes, new_context())
    text = _joined(output)
    try:
        verdicts = compared(case, run, module, output)
    except Exception as error:
        return failed(f"validation: {type(error).__name__}: {_place(error)}", error, text)
    changed = any(v.outcome != "unchanged" for v in verdicts)
    wrong = next((v for v in verdicts if v.outcome == "different"), None)
    if wrong is not None:
        step = run.blame() or "writing"
        return failed(f"different: {step}: {_plain(wrong.reason)}", wrong, text)
    problem = on_numbers(case, run, output, verdicts) if changed else None
    if problem is not None:
        return problem._replace(rewritten=rewritten, changed=changed)
    undecided = next((v for v in verdicts if v.outcome == "undecided"), None)
    if undecided is not None:
        return Ended(f"undecided: {_plain(undecided.reason)[:80]}", rewritten, changed)
    return Ended("equal", rewritten, changed)


@lru_cache(maxsize=1)
def read(text: str, is_program: bool) -> ModuleOp | None:
    """The module of a text, which is not to be changed; the next pipeline of a text has it at once."""
    try:
        module = (parse_program if is_program else parse_text)(text, "input")
        verify_module(module)
    except UserError:
        return None
    return module


def lane_operations(module: ModuleOp) -> Counter[str]:
    """What in a module moves lanes, multiplies, or makes words of them: how often each operation."""
    return Counter(op.name for op in module.walk() if LANES.match(op.name))


def written(case: Case, module: ModuleOp) -> Output:
    if case.target == "folder":
        return program_files(module, case.ptoas, None, "level3", "short", False)
    if case.target == "pypto":
        return program_text(module)
    out = StringIO()
    if case.target == "pto":
        PtoTarget(ptoas=case.ptoas).emit(new_context(), module, out)
    else:
        verify_module(module)
        SpelledPrinter(out).print_op(module)
    return out.getvalue()


def compared(case: Case, run: Pipeline, module: ModuleOp, output: Output) -> list[Verdict]:
    if not isinstance(output, str):
        return run.compare_folder(output)
    return run.compare_program(module, output) if case.is_program else run.compare_kernels(module, output)


def on_numbers(case: Case, run: Pipeline, output: Output, verdicts: list[Verdict]) -> Ended | None:
    """What is wrong with running both texts on an input."""
    try:
        found = differs_on_numbers(run, output, verdicts, case.number)
    except UserError:
        return Ended("cannot be run on numbers")
    except Exception as error:
        return failed(f"running: {type(error).__name__}: {_place(error)}", error, _joined(output))
    if found is None:
        return None
    return failed(f"numbers differ: {case.passes}: {case.kind}", found, _joined(output))


def _joined(output: Output) -> str:
    return output if isinstance(output, str) else "\n".join(output.values())


def differs_on_numbers(run: Pipeline, output: Output, verdicts: list[Verdict], number: int) -> object | None:
    """A counterexample from running both texts as they stand."""
    if allowed_by(run.passes).rounding:
        return None
    for _, pair in run.pairs(output, finite=conditions_on_finite(verdicts)):
        if (found := counterexample(pair, [pair.mixed(number)])) is not None:
            return found
    return None


def failed(kind: str, error: object, after: str = "") -> Ended:
    return Ended("FAILED", failure=Failure(kind, f"{kind}\n{error}\n", after))


def _plain(text: str) -> str:
    """Without what differs between failures of one kind."""
    return re.sub(r"'[^']*'", "'_'", re.sub(r"%?\w*[0-9]+\w*", "N", text))


def _place(error: BaseException) -> str:
    """Where an internal error was raised: file and function."""
    at = error.__traceback__
    place = ""
    while at is not None:
        place = f"{at.tb_frame.f_code.co_filename.rpartition('/')[2]}:{at.tb_frame.f_code.co_name}"
        at = at.tb_next
    return place


def limited(case: Case, seconds: float) -> Ended:
    """`check` within so many seconds of CPU time."""
    try:
        with time_limit(seconds):
            return check(case)
    except OutOfTime:
        return Ended("out of time")
    except (MemoryError, RecursionError) as error:
        return Ended(f"gave up: {type(error).__name__}")
