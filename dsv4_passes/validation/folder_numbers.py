"""A program as a folder of texts, run on numpy: its kernels as they stand, in the order of `program.json`."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

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
        return self.float_lanes(float(value), dtype) if numerics.is_float(dtype) else int(value)

    def fresh(self, shape: Sequence[int], dtype: str) -> Array:
        return np.zeros(shape, numerics.numpy_dtype(dtype))

    def run(self, kernel: Kernel, tensors: dict[int, Array], given: Mapping[int, Value], blocks: int) -> None:
        run_kernel(kernel, tensors, given, blocks)

    def changed(self, before: Array, after: Array) -> Any:
        return bits(before) != bits(after)

    def element_read(self, value: Any, dtype: str) -> Value:
        return self.float_lanes(value, dtype) if numerics.is_float(dtype) else int(value)

    def element_written(self, value: Value) -> Any:
        return value.reshape(()) if is_lanes(value) else value

    def float_lanes(self, number: float, dtype: str) -> Value:
        return np.full((1, 1), number, numerics.numpy_dtype(dtype))


def folder_run(program: FolderProgram) -> Run:
    """Run the texts of a program; what its outputs hold in the end, by name."""
    return lambda inputs: program.run(_Numbers(inputs))


def folder_shapes(program: FolderProgram) -> Shapes:
    """Extents and element type of each parameter of the only orchestration, by name; a scalar has none."""
    (described,) = program.description["orchestration"]
    return {
        base_name(parameter["name"]): (
            tuple(e if isinstance(e, int) else UNKNOWN_EXTENT for e in parameter.get("shape", ())),
            parameter["dtype"],
        )
        for parameter in described["parameters"]
        if "hidden" not in parameter
    }
