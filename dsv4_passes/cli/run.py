"""`dsv4-run`: run a kernel on numpy, bit for bit, all blocks in order.

    dsv4-run K.pto --func rope --inputs in.npz --outputs out.npz --blocks 4
    dsv4-run program.py --inputs in.npz --outputs out.npz
    dsv4-run folder --inputs in.npz --outputs out.npz

A folder is a program as `-t pto` writes it, run from its `program.json`.

Arrays go by the names of the kernel's arguments: the view's name without `_view` and `__ssa_vN`, the
argument's own name, or `argN`. bf16 is stored as its bits in uint16. Arrays of other names are ignored, so
that one file serves a kernel and its rewritten form, which may read less. Every argument that the kernel
stores to is an output; one that is not among the inputs starts as zeros.
"""

# PYTHON_ARGCOMPLETE_OK: the shell may ask this tool what could follow
import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from xdsl.dialects.builtin import ModuleOp

from dialects.dsv4.functions import ORCHESTRATION, program_functions
from dsv4_passes.argument_names import nearest_first
from dsv4_passes.diagnostics import UserError
from dsv4_passes.formats.pto.reader import decode, parse_file, parse_text, read_text
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.interpreter import numerics
from dsv4_passes.interpreter.kernels import Argument, Kernel, choose_kernel, find_kernels, run_kernel
from dsv4_passes.interpreter.program import run_program
from dsv4_passes.interpreter.values import Value
from dsv4_passes.npz import Array, read_npz, write_npz

from .arguments import parse
from .common import require_directory_of, run_tool
from .messages import Messages

EXAMPLES = """\
examples:
  dsv4-run kernel.pto --inputs in.npz --outputs out.npz --blocks 4
      run a kernel in four blocks
  dsv4-run kernels.pto --func rope --inputs in.npz --outputs out.npz
      run one of several kernels; of a mixed one, rope_aic and rope_aiv, both
  dsv4-run program.py --inputs in.npz --outputs out.npz
      run a program with all that it launches

Arrays go by the names of arguments; bf16 is its bits in uint16. What is stored to is an output.
"""


def main(args: Sequence[str] | None = None) -> int:
    """Entry point; the exit code is 1 after one line on stderr for any failure."""
    return run_tool("dsv4-run", lambda messages: _run(args, messages), args)


def _run(args: Sequence[str] | None, messages: Messages) -> None:
    options = _parse_options(args)
    outputs = Path(options.outputs)
    require_directory_of(outputs)
    if Path(options.kernel).is_dir():
        write_npz(outputs, _run_folder(options))
        return
    module = _read(options.kernel)
    inputs, where = read_npz(options.inputs) if options.inputs else {}, options.inputs or options.kernel
    programs = [f.sym_name.data for f in program_functions(module, ORCHESTRATION)]
    if programs and options.func in (None, *programs):
        if options.blocks is not None:
            raise UserError("--blocks is for kernels: a program launches its own", options.kernel)
        results = run_program(module, inputs, options.func, where)
    else:
        kernel = choose_kernel(find_kernels(module), options.func, options.kernel)
        _say_unused(kernel, inputs, where, messages)
        results = run_on_arrays(kernel, inputs, options.blocks or 1, where)
    write_npz(outputs, results)


def _run_folder(options: argparse.Namespace) -> dict[str, Array]:
    """Run the program that the texts of a folder make, as its program.json says."""
    from dsv4_passes.validation.folder_numbers import run_folder
    from dsv4_passes.validation.program_folder import FolderProgram, read_folder

    if options.blocks is not None or options.func is not None:
        raise UserError("--func and --blocks are for kernels: a program launches its own", options.kernel)
    inputs, where = read_npz(options.inputs) if options.inputs else {}, options.inputs or options.kernel
    try:
        return run_folder(FolderProgram(read_folder(Path(options.kernel))), inputs, where)
    except UserError as error:
        raise UserError(error.message, error.location or options.kernel) from error


def _read(path: str) -> ModuleOp:
    """A kernel, or a whole tile program, which brings its own numbers of blocks."""
    if path == "-":
        return parse_text(decode(sys.stdin.buffer.read(), "<stdin>"))
    return parse_program(read_text(path), path) if path.endswith(".py") else parse_file(Path(path))


def _parse_options(args: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="dsv4-run", description="Run a kernel on numpy, bit for bit.")
    parser.add_argument(
        "kernel", help="a .pto file, in either form, a program (.py or its folder), or - for stdin"
    )
    parser.add_argument("--func", help="the kernel, where the file has several; X for a pair X_aic and X_aiv")
    parser.add_argument("--inputs", metavar="NPZ", help="arrays by argument name")
    parser.add_argument("--outputs", metavar="NPZ", required=True, help="where the results go")
    parser.add_argument("--blocks", metavar="N", type=int, help="number of blocks (default 1)")
    options = parse(parser, EXAMPLES, args)
    if options.blocks is not None and options.blocks < 1:
        raise UserError(f"argument --blocks: expected at least 1, found {options.blocks}")
    return options


def run_on_arrays(kernel: Kernel, inputs: Mapping[str, Array], blocks: int, where: str) -> dict[str, Array]:
    """Run a kernel on arrays by argument name; what it stores, by name. Errors call the inputs `where`."""
    given = _by_index(kernel, inputs, where)
    arrays: dict[int, Array] = {}
    scalars: dict[int, Value] = {}
    for index, argument in kernel.arguments.items():
        if not argument.pointer:
            if index not in given:
                raise _missing(argument, inputs, where)
            scalars[index] = _scalar(argument, given[index], where)
        elif index in given:
            arrays[index] = _elements(argument, given[index], where)
        elif argument.stored:
            arrays[index] = _zeros(argument, where)
        elif argument.loaded:
            raise _missing(argument, inputs, where)
    run_kernel(kernel, arrays, scalars, blocks)
    results: dict[str, Array] = {}
    for index, argument in kernel.arguments.items():
        if argument.pointer and argument.stored:
            shape = given[index].shape if index in given else argument.shape or (-1,)
            flat = arrays[index].view(np.uint16) if argument.dtype == "bf16" else arrays[index]
            results[argument.name] = flat.reshape(shape)
    return results


def _by_index(kernel: Kernel, inputs: Mapping[str, Array], where: str) -> dict[int, Array]:
    names = {name: index for index, a in kernel.arguments.items() for name in a.spellings}
    names |= {argument.name: index for index, argument in kernel.arguments.items()}
    given: dict[int, Array] = {}
    for name in inputs.keys() & names.keys():
        if names[name] in given:
            raise UserError(f"has two arrays for argument '{kernel.arguments[names[name]].name}'", where)
        given[names[name]] = inputs[name]
    return given


def _say_unused(kernel: Kernel, inputs: Mapping[str, Array], where: str, messages: Messages) -> None:
    """Say which arrays name no argument: one of them may be meant for one that starts as zeros."""
    arguments = kernel.arguments.values()
    known = {name for argument in arguments for name in argument.spellings}
    if unused := sorted(inputs.keys() - known):
        there = ", ".join(nearest_first([argument.name for argument in arguments], unused[0])) or "none"
        what = f"array{'s' if len(unused) > 1 else ''} {', '.join(map(repr, unused))}"
        names = "name" if len(unused) > 1 else "names"
        text = f"{what} {names} no argument of '{kernel.name}'; there are {there}"
        messages.line(f"{where}: remark: {text}")


def _missing(argument: Argument, inputs: Mapping[str, Array], where: str) -> UserError:
    there = ", ".join(f"'{name}'" for name in nearest_first(list(inputs), argument.name)) or "none"
    return UserError(f"no array for argument '{argument.name}'; there are {there}", where)


def _elements(argument: Argument, array: Array, where: str) -> Array:
    """The flat lanes of an array, after checking its shape and its type."""
    if argument.shape is not None and array.shape != argument.shape and array.shape != (argument.size,):
        wanted = _shape(argument.shape)
        raise UserError(f"array '{argument.name}' should be {wanted}, found {_shape(array.shape)}", where)
    try:
        return numerics.as_elements(array, argument.dtype, argument.name).reshape(-1).copy()
    except ValueError as error:
        raise UserError(str(error), where) from None


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "scalar"


def _zeros(argument: Argument, where: str) -> Array:
    if not argument.size:
        raise UserError(f"no array for output '{argument.name}', whose size the kernel does not say", where)
    return np.zeros(argument.size, numerics.numpy_dtype(argument.dtype))


def _scalar(argument: Argument, array: Array, where: str) -> Value:
    """A scalar argument: an int, or a float as lanes [1, 1]."""
    if array.size != 1:
        raise UserError(
            f"argument '{argument.name}' is one {argument.dtype}, found {array.size} values", where
        )
    if numerics.computes_as_float(argument.dtype):
        return _elements(argument, array, where).reshape(1, 1)
    if array.dtype.kind not in "iub":
        raise UserError(f"argument '{argument.name}' is an {argument.dtype}, found {array.dtype.name}", where)
    return int(array.reshape(-1)[0])
