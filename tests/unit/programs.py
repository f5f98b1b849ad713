"""Whole programs in a shorthand: straight-line orchestrations of kernels that run in blocks."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.dialects.builtin import ModuleOp

from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.interpreter.program import run_program
from dsv4_passes.npz import Array

DTYPES = {"f32": "FP32", "bf16": "BF16", "i32": "INT32"}
KERNEL = "@pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)"
MAIN = "@pl.function(type=pl.FunctionType.Orchestration, level=pl.Level.CHIP, role=pl.Role.Orchestrator)"


@dataclass(frozen=True)
class Kernel:
    """`body` is Python: `t = load(x, [b, 0], "8x16xf32")`, `y = exp(t, "8x16xf32")`, `store(y, [b, 0], out)`,
    `change(t)`, `i = b * 8 + t`, `j = read(i32_tensor, [b])`, `for t in range(0, 2, 1):`, `if i < 4:`; `b` is
    the number of the block."""

    name: str
    blocks: int
    reads: Sequence[str]
    writes: Sequence[str]
    body: str
    updates: Sequence[str] = ()
    """Those of `writes` that keep what is not stored (`pl.InOut`)."""


def _parts(text: str) -> tuple[str, str]:
    *dims, dtype = text.split("x")
    return f"[{', '.join(dims)}]", f"pl.{DTYPES[dtype]}"


def _tensor(text: str) -> str:
    dims, dtype = _parts(text)
    return f"pl.Tensor[{dims}, {dtype}]"


def _tuple(names: Sequence[str]) -> str:
    return f"({', '.join(names)}{',' if len(names) == 1 else ''})"


class _Body:
    """Statements of a kernel as the program text has them, with a new version of a tensor per store."""

    def __init__(self, writes: Sequence[str]):
        self.lines: list[str] = []
        self.names = {name: name for name in writes}
        self.count = 0

    def version(self, name: str) -> str:
        self.count += 1
        return f"{name}__v{self.count}"

    def write(self, statements: Sequence[ast.stmt], indent: int, types: dict[str, str]) -> None:
        for statement in statements:
            self.statement(statement, "    " * indent, indent, types)

    def statement(self, node: ast.stmt, space: str, indent: int, types: dict[str, str]) -> None:
        match node:
            case ast.Expr(ast.Call(ast.Name("store"), [tile, at, ast.Name(tensor)])):
                new = self.version(tensor)
                text = f"pl.tile.store({ast.unparse(tile)}, {ast.unparse(at)}, {self.names[tensor]})"
                self.lines.append(f"{space}{new}: {types[tensor]} = {text}")
                self.names[tensor] = new
            case ast.Expr(ast.Call(ast.Name(op), args)):
                given = ", ".join(ast.unparse(a) for a in args)
                self.lines.append(f"{space}pl.tile.{op}({given})")
            case ast.For(target=ast.Name(index), iter=call):
                self.loop(index, ast.unparse(call), node.body, space, indent, types)
            case ast.If():
                self.branch(node, space, indent, types)
            case ast.Assign(
                [ast.Name(name)], ast.Call(ast.Name("load"), [tensor, at, ast.Constant(str(shape))])
            ):
                dims, dtype = _parts(shape)
                where = f"{ast.unparse(tensor)}, {ast.unparse(at)}, {dims}, {dims}"
                text = f"pl.tile.load({where}, target_memory=pl.Mem.Vec, transpose=False)"
                self.lines.append(f"{space}{name}: pl.Tile[{dims}, {dtype}, pl.Mem.Vec] = {text}")
            case ast.Assign([ast.Name(name)], ast.Call(ast.Name("read"), [tensor, at])):
                text = f"pl.tensor.read({ast.unparse(tensor)}, {ast.unparse(at)})"
                self.lines.append(f"{space}{name}__raw: pl.Scalar[pl.INT32] = {text}")
                self.lines.append(f"{space}{name}: pl.Scalar[pl.INDEX] = pl.cast({name}__raw, pl.INDEX)")
            case ast.Assign(
                [ast.Name(name)], ast.Call(ast.Name(op), [*args, ast.Constant(str(shape))], keywords)
            ):
                dims, dtype = _parts(shape)
                given = ", ".join(ast.unparse(a) for a in [*args, *keywords])
                self.lines.append(
                    f"{space}{name}: pl.Tile[{dims}, {dtype}, pl.Mem.Vec] = pl.tile.{op}({given})"
                )
            case ast.Assign([ast.Name(name)], value):
                self.lines.append(f"{space}{name}: pl.Scalar[pl.INDEX] = {ast.unparse(value)}")
            case _:
                raise AssertionError(ast.unparse(node))

    def loop(
        self, index: str, call: str, body: Sequence[ast.stmt], space: str, indent: int, types: dict[str, str]
    ) -> None:
        before = list(self.names.values())
        self.names = {name: self.version(name) for name in self.names}
        carried, inits = _tuple(list(self.names.values())), _tuple(before)
        self.lines.append(f"{space}for {index}, {carried} in pl.{call[:-1]}, init_values={inits}):")
        self.write(body, indent + 1, types)
        self.finish(space + "    ", types)

    def finish(self, space: str, types: dict[str, str]) -> None:
        ends = list(self.names.values())
        self.names = {name: self.version(name) for name in self.names}
        new = list(self.names.values())
        target = f"{new[0]}: {types[next(iter(self.names))]}" if len(new) == 1 else ", ".join(new)
        self.lines.append(f"{space}{target} = pl.yield_({', '.join(ends)})")

    def branch(self, node: ast.If, space: str, indent: int, types: dict[str, str]) -> None:
        before, after = dict(self.names), {name: self.version(name) for name in self.names}
        for head, body in ((f"if {ast.unparse(node.test)}:", node.body), ("else:", node.orelse)):
            self.names = dict(before)
            self.lines.append(space + head)
            self.write(body, indent + 1, types)
            ends = ", ".join(self.names.values())
            (name,) = after
            self.lines.append(f"{space}    {after[name]}: {types[name]} = pl.yield_({ends})")
        self.names = after


def text(kernels: Sequence[Kernel], tensors: dict[str, str], outputs: Sequence[str]) -> str:
    """The program that runs some kernels, each in its blocks; what is no input or output is created."""
    types = {name: _tensor(shape) for name, shape in tensors.items()}
    lines = ["import pypto.language as pl", "", "@pl.program", "class p:"]

    def parameters(kernel: Kernel) -> str:
        kinds = {n: f"pl.{'InOut' if n in kernel.updates else 'Out'}[{types[n]}]" for n in kernel.writes}
        return ", ".join(f"{n}: {kinds.get(n, types[n])}" for n in (*kernel.writes, *kernel.reads))

    def result(names: Sequence[str]) -> str:
        found = ", ".join(types[n] for n in names)
        return found if len(names) == 1 else f"tuple[{found}]"

    for kernel in kernels:
        body = _Body(kernel.writes)
        body.write(ast.parse(kernel.body).body, 2, types)
        lines += [f"    {KERNEL}", f"    def {kernel.name}({parameters(kernel)}) -> {result(kernel.writes)}:"]
        lines += ["        b: pl.Scalar[pl.INDEX] = pl.tile.get_block_idx()", *body.lines]
        lines.append(f"        return {', '.join(body.names.values())}")
    for kernel in kernels:
        arguments = ", ".join((*kernel.writes, *kernel.reads))
        lines.append(f'    @pl.function(type=pl.FunctionType.Spmd, attrs={{"core_num": {kernel.blocks}}})')
        lines.append(f"    def {kernel.name}_spmd(self, {parameters(kernel)}) -> {result(kernel.writes)}:")
        lines += _call(kernel.name, kernel.writes, arguments, types)
    made = [n for k in kernels for n in k.writes if n not in outputs]
    inputs = [n for n in tensors if n not in outputs and n not in made]
    given = [f"{n}: {types[n]}" for n in inputs] + [f"{n}: pl.InOut[{types[n]}]" for n in outputs]
    lines += [f"    {MAIN}", f"    def main(self, {', '.join(given)}) -> {result(outputs)}:"]
    names = {n: n for n in tensors}
    for name in dict.fromkeys(made):
        dims, dtype = _parts(tensors[name])
        lines.append(f"        {name}: {types[name]} = pl.tensor.create({dims}, dtype={dtype})")
    for number, kernel in enumerate(kernels):
        arguments = ", ".join(names[n] for n in (*kernel.writes, *kernel.reads))
        names |= {n: f"{n}__v{number}" for n in kernel.writes}
        lines += _call(f"{kernel.name}_spmd", kernel.writes, arguments, types, names)[:-1]
    lines.append(f"        return {', '.join(names[n] for n in outputs)}")
    return "\n".join(lines) + "\n"


def _call(
    name: str,
    writes: Sequence[str],
    arguments: str,
    types: dict[str, str],
    names: dict[str, str] | None = None,
) -> list[str]:
    """A call, one name per result, and the return of them."""
    new = [(names or {}).get(n, f"{n}__r") for n in writes]
    new = [n if n not in writes else f"{n}__r" for n in new]
    if len(writes) == 1:
        lines = [f"        {new[0]}: {types[writes[0]]} = self.{name}({arguments})"]
    else:
        kind = ", ".join(types[n] for n in writes)
        lines = [f"        ret_{name}: pl.Tuple[{kind}] = self.{name}({arguments})"]
        lines += [
            f"        {n}: {types[w]} = ret_{name}[{i}]"
            for i, (n, w) in enumerate(zip(new, writes, strict=True))
        ]
    return [*lines, f"        return {', '.join(new)}"]


def program(kernels: Sequence[Kernel], tensors: dict[str, str], outputs: Sequence[str]) -> ModuleOp:
    return parse_program(text(kernels, tensors, outputs), "p.py")


def arrays(tensors: dict[str, str], seed: int = 0) -> dict[str, Array]:
    """Numbers for all tensors, bf16 as bits; small whole ones for i32."""
    rng = np.random.default_rng(seed)
    made: dict[str, Array] = {}
    for name, shape in tensors.items():
        *dims, dtype = shape.split("x")
        numbers = rng.standard_normal([int(d) for d in dims]).astype(np.float32)
        if dtype == "bf16":
            made[name] = (numbers.view(np.uint32) >> 16).astype(np.uint16)
        else:
            made[name] = numbers if dtype == "f32" else (np.abs(numbers) * 4).astype(np.int32) % 4
    return made


def same_bits(before: ModuleOp, after: ModuleOp, inputs: dict[str, Array]) -> bool:
    """Both programs compute the same from the same."""
    results = [run_program(m, inputs) for m in (before, after)]
    assert results[0].keys() == results[1].keys()
    return all(array.tobytes() == results[1][key].tobytes() for key, array in results[0].items())
