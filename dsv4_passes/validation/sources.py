"""What `dsv4-validate` compares: `.pto` texts, program texts, and folders that hold a program."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from xdsl.dialects import func
from xdsl.dialects.builtin import (
    ArrayAttr,
    DictionaryAttr,
    ModuleOp,
    StringAttr,
    TensorType,
)
from xdsl.ir import Attribute, Block, Region

from dialects.dsv4.attributes import DirectionAttr
from dialects.dsv4.functions import ORCHESTRATION, parameters, program_functions
from dialects.pto.types import element_name
from dsv4_passes.diagnostics import UserError, collect
from dsv4_passes.formats.pto.reader import new_context, parse_text, read_text
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.interpreter.kernels import Kernel, find_kernels
from dsv4_passes.interpreter.program import choose_orchestration
from dsv4_passes.source_names import base_name
from dsv4_passes.transforms.bind_facts import BindFactsPass

from .carried_facts import carry_to_kernel, carry_to_program
from .compare import compare_kernels
from .folder_numbers import UNKNOWN_EXTENT, folder_run, folder_shapes
from .kernels import Comparable, comparables, pair_arguments
from .program_folder import DESCRIPTION, FolderProgram, read_folder
from .program_terms import input_facts
from .programs import ModuleProgram, compare_program_modules, compare_programs, is_program_module
from .runs import Counterexample, RunPair, Shapes, kernel_pair, program_run
from .verdict import Allowed, Verdict


@dataclass
class ComparedSource:
    """One side of a comparison: its texts by file name, and the module they make unless it is a folder."""

    path: str
    texts: Mapping[str, str]
    facts: Sequence[str] = ()
    """Files of facts."""

    @property
    def is_folder(self) -> bool:
        return DESCRIPTION in self.texts

    def module(self) -> ModuleOp:
        """The text, read and with its facts; a new one each time."""
        (text,) = self.texts.values()
        module = (parse_program if self.path.endswith(".py") else parse_text)(text, self.path)
        self.bind(module)
        return module

    def bind(self, module: ModuleOp) -> None:
        with collect():
            for file in self.facts:
                BindFactsPass(file, others="ignore").apply(new_context(), module)

    @property
    def is_program(self) -> bool:
        return self.is_folder or is_program_module(self.module())

    def hashes(self) -> dict[str, str]:
        """SHA-256 of each text."""
        return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in self.texts.items()}

    def folder(self) -> FolderProgram:
        program = FolderProgram(self.texts)
        described = program.description["orchestration"]
        module = _declared(described[0]["parameters"] if described else [])
        self.bind(module)
        program.facts = input_facts(module)
        return program


def load(path: str, facts: Sequence[str] = ()) -> ComparedSource:
    """Read a file or a folder. UserError where it is neither."""
    if Path(path).is_dir():
        return ComparedSource(path, read_folder(Path(path)), facts)
    if not Path(path).exists():
        raise UserError("no such file", path)
    return ComparedSource(path, {Path(path).name: read_text(path)}, facts)


def _declared(described: Sequence[Mapping[str, object]]) -> ModuleOp:
    """An orchestration without a body that takes the tensors of a description, for binding facts."""
    types: list[Attribute] = []
    rows: list[DictionaryAttr] = []
    for parameter in described:
        shape = parameter.get("shape")
        if isinstance(shape, list) and all(isinstance(extent, int) for extent in shape):  # pyright: ignore[reportUnknownVariableType]
            types.append(TensorType(_element(str(parameter["dtype"])), shape))  # pyright: ignore[reportUnknownArgumentType]
            name, direction = StringAttr(str(parameter["name"])), DirectionAttr("in")
            rows.append(DictionaryAttr({"dsv4.name": name, "dsv4.direction": direction}))
    function = func.FuncOp("main", (types, []), Region(Block(arg_types=types)), arg_attrs=ArrayAttr(rows))
    function.body.block.add_op(func.ReturnOp())
    function.attributes["dsv4.role"] = StringAttr(ORCHESTRATION)
    return ModuleOp([function])


def _element(dtype: str) -> Attribute:
    text = f"func.func @f(%x: tensor<1x{dtype}>) {{ return }}"
    (function,) = (op for op in parse_text(text, "type").walk() if isinstance(op, func.FuncOp))
    tensor = function.function_type.inputs.data[0]
    assert isinstance(tensor, TensorType)
    return tensor.element_type  # pyright: ignore[reportUnknownMemberType,reportUnknownVariableType]


# -- comparing ----------------------------------------------------------------------------------------


@dataclass
class Comparison:
    """A verdict, and how to run both sides on numbers, where that can be done."""

    verdict: Verdict
    pair: RunPair | None = None
    found: Counterexample | None = None
    tested: int = 0
    """Inputs on which both stored the same."""
    problem: str = ""
    """Why nothing was run."""
    carried: Sequence[str] = ()
    """Facts that only the first text states."""


@dataclass
class Question:
    """The allowed differences, and the work limit of a comparison."""

    allowed: Allowed = field(default_factory=Allowed)
    finite: bool = True
    trials: int = 12
    seconds: float = 300
    seed: int = 0

    def compare(self, before: ComparedSource, after: ComparedSource) -> list[Comparison]:
        """All kernels, or both programs as a whole. UserError where they are not of a kind."""
        if before.is_program and after.is_program:
            return [self.programs(before, after)]
        if before.is_folder or after.is_folder:
            raise UserError("a program cannot be compared with a kernel", after.path)
        return self.kernels(before, after)

    def programs(self, before: ComparedSource, after: ComparedSource) -> Comparison:
        def sides() -> tuple[ModuleOp | FolderProgram, ModuleOp | FolderProgram, list[str]]:
            first, second = (s.folder() if s.is_folder else s.module() for s in (before, after))
            return first, second, _carry(first, second)

        ours, theirs, carried = sides()
        if isinstance(ours, ModuleOp) and isinstance(theirs, ModuleOp):
            verdict = self.modules(ours, theirs)
        else:
            runnable = [ModuleProgram(s) if isinstance(s, ModuleOp) else s for s in (ours, theirs)]
            verdict = compare_programs(runnable[0], runnable[1], self.allowed, self.seconds)
        ours, theirs, _ = sides()  # to run them as they stand
        return self.finish(verdict, self.runs(ours, theirs), carried)

    def modules(self, before: ModuleOp, after: ModuleOp) -> Verdict:
        """One verdict about two programs that are modules."""
        verdicts = compare_program_modules(before, after, self.allowed, self.seconds)
        verdict = next((v for v in verdicts if not v.fine), None) or verdicts[0]
        if len(verdicts) > 1 and verdict.fine:
            conditions = sorted({c for v in verdicts for c in v.conditions})
            outputs = tuple(dict.fromkeys(o for v in verdicts for o in v.outputs))
            verdict = Verdict(
                "the program", "proved", tuple(conditions), "", None, outputs, sum(v.lanes for v in verdicts)
            )
        return verdict

    def runs(self, before: ModuleOp | FolderProgram, after: ModuleOp | FolderProgram) -> RunPair:
        """Both programs, to run them on the same inputs."""
        if isinstance(before, FolderProgram):
            shapes, facts = folder_shapes(before), before.facts
        else:
            shapes, facts = program_shapes(before), input_facts(before)
        pair = [
            folder_run(side) if isinstance(side, FolderProgram) else program_run(side, shapes)
            for side in (before, after)
        ]
        return RunPair(pair[0], pair[1], shapes, facts, self.allowed, self.finite)

    def how(self) -> dict[str, object]:
        return {"allowed": self.allowed, "finite": self.finite}

    def kernels(self, before: ComparedSource, after: ComparedSource) -> list[Comparison]:
        ours, theirs = (_kernels(source.module()) for source in (before, after))
        texts = [find_kernels(source.module()) for source in (before, after)]
        for kernels, source in ((ours, before), (theirs, after)):
            if not kernels:
                raise UserError("expected a kernel to compare, found none", source.path)
        pairs = pair_kernels(ours, theirs)
        found = [
            Comparison(Verdict(name, "different", reason="there is no such kernel before"))
            for name in theirs
            if name not in pairs.values()
        ]
        for name in ours:
            if name not in pairs:
                found.append(Comparison(Verdict(name, "different", reason="there is no such kernel after")))
                continue
            a, b = ours[name], theirs[pairs[name]]
            numbers = pair_arguments(a.kernel, b.kernel, in_order=False)
            carried = carry_to_kernel(a, b, numbers)
            verdict = compare_kernels(a, b, self.allowed, in_order=False)
            runs = [self.written(texts[0][name], a), self.written(texts[1][pairs[name]], b)]
            pair = kernel_pair(runs[0], runs[1], numbers, **self.how())
            found.append(self.finish(verdict, pair, carried))
        return found

    def written(self, kernel: Kernel, raised: Comparable) -> Comparable:
        """The kernel as it stands in the text, with what its raised form says of its arguments."""
        return Comparable(Kernel(kernel.name, kernel.functions, raised.kernel.arguments), raised.facts)

    def finish(self, verdict: Verdict, pair: RunPair, carried: Sequence[str]) -> Comparison:
        """Run both where terms do not decide."""
        result = Comparison(verdict, pair, carried=carried)
        if verdict.fine:
            return result
        try:
            result.found = pair.search(self.trials, self.seed)
            result.tested = pair.tried if result.found is None else 0
        except UserError as error:
            result.problem = error.message
        return result


def _carry(before: ModuleOp | FolderProgram, after: ModuleOp | FolderProgram) -> list[str]:
    """State on the second program what the first one states; a folder can state nothing."""
    if isinstance(before, FolderProgram):
        return []
    if isinstance(after, ModuleOp):
        return carry_to_program(before, after)
    known = input_facts(before)
    carried = [name for name in known if name not in after.facts]
    after.facts = {**known, **after.facts}
    return carried


def program_shapes(program: ModuleOp) -> Shapes:
    """Extents and element type of each parameter of the only orchestration, by name."""
    found: dict[str, tuple[tuple[int, ...], str]] = {}
    for parameter in parameters(choose_orchestration(program)):
        extents = tuple(d if isinstance(d, int) else UNKNOWN_EXTENT for d in parameter.dims)
        type_ = parameter.type
        dtype = element_name(type_.element_type if isinstance(type_, TensorType) else type_)  # pyright: ignore[reportUnknownMemberType,reportUnknownArgumentType]
        found[base_name(parameter.name)] = extents, dtype
    return found


def _kernels(module: ModuleOp) -> dict[str, Comparable]:
    orchestrations = {f.sym_name.data for f in program_functions(module, ORCHESTRATION)}
    found = comparables(module, orchestrations)
    return {name: kernel for name, kernel in found.items() if name not in orchestrations}


def pair_kernels(ours: Mapping[str, Comparable], theirs: Mapping[str, Comparable]) -> dict[str, str]:
    """Match kernels of `theirs` with `ours`: by name, else by their stores."""
    pairs = {name: name for name in ours if name in theirs}
    rest = [name for name in theirs if name not in pairs]
    for name, kernel in ours.items():
        if name in pairs:
            continue
        stored = _stores(kernel)
        match = next((other for other in rest if _stores(theirs[other]) == stored), None)
        if match is None and len(ours) == len(theirs) == 1:
            match = rest[0] if rest else None
        if match is not None:
            pairs[name] = match
            rest.remove(match)
    return pairs


def _stores(kernel: Comparable) -> set[tuple[str, str]]:
    return {(a.name, a.dtype) for a in kernel.kernel.arguments.values() if a.stored}
