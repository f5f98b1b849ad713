"""A program as a folder of texts, run on numpy: its kernels as they stand, in the order of `program.json`."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dsv4_passes.diagnostics import UserError
from dsv4_passes.interpreter import numerics
from dsv4_passes.interpreter.kernels import Kernel, run_kernel
from dsv4_passes.interpreter.values import Value, is_lanes
from dsv4_passes.npz import Array
from dsv4_passes.source_names import base_name

from .awkward import bits
from .program_folder import FolderProgram
from .runs import Inputs, Run, Shapes

UNKNOWN_EXTENT = 16
"""What a symbolic extent is taken as."""


class _Numbers:
    """Tensors are arrays, and come in as `inputs` by name."""

    def __init__(self, inputs: Inputs):
        self.inputs = inputs

    def kernel(self, program: FolderProgram, name: str) -> Kernel:
        return program.kernels[name][1]

    def tensor(self, name: str, shape: Sequence[int | str], dtype: str, fact: object) -> Array:
        return self.inputs[name].astype(numerics.numpy_dtype(dtype))

    def scalar(self, name: str, dtype: str) -> Value:
        value = self.inputs[name]
        return self.float_lanes(float(value), dtype) if numerics.computes_as_float(dtype) else int(value)

    def fresh(self, shape: Sequence[int], dtype: str) -> Array:
        return np.zeros(shape, numerics.numpy_dtype(dtype))

    def run(self, kernel: Kernel, tensors: dict[int, Array], given: Mapping[int, Value], blocks: int) -> None:
        run_kernel(kernel, tensors, given, blocks)

    def changed(self, before: Array, after: Array) -> Any:
        return bits(before) != bits(after)

    def element_read(self, value: Any, dtype: str) -> Value:
        return self.float_lanes(value, dtype) if numerics.computes_as_float(dtype) else int(value)

    def element_written(self, value: Value) -> Any:
        return value.reshape(()) if is_lanes(value) else value

    def float_lanes(self, number: float, dtype: str) -> Value:
        return np.full((1, 1), number, numerics.numpy_dtype(dtype))


def folder_run(program: FolderProgram) -> Run:
    """Run the texts of a program; what its outputs hold in the end, by name."""
    return lambda inputs: program.run(_Numbers(inputs))


def folder_shapes(program: FolderProgram) -> Shapes:
    """Extents and element type of each parameter of the only orchestration, by name; a scalar has none."""
    described = program.orchestration
    return {
        base_name(parameter["name"]): (
            tuple(e if isinstance(e, int) else UNKNOWN_EXTENT for e in parameter.get("shape", ())),
            parameter["dtype"],
        )
        for parameter in described["parameters"]
        if "hidden" not in parameter
    }


def run_folder(program: FolderProgram, arrays: Mapping[str, Array], where: str) -> dict[str, Array]:
    """Run a program on arrays by parameter, bf16 as its bits, as `interpreter.program.run_program` does.

    An output that is not given starts as zeros. Raises UserError, naming the inputs `where`.
    """
    described = program.orchestration
    inputs: dict[str, Array] = {}
    extents: dict[str, int] = {}
    for parameter in described["parameters"]:
        name, dtype, shape = base_name(parameter["name"]), parameter["dtype"], parameter.get("shape", [])
        found = next((arrays[n] for n in (parameter["name"], name) if n in arrays), None)
        if found is None:
            known = [extents.get(e) if isinstance(e, str) else e for e in shape]
            if parameter.get("direction", "in") == "in" or None in known:
                raise UserError(f"no array for parameter '{name}'", where)
            inputs[name] = np.zeros([e or 0 for e in known], numerics.numpy_dtype(dtype))
            continue
        wanted = [extents.setdefault(e, n) if isinstance(e, str) else e for e, n in zip(shape, found.shape)]
        if len(found.shape) != len(shape) or list(found.shape) != wanted:
            raise UserError(f"array '{name}' should be {shape}, found {list(found.shape)}", where)
        try:
            inputs[name] = numerics.as_elements(found, dtype, name)
        except ValueError as error:
            raise UserError(str(error), where) from None
    bits16 = numerics.numpy_dtype("bf16")
    results = folder_run(program)(inputs)
    return {name: a.view(np.uint16) if a.dtype == bits16 else a for name, a in results.items()}
