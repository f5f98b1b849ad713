"""Building kernels in Python."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from dialects.pto.builder import KernelBuilder
from dialects.pto.elementwise import TAddOp
from dsv4_passes.cli.run import run_on_arrays
from dsv4_passes.formats.pto.reader import verify_module
from dsv4_passes.interpreter.kernels import choose_kernel, find_kernels

EXAMPLE = Path(__file__).parents[2] / "examples" / "build_kernel.py"


def test_parts_of_tensors_are_loaded_and_stored():
    kernel = KernelBuilder("halves", arch="a5")
    x = kernel.argument("x", (8, 32), "f32")
    y = kernel.argument("y", (8, 16), "f32")
    left, right = (kernel.load(x, (0, col), (8, 16)) for col in (0, 16))
    kernel.store(kernel.add(TAddOp([left, right], result=left.type)), y)
    module = kernel.module()
    verify_module(module)
    numbers = np.arange(256, dtype=np.float32).reshape(8, 32)
    found = choose_kernel(find_kernels(module), None, "built")
    (result,) = run_on_arrays(found, {"x": numbers}, 1, "inputs").values()
    assert np.array_equal(result, numbers[:, :16] + numbers[:, 16:])


def test_the_example_prints_a_kernel_without_lane_operations(capsys: pytest.CaptureFixture[str]):
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    text = capsys.readouterr().out
    assert text.endswith("// on numpy, before and after: the same bits\n")
    assert "pto.tstore" in text
    assert "dsv4." not in text
    assert "tscatter" not in text
    assert "pto.tmov" not in text  # between a tile and a window there is none on this chip
