"""A whole program text as a module."""

import ast
from collections.abc import Iterator

from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.ir import Operation

from dialects.dsv4.functions import returned
from dialects.dsv4.launch import WrapperOp
from dialects.dsv4.opaque import SourceOp
from dsv4_passes.diagnostics import UserError
from dsv4_passes.formats.pypto.grammar.fingerprint import fingerprint
from dsv4_passes.formats.pypto.grammar.signature import Signature, read_signature
from dsv4_passes.formats.pypto.grammar.source import Source, is_docstring, shortened
from dsv4_passes.formats.pypto.grammar.types import TensorText, TypeReader

from .kernel import KernelReader
from .orchestration import OrchestrationReader
from .tensors import Callee

MAX_BLOCKS = 1 << 16
"""Far more than a chip has cores, and as many as an analysis of all blocks can look at."""
_IMPORT = "import pypto.language as pl"


def parse_program(text: str, filename: str = "<program>") -> ModuleOp:
    """Read a tile program as pypto dumps it behind its pass ConvertTensorToTileOps.

    Nothing of it is run. Raises UserError with the place of what is not such a program.
    """
    source = Source(filename, text)
    tree = source.parse()
    try:
        return _read(source, tree)
    except RecursionError as error:
        raise UserError("nested too deeply", source.location(source.current)) from error


def _read(source: Source, tree: ast.Module) -> ModuleOp:
    symbols: set[str] = set()
    program: ast.ClassDef | None = None
    for statement in tree.body:
        match statement:
            case ast.Import():
                if ast.unparse(statement) != _IMPORT:
                    source.outside(statement, f"'{_IMPORT}'")
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
    return _Program(source, TypeReader(source, symbols), program).module()


class _Program:
    """Reads the functions of one program."""

    def __init__(self, source: Source, types: TypeReader, node: ast.ClassDef):
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

    def module(self) -> ModuleOp:
        made: dict[str, Operation] = {}
        callees: dict[str, Callee] = {}
        for signature in self.of_kind("kernel"):
            kernel = KernelReader(self.source, self.types, signature).read()
            made[signature.name] = kernel
            callees[signature.name] = Callee(kernel, signature, None, None)
        for signature in self.of_kind("wrapper"):
            callee, wrapper = self.wrapper(signature, callees)
            callees[signature.name] = callee
            made[signature.name] = wrapper
        for signature in self.of_kind("orchestration"):
            reader = OrchestrationReader(self.source, self.types, signature, callees)
            made[signature.name] = reader.read()
        module = ModuleOp([made[name] for name in self.signatures])
        module.attributes["sym_name"] = StringAttr(self.node.name)
        module.location = self.source.location(self.node)
        for name, text in self.texts():
            mark = fingerprint(module, name) if name in made else name
            source = SourceOp(name if name in made else "", mark, text)
            module.body.block.add_op(source)
        return module

    def of_kind(self, kind: str) -> Iterator[Signature]:
        return (s for s in self.signatures.values() if s.kind == kind)

    def wrapper(self, signature: Signature, callees: dict[str, Callee]) -> tuple[Callee, WrapperOp]:
        """A function that is one call with its parameters in order, and returns what that returns."""
        name, node = signature.name, signature.node
        call = next(
            (
                s.value
                for s in signature.body[:1]
                if isinstance(s, ast.AnnAssign | ast.Assign | ast.Expr) and isinstance(s.value, ast.Call)
            ),
            None,
        )
        target = (self.source.qualified(call.func) or "") if call is not None else ""
        if call is None or not target.startswith("self."):
            self.source.fail(node, f"expected '{name}' to be one call of a kernel")
        kernel = target.removeprefix("self.")
        callee = callees.get(kernel)
        if callee is None or callee.via is not None:
            self.source.fail(call, f"undefined kernel '{kernel}'")
        if call.keywords or len(call.args) != len(callee.signature.parameters):
            expected, found = len(callee.signature.parameters), len(call.args) + len(call.keywords)
            self.source.fail(call, f"expected {expected} arguments for '{kernel}', found {found}")
        passed = [a.id if isinstance(a, ast.Name) else "" for a in call.args]
        if passed != [p.name for p in signature.parameters]:
            self.source.fail(call, f"expected '{name}' to pass on its parameters in their order")
        for own, inner in zip(signature.parameters, callee.signature.parameters, strict=True):
            if own.type != inner.type and not _alike(own.type, inner.type):
                self.source.fail(
                    node, f"'{own.name}' is {own.type.text()} here and {inner.type.text()} in the kernel"
                )
        self.check_returns(signature, len(returned(callee.function)))
        core_num = signature.attrs.get("core_num")
        if core_num is None:
            self.source.fail(node, f"expected attrs with core_num for '{name}'")
        blocks = self.blocks(core_num)
        op = WrapperOp(name, kernel, blocks)
        op.location = self.source.location(node)
        if signature.decorator != f'type=pl.FunctionType.Spmd, attrs={{"core_num": {blocks}}}':
            op.attributes["dsv4.decorator"] = StringAttr(signature.decorator)
        return Callee(callee.function, callee.signature, blocks, name), op

    def blocks(self, node: ast.expr) -> int | str:
        """The number of blocks, or the text of an expression over names that nobody defines."""
        if not isinstance(node, ast.Constant | ast.UnaryOp):
            for inner in ast.walk(node):
                if isinstance(inner, ast.expr) and not isinstance(inner, ast.Name | ast.Constant | ast.BinOp):
                    self.source.outside(node, "a number of blocks")
            return ast.unparse(node)
        number = self.source.integer(node)
        if not 1 <= number <= MAX_BLOCKS:
            self.source.fail(node, f"expected 1 to {MAX_BLOCKS} blocks, found {shortened(str(number))}")
        return number

    def check_returns(self, signature: Signature, count: int) -> None:
        """Behind its call, a wrapper takes a tuple apart and returns what the kernel returned, in order."""
        first, *rest = signature.body
        numbers: dict[str, int | None] = {}
        if isinstance(first, ast.AnnAssign | ast.Assign):
            target = first.target if isinstance(first, ast.AnnAssign) else first.targets[0]
            if isinstance(target, ast.Name):
                numbers[target.id] = 0 if count == 1 else None
        found: list[int | None] = []
        for statement in rest:
            match statement:
                case ast.AnnAssign(
                    target=ast.Name(id=name), value=ast.Subscript(value=ast.Name(id=whole), slice=index)
                ) if whole in numbers:
                    numbers[name] = self.source.integer(index)
                case ast.Return(value=None):
                    pass
                case ast.Return(value=ast.Name(id=name)):
                    found = [numbers.get(name)]
                case ast.Return(value=ast.Tuple(elts=parts)):
                    found = [numbers.get(p.id) if isinstance(p, ast.Name) else None for p in parts]
                case _:
                    self.source.outside(statement, "what the kernel returned")
        if found != list(range(count)):
            place = rest[-1] if rest else first
            self.source.fail(
                place, f"expected '{signature.name}' to return what its kernel returns, in order"
            )

    def texts(self) -> Iterator[tuple[str, str]]:
        """The text cut into pieces: what stands before the functions, the functions, what stands behind."""
        lines = self.source.lines
        functions = [s.node for s in self.signatures.values()]
        starts = [min(d.lineno for d in f.decorator_list) - 1 for f in functions]
        ends = [f.end_lineno or f.lineno for f in functions]
        yield "before", "".join(lines[: starts[0]] if starts else lines)
        previous = starts[0] if starts else 0
        for function, end in zip(functions, ends, strict=True):
            yield function.name, "".join(lines[previous:end])
            previous = end
        if starts and previous < len(lines):
            yield "behind", "".join(lines[previous:])


def _alike(first: object, second: object) -> bool:
    """Tensors whose extents agree, a name agreeing with anything."""
    if not isinstance(first, TensorText) or not isinstance(second, TensorText):
        return False
    return (
        first.dtype == second.dtype
        and len(first.dims) == len(second.dims)
        and all(
            a == b or isinstance(a, str) or isinstance(b, str)
            for a, b in zip(first.dims, second.dims, strict=True)
        )
    )
