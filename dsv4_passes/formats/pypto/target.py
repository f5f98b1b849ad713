"""The target `pypto`: a program text that pypto can compile further.

A function that still does what its text says is written back as that text, byte for byte; a changed or new
one is printed from the IR in pypto's style.

`version` is that of the pypto that goes on compiling, a day or a revision (`targets/pypto.py`): what it lacks
is an error. Unless given it is as old as what the text that was read uses (`read_for`), and who chooses forms
is to be told so; what is newer all the same is said in a remark.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, StringAttr
from xdsl.utils.target import Target

from dialects.dsv4.functions import (
    find_function,
    is_kernel,
    is_orchestration,
    program_functions,
)
from dialects.dsv4.launch import KeptOp, LaunchOp, WrapperOp
from dialects.dsv4.opaque import SourceOp
from dsv4_passes.diagnostics import UserError, about_facts
from dsv4_passes.targets import Pypto
from dsv4_passes.targets import pypto as find_pypto
from dsv4_passes.targets.pypto import operations, pypto_of

from .grammar.fingerprint import fingerprint
from .grammar.imports import language_of
from .grammar.source import LANGUAGE, renamed
from .writer.kernel import KernelText
from .writer.program import CallShape, OrchestrationText, wrapper_text


@dataclass(frozen=True)
class PyptoTarget(Target):
    """The program text that pypto goes on compiling, as `-t 'pypto{version=2026-06-15}'`."""

    name = "pypto"

    verbatim: bool = True
    """whether functions that no pass changed are written as they were read; else all are printed anew"""
    version: str | None = None
    """that of the pypto that goes on compiling, as 2026-06-15; by default as old as what was read"""
    """the day of the pypto to write for, as 2026-06-15; unless given it is as old as what was read"""

    def emit(self, ctx: Context, module: ModuleOp, output: IO[str]) -> None:
        try:
            version = None if self.version is None else find_pypto(self.version)
        except ValueError as error:
            raise UserError(str(error)) from None
        output.write(program_text(module, self.verbatim, version))


def read_for(module: ModuleOp) -> Pypto | None:
    """The oldest pypto for which the text that a module was read from is; None if there was none."""
    language = language_of(module)
    texts = [renamed(op.text.data, language, LANGUAGE) for op in module.ops if isinstance(op, SourceOp)]
    return pypto_of(name for text in texts for name in operations(text)) if texts else None


def version_for(module: ModuleOp, version: str | None) -> str | None:
    """The version of pypto that passes are to write a program for: the one given, else that of its text."""
    if version is None and (read := read_for(module)) is not None:
        return str(read.day)
    return version


def program_text(module: ModuleOp, verbatim: bool = True, version: Pypto | None = None) -> str:
    """The text of a program. Raises UserError where the IR says what no text can, or not for that version."""
    functions = [op for op in module.ops if isinstance(op, func.FuncOp)]
    kept = any(isinstance(op, KeptOp) for op in module.ops)
    if not kept and not any(is_orchestration(op) or is_kernel(op) for op in functions):
        raise UserError(
            "the module is no tile program: it has neither kernels nor an orchestration", module.location
        )
    return "".join(_Program(module, verbatim, version).pieces())


def changed_functions(module: ModuleOp) -> list[str]:
    """Names of the functions and wrappers whose text no longer says what they do."""
    program = _Program(module, True)
    return [name for name in program.order() if program.source(name) is None]


_TRANSPOSED = re.compile(r"pl\.tile\.load\([^\n]*, transpose=True\)")
_NOT_TRANSPOSED = re.compile(r"(pl\.tile\.load\([^\n]*), transpose=False\)")


class _Program:
    def __init__(self, module: ModuleOp, verbatim: bool, version: Pypto | None = None):
        self.module = module
        self.verbatim = verbatim
        self.version = version
        self.read_for = read_for(module)
        self.language = language_of(module)
        sources = [op for op in module.ops if isinstance(op, SourceOp)]
        self.texts = {op.function.data: op for op in sources if op.function.data}
        self.around = {op.fingerprint.data: op.text.data for op in sources if not op.function.data}
        self.wrappers = {op.sym_name.data: op for op in module.ops if isinstance(op, WrapperOp)}
        self.kept = {op.sym_name.data for op in module.ops if isinstance(op, KeptOp)}
        self.runs: dict[str, tuple[str, int | str]] = {}
        """What a wrapper runs, and in how many blocks."""
        self.targets: dict[LaunchOp, str] = {}
        self.choose_targets()
        self.standing: dict[str, str | None] = {}
        """Texts of the functions asked for so far."""

    def choose_targets(self) -> None:
        """What each launch is called through: its wrapper if that still does the same, else a new one."""
        for name, wrapper in self.wrappers.items():
            if find_function(self.module, wrapper.callee) is not None:
                blocks = wrapper.blocks
                count = blocks.value.data if isinstance(blocks, IntegerAttr) else blocks.data if blocks else 1
                self.runs[name] = (wrapper.callee, count)
        claimed: set[str] = set()
        used = {op.via.root_reference.data for op in self.launches() if op.via is not None}
        for op in self.launches():
            if op.blocks is None:
                self.targets[op] = op.callee
                continue
            count = op.blocks.value.data if isinstance(op.blocks, IntegerAttr) else op.blocks.data
            wanted = (op.callee, count)
            via = op.via.root_reference.data if op.via is not None else None
            if via in claimed or (via is not None and self.drops_arguments(via) and not self.holds(op)):
                via = None
            if via is None or self.runs.get(via) != wanted:
                same = [name for name, run in self.runs.items() if run == wanted]
                via = same[0] if same else self.new_wrapper(op, via, used)
                self.runs[via] = wanted
                claimed.add(via)
            self.targets[op] = via

    def drops_arguments(self, name: str) -> bool:
        """A launch does not say everything that a call of the wrapper passes."""
        return name in self.wrappers and "dsv4.unpassed" in self.wrappers[name].attributes

    def holds(self, op: LaunchOp) -> bool:
        """The text of the orchestration with the launch stays, whatever its wrappers are."""
        function = next((f for f in self.functions() if f.is_ancestor(op)), None)
        if function is None or not self.verbatim or (name := function.sym_name.data) not in self.texts:
            return False
        return fingerprint(self.module, name) == self.texts[name].fingerprint.data

    def shapes(self) -> dict[str, CallShape]:
        """How wrappers are called whose text stands."""
        return {
            name: CallShape(op.passes, op.returns)
            for name, op in self.wrappers.items()
            if name in self.runs and self.source(name) is not None
        }

    def new_wrapper(self, op: LaunchOp, via: str | None, used: set[str]) -> str:
        """A name for a wrapper: that of the one before, if it is only changed."""
        if via is not None and (via not in self.runs or self.runs[via][0] == op.callee):
            return via
        taken = {*self.runs, *self.kept, *used, *(f.sym_name.data for f in self.functions())}
        name, number = f"{op.callee}_spmd", 1
        while name in taken:
            name, number = f"{op.callee}_spmd_{number}", number + 1
        return name

    def launches(self) -> Iterator[LaunchOp]:
        for function in program_functions(self.module, "orchestration"):
            for op in function.walk():
                if isinstance(op, LaunchOp):
                    yield op

    def functions(self) -> Iterator[func.FuncOp]:
        for op in self.module.ops:
            if isinstance(op, func.FuncOp):
                yield op

    def order(self) -> list[str]:
        """Functions in the order of the module; new ones stand in front of what calls them."""
        names: list[str] = []
        for op in self.module.ops:
            if isinstance(op, func.FuncOp | WrapperOp | KeptOp):
                name = op.sym_name.data
                if not isinstance(op, WrapperOp) or name in self.runs:
                    names.append(name)
        new = [name for name in names if name not in self.texts]
        new += [name for name in self.runs if name not in names]
        kept = [name for name in names if name not in new]
        for name in new:
            rank = self.rank(name)
            at = next((i for i, other in enumerate(kept) if self.rank(other) > rank), len(kept))
            kept.insert(at, name)
        return kept

    def rank(self, name: str) -> int:
        if name in self.runs:
            return 1
        function = find_function(self.module, name)
        return 2 if function is not None and is_orchestration(function) else 0

    def source(self, name: str) -> str | None:
        """The original text of a function that is unchanged."""
        if name not in self.standing:
            self.standing[name] = self.standing_text(name)
        return self.standing[name]

    def standing_text(self, name: str) -> str | None:
        op = self.texts.get(name)
        if op is not None and name in self.kept:
            return op.text.data
        if op is None or not (self.verbatim or self.has_own_order(name)):
            return None
        wrapper = self.wrappers.get(name)
        if wrapper is not None and self.runs[name] != _runs(wrapper):
            return None
        targets = {} if wrapper else {launch: self.called(target) for launch, target in self.targets.items()}
        return op.text.data if fingerprint(self.module, name, targets) == op.fingerprint.data else None

    def called(self, name: str) -> str:
        """What a launch runs, marked where it is called otherwise than the text of its caller says."""
        changed = self.has_own_order(name) and self.source(name) is None
        return f"{name} in the kernel's order" if changed else name

    def has_own_order(self, name: str) -> bool:
        """A wrapper passes or returns what its kernel does not; the IR has no more of it than that."""
        wrapper = self.wrappers.get(name)
        return wrapper is not None and (wrapper.passes is not None or wrapper.returns is not None)

    def pieces(self) -> Iterator[str]:
        yield self.around.get("before") or self.header()
        for name in self.order():
            text = self.source(name)
            lines = self.printed(name) if text is None else [renamed(text, self.language, LANGUAGE)]
            self.check_operations(name, lines)
            wanted = [self.as_in_version(name, line) for line in lines]
            if text is not None and wanted == lines:
                yield text
            else:
                yield from (renamed(line, LANGUAGE, self.language) for line in wanted)
        yield self.around.get("behind", "")

    def check_operations(self, name: str, lines: Sequence[str]) -> None:
        """Raises UserError for what the version has not got, and says what is newer than what was read."""
        version = self.version or self.read_for
        for operation in dict.fromkeys(found for line in lines for found in operations(line)):
            if version is None or (lacks := version.lacks(operation)) is None:
                continue
            op = find_function(self.module, name) or self.wrappers.get(name) or self.module
            if self.version is not None:
                raise UserError(f"'{name}' cannot be written: {lacks}", op.location)
            about_facts(op, f"'{name}' is for a newer pypto than what was read: {lacks}")

    def as_in_version(self, name: str, text: str) -> str:
        """Loads as the version that was asked for writes them. Raises UserError for a transposed one."""
        if self.version is None or self.version.loads_transpose:
            return text
        if _TRANSPOSED.search(text):
            op = find_function(self.module, name) or self.module
            problem = f"{self.version} has no load that transposes"
            raise UserError(f"'{name}' cannot be written: {problem}", op.location)
        return _NOT_TRANSPOSED.sub(r"\1)", text)

    def header(self) -> str:
        name = self.module.attributes.get("sym_name")
        word = name.data if isinstance(name, StringAttr) else "program"
        name = self.language
        given = "import pypto.language as pl" if name == LANGUAGE else f"from pypto import language as {name}"
        return f"# pypto.program: {word}\n{given}\n\n@{name}.program\nclass {word}:\n"

    def printed(self, name: str) -> list[str]:
        if name in self.runs:
            kernel_name, blocks = self.runs[name]
            kernel = find_function(self.module, kernel_name)
            assert kernel is not None
            return wrapper_text(name, kernel, blocks, self.decorator(name, blocks))
        function = find_function(self.module, name)
        assert function is not None
        if is_orchestration(function):
            return OrchestrationText(function, self.targets, self.shapes()).write()
        if not is_kernel(function):
            raise UserError(f"function '{name}' is no kernel of the program", function.location)
        return KernelText(function).write()

    def decorator(self, name: str, blocks: int | str) -> str | None:
        """The decorator a wrapper had, unless it runs something else now."""
        wrapper = self.wrappers.get(name)
        if wrapper is None or _runs(wrapper) != self.runs[name]:
            return None
        text = wrapper.attributes.get("dsv4.decorator")
        return text.data if isinstance(text, StringAttr) else None


def _runs(wrapper: WrapperOp) -> tuple[str, int | str]:
    blocks = wrapper.blocks
    count = blocks.value.data if isinstance(blocks, IntegerAttr) else blocks.data if blocks else 1
    return wrapper.callee, count
