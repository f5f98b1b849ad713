"""Short kernels as text, and running them: what several test files share."""

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects import func

from dsv4_passes.cli.run import run_on_arrays
from dsv4_passes.formats.pto.reader import parse_text
from dsv4_passes.interpreter.kernels import choose_kernel, find_kernels

DATA = Path(__file__).parents[1] / "data"

Array = NDArray[Any]


def kernel(body: str, **arguments: str) -> str:
    """A function `@k` over whole tensors, in a shorthand.

    `x="4x16xf32"` is a GM argument, `%arg0` if it is the first. In the body `T<4x16xf32>` is a vec tile as
    value, `B<4x16xf32>` in memory; `%a = load x` and `store %a to y` move whole arguments in value form,
    `%b : B<…> := load x` and `store %b : B<…> to y` in buffer form; `%cN` is the index N.
    """
    shapes = {name: [int(n) for n in text.split("x")[:-1]] for name, text in arguments.items()}
    dtypes = {name: text.split("x")[-1] for name, text in arguments.items()}
    views: list[str] = []
    for number, (name, shape) in enumerate(shapes.items()):
        sizes = ", ".join(f"%c{n}" for n in shape)
        strides = ", ".join(f"%c{int(np.prod(shape[i + 1 :]))}" for i in range(len(shape)))
        whole = f"!pto.tensor_view<{'?x' * len(shape)}{dtypes[name]}>"
        views += [
            f"%{name}_view = pto.make_tensor_view %arg{number}, shape = [{sizes}], "
            f"strides = [{strides}] : {whole}",
            f"%{name}_part = pto.partition_view %{name}_view, offsets = [{', '.join(['%c0'] * len(shape))}], "
            f"sizes = [{sizes}] : {whole} -> !pto.partition_tensor_view<{arguments[name]}>",
        ]

    def part(name: str) -> str:
        return f"%{name}_part : !pto.partition_tensor_view<{arguments[name]}>"

    def tile(name: str) -> str:
        *rows, cols = shapes[name]
        return f"T<{int(np.prod(rows))}x{cols}x{dtypes[name]}>"

    body = re.sub(
        r"(%\w+) : (B<[^>]*>) := load (\w+)",
        lambda m: f"pto.tload ins({part(m[3])}) outs({m[1]} : {m[2]})",
        body,
    )
    body = re.sub(r"= load (\w+)", lambda m: f"= pto.tload ins({part(m[1])}) -> {tile(m[1])}", body)
    body = re.sub(
        r"store (%\w+) : (B<[^>]*>) to (\w+)",
        lambda m: f"pto.tstore ins({m[1]} : {m[2]}) outs({part(m[3])})",
        body,
    )
    body = re.sub(
        r"store (%\w+) to (\w+)",
        lambda m: f"pto.tstore ins({m[1]} : {tile(m[2])}) outs({part(m[2])})",
        body,
    )
    text = "\n    ".join([*views, body.strip(), "return"])
    numbers = sorted({int(n) for n in re.findall(r"%c(\d+)\b", text)})
    constants = "\n    ".join(f"%c{n} = arith.constant {n} : index" for n in numbers)
    text = text.replace("T<", "!pto.tile<vec, ").replace("B<", "!pto.tile_buf<vec, ")
    header = ", ".join(f"%arg{i}: !pto.ptr<{dtype}>" for i, dtype in enumerate(dtypes.values()))
    return f"func.func @k({header}, %__pypto_spmd_block_idx: i32) {{\n    {constants}\n    {text}\n}}\n"


def run(text: str, blocks: int = 1, **inputs: Array) -> dict[str, Array]:
    """Run the only kernel of a text."""
    found = choose_kernel(find_kernels(parse_text(text, "test.pto")), None, "test.pto")
    return run_on_arrays(found, inputs, blocks, "inputs")


def function(text: str) -> func.FuncOp:
    """The first function of a text."""
    return next(op for op in parse_text(text, "test.pto").walk() if isinstance(op, func.FuncOp))
