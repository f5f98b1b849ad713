"""A whole program text as a module."""

import ast
from collections.abc import Iterator

from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.ir import Operation

from dialects.dsv4.functions import find_function, is_kernel
from dialects.dsv4.launch import KeptOp
from dialects.dsv4.opaque import SourceOp
from dialects.pto.target import describe_chips
from dsv4_passes.diagnostics import UserError, note
from dsv4_passes.formats.pypto.grammar.fingerprint import fingerprint
from dsv4_passes.formats.pypto.grammar.imports import ATTRIBUTE, call_it_pl, imported_as
from dsv4_passes.formats.pypto.grammar.signature import Signature, read_signature
from dsv4_passes.formats.pypto.grammar.source import LANGUAGE, Source, Unread, is_docstring
from dsv4_passes.formats.pypto.grammar.types import TypeReader
from dsv4_passes.targets import chip

from .kernel import KernelReader
from .orchestration import OrchestrationReader
from .wrapper import Callee, WrapperReader, kernel_callee

BEFORE, BEHIND = "before", "behind"


def read_program(text: str, filename: str, known: ModuleOp | None) -> ModuleOp:
    """See `parse_program` of this package."""
    describe_chips(chip)  # whatever was read before, or was not
    source = Source(filename, text)
    tree = source.parse()
    try:
        return _read(source, tree, known)
    except RecursionError as error:
        raise UserError("nested too deeply", source.location(source.current)) from error


def _read(source: Source, tree: ast.Module, known: ModuleOp | None) -> ModuleOp:
    symbols: set[str] = set()
    program: ast.ClassDef | None = None
    for statement in tree.body:
        match statement:
            case ast.Import() | ast.ImportFrom():
                if (name := imported_as(source, statement)) not in (None, LANGUAGE):
                    call_it_pl(source, tree, name)
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(args=[ast.Constant()]) as call) if (
                source.qualified(call.func) == "pl.dynamic"
            ):
                symbols.add(name)
            case ast.ClassDef(decorator_list=[decorator]) if source.qualified(decorator) == "pl.program":
                if program is not None:
                    source.fail(statement, "there are two programs in one text")
                for extra in (*statement.bases, *(k.value for k in statement.keywords)):
                    source.outside(extra, "a class without parameters")
                program = statement
            case ast.Expr() if is_docstring(statement):
                pass
            case _:
                source.outside(statement, "a tile program: a class with @pl.program")
    if program is None:
        raise UserError("expected a tile program: a class with @pl.program", f"{source.filename}:1:1")
    return _Program(source, TypeReader(source, symbols), program, known).module()


class _Program:
    """Reads the functions of one program."""

    def __init__(self, source: Source, types: TypeReader, node: ast.ClassDef, known: ModuleOp | None):
        self.source = source
        self.types = types
        self.node = node
        self.signatures: dict[str, Signature] = {}
        for statement in node.body:
            self.source.current = statement
            if isinstance(statement, ast.FunctionDef):
                if statement.name in self.signatures:
                    source.fail(statement, f"function '{statement.name}' is there twice")
                self.signatures[statement.name] = read_signature(source, types, statement)
            elif not is_docstring(statement) and not isinstance(statement, ast.Pass):
                source.outside(statement, "a function of the program")
        self.pieces = list(self.texts())
        self.known = {} if known is None else self.known_kernels(known)

    def known_kernels(self, known: ModuleOp) -> dict[str, tuple[func.FuncOp, str]]:
        """Kernels of another program that stand in this one as they are, each with its fingerprint.

        What stands in front of the functions says what the names in types mean.
        """
        sources = [op for op in known.ops if isinstance(op, SourceOp)]
        theirs = {(op.function.data, op.text.data): op.fingerprint.data for op in sources}
        before = next(text for _, mark, text in self.pieces if mark == BEFORE)
        if ("", before) not in theirs:
            return {}
        found: dict[str, tuple[func.FuncOp, str]] = {}
        for name, _, text in self.pieces:
            kernel = find_function(known, name) if (name, text) in theirs else None
            if kernel is not None and is_kernel(kernel):
                found[name] = kernel, theirs[name, text]
        return found

    def module(self) -> ModuleOp:
        made: dict[str, Operation] = {}
        self.keep(made)
        callees: dict[str, Callee] = {}
        readers = {"kernel": self.kernel, "wrapper": self.wrapper, "orchestration": self.orchestration}
        for kind, read in readers.items():
            for signature in [s for s in self.signatures.values() if s.kind == kind]:
                try:
                    self.check_calls(signature, made)
                    made[signature.name] = read(signature, callees)
                except Unread as reason:
                    made[signature.name] = self.kept(signature, reason)
        module = ModuleOp([made[name] for name in self.signatures])
        module.attributes["sym_name"] = StringAttr(self.node.name)
        if self.source.language != LANGUAGE:
            module.attributes[ATTRIBUTE] = StringAttr(self.source.language)
        module.location = self.source.location(self.node)
        for name, mark, text in self.pieces:
            if name in self.known:
                mark = self.known[name][1]
            elif name and not isinstance(made[name], KeptOp):
                mark = fingerprint(module, name)
            module.body.block.add_op(SourceOp(name, mark, text))
        return module

    def keep(self, made: dict[str, Operation]) -> None:
        """Functions whose signature is not understood stay text."""
        for signature in self.signatures.values():
            if signature.unread is not None:
                made[signature.name] = self.kept(signature, signature.unread)

    def kernel(self, signature: Signature, callees: dict[str, Callee]) -> Operation:
        if signature.name in self.known:
            kernel = self.known[signature.name][0].clone()
        else:
            kernel = KernelReader(self.source, self.types, signature).read()
        callees[signature.name] = kernel_callee(kernel, signature)
        return kernel

    def wrapper(self, signature: Signature, callees: dict[str, Callee]) -> Operation:
        callees[signature.name], op = WrapperReader(self.source, signature, callees).read()
        return op

    def orchestration(self, signature: Signature, callees: dict[str, Callee]) -> Operation:
        return OrchestrationReader(self.source, self.types, signature, callees).read()

    def check_calls(self, signature: Signature, made: dict[str, Operation]) -> None:
        """Raises Unread for a function that calls one that stays text."""
        if not any(isinstance(op, KeptOp) for op in made.values()):
            return
        for node in ast.walk(signature.node):
            name = self.source.qualified(node) if isinstance(node, ast.Attribute) else None
            if name is not None and isinstance(made.get(name.removeprefix("self.")), KeptOp):
                raise Unread(node, f"'{name}' is kept as text")

    def kept(self, signature: Signature, reason: Unread) -> KeptOp:
        names = {self.source.qualified(n) for n in ast.walk(signature.node) if isinstance(n, ast.Attribute)}
        calls = [name for name in self.signatures if f"self.{name}" in names]
        op = KeptOp(signature.name, calls)
        op.location = self.source.location(signature.node)
        line = self.source.location(reason.node).line.data
        note(op, f"'{signature.name}' is kept as text: {reason} (line {line})")
        return op

    def texts(self) -> Iterator[tuple[str, str, str]]:
        """The text cut into pieces: what stands before the functions, the functions, what stands behind.

        Each with the name of the function, or with which of the others it is.
        """
        lines = self.source.lines
        functions = [s.node for s in self.signatures.values()]
        starts = [min(d.lineno for d in f.decorator_list) - 1 for f in functions]
        ends = [f.end_lineno or f.lineno for f in functions]
        yield "", BEFORE, "".join(lines[: starts[0]] if starts else lines)
        previous = starts[0] if starts else 0
        for function, end in zip(functions, ends, strict=True):
            yield function.name, "", "".join(lines[previous:end])
            previous = end
        if starts and previous < len(lines):
            yield "", BEHIND, "".join(lines[previous:])
