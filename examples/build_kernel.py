"""Build a RoPE kernel in Python, lower its lane operation for a chip, print it for ptoas, run it on numpy."""

import sys

import numpy as np
from xdsl.dialects.builtin import ModuleOp

from dialects.dsv4.lanes import RotatePairsOp
from dialects.pto.builder import KernelBuilder
from dsv4_passes.cli.run import run_on_arrays
from dsv4_passes.formats.pto.reader import new_context
from dsv4_passes.formats.pto.target import PtoTarget
from dsv4_passes.interpreter.kernels import choose_kernel, find_kernels
from dsv4_passes.npz import Array
from dsv4_passes.plugins.rewrite import pipeline

SHAPES = {"x": (32, 64), "cos": (32, 32), "sin": (32, 32), "out": (32, 64)}


def main() -> None:
    kernel = KernelBuilder("rope")
    x, cos, sin, out = (kernel.argument(name, shape, "f32") for name, shape in SHAPES.items())
    kernel.store(kernel.add(RotatePairsOp([kernel.load(t) for t in (x, cos, sin)])), out)
    module, context = kernel.module(), new_context()
    before = run(module)
    for each in pipeline("dsv4-lower-lanes{chip=a3},pto-lower{chip=a3}"):
        each.apply(context, module)
    PtoTarget().emit(context, module, sys.stdout)
    same = before.tobytes() == run(module).tobytes()
    print("// on numpy, before and after:", "the same bits" if same else "DIFFERENT")


def run(module: ModuleOp) -> Array:
    """What the kernel stores, for random inputs."""
    numbers = np.random.default_rng(1)
    inputs = {name: numbers.standard_normal(shape, np.float32) for name, shape in SHAPES.items()}
    return run_on_arrays(choose_kernel(find_kernels(module), None, "<built>"), inputs, 1, "inputs")["out"]


if __name__ == "__main__":
    main()
