"""Wrappers that name, pass and return what they like."""

from pathlib import Path

import numpy as np
import pytest
from xdsl.dialects.builtin import ModuleOp

from dialects.dsv4.launch import LaunchOp
from dsv4_passes.diagnostics import UserError
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.formats.pypto.target import changed_functions, program_text
from dsv4_passes.interpreter.program import run_program
from dsv4_passes.npz import Array
from dsv4_passes.transforms.program.drop_dead_args import drop_all
from tests.unit.kernels import DATA

TEXT = (Path(DATA) / "programs/wrappers.py").read_text(encoding="utf-8")
RNG = np.random.default_rng(7)
INPUTS: dict[str, Array] = {
    "x": RNG.standard_normal((64, 32)).astype(np.float32),
    "unused": np.zeros((8, 8), np.float32),
    "y": RNG.standard_normal((64, 32)).astype(np.float32),
}


def run(module: ModuleOp, inputs: dict[str, Array] = INPUTS) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in run_program(module, inputs).items()}


def expected() -> dict[str, bytes]:
    """What the program says, step by step: every wrapper runs `a, b = x + b, x - b`."""
    x, y = INPUTS["x"], INPUTS["y"]
    p, y = x + y, x - y
    q, y = p + y, p - y
    p, y = q + y, q - y
    q, y = p + y, p - y
    z, y = q + y, q - y
    z = q - z
    return {"y": y.tobytes(), "z": z.tobytes()}


def test_every_wrapper_does_what_its_text_says() -> None:
    assert run(parse_program(TEXT)) == expected()


@pytest.mark.parametrize("name", ["wrappers", "wrapper_returns_parameter"])
def test_the_text_comes_back_byte_for_byte(name: str) -> None:
    text = (Path(DATA) / f"programs/{name}.py").read_text(encoding="utf-8")
    assert program_text(parse_program(text)) == text


def test_printed_from_the_ir_it_does_the_same() -> None:
    printed = program_text(parse_program(TEXT), verbatim=False)
    assert run(parse_program(printed)) == expected()


SPARE = TEXT.replace(
    "def input_spmd(self, ", "def input_spmd(self, spare__ssa_v0: pl.Scalar[pl.INDEX], "
).replace("self.input_spmd(", "self.input_spmd(3, ")


def test_a_wrapper_may_have_a_parameter_that_it_does_not_pass() -> None:
    module = parse_program(SPARE)
    assert run(module) == expected()
    assert program_text(module) == SPARE
    printed = program_text(module, verbatim=False)
    assert "self.input_spmd(" not in printed
    assert run(parse_program(printed)) == expected()


def test_an_orchestration_that_changed_calls_the_wrappers_whose_text_stands_in_their_order() -> None:
    module = parse_program(TEXT)
    second = [op for op in module.walk() if isinstance(op, LaunchOp)][1]
    first = next(op for op in module.walk() if isinstance(op, LaunchOp))
    second.operands[0] = first.operands[0]  # x instead of p, which is at the third place of the wrapper
    text = program_text(module)
    assert "main" in changed_functions(module)
    assert "crossed_spmd" not in changed_functions(module)
    assert "self.crossed_spmd(y__ssa_v1, q__ssa_v0, x__ssa_v0, unused__ssa_v0)" in text
    assert run(parse_program(text)) == run(module) != expected()


def test_a_wrapper_whose_kernel_lost_an_argument_is_called_in_the_order_of_the_kernel() -> None:
    module = parse_program(TEXT)
    assert drop_all(module) == 1
    text = program_text(module)
    assert "unused" not in text.partition("def main")[0]
    inputs = {name: array for name, array in INPUTS.items()}
    assert run(parse_program(text), inputs) == expected()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "return second__ssa_v1, first",
            "return third__ssa_v1, first",
            "expected what the kernel returned, or",
        ),
        ("return b__ssa_v1\n", "return ret__tmp_v0[2]\n", "'ret__tmp_v0' has 2 parts, no number 2"),
        ("return b__ssa_v1\n", "return b__ssa_v1, b__ssa_v1\n", "expected 1 returned values, found 2"),
        ("self.both(in__ssa_v0, ", "self.both(0, ", "expected 'crossed_spmd' to pass on its parameters"),
        (
            "self.both(in__ssa_v0, unused__ssa_v0",
            "self.both(unused__ssa_v0, in__ssa_v0",
            "'unused__ssa_v0' is ",
        ),
    ],
)
def test_what_no_wrapper_does_is_an_error(old: str, new: str, message: str) -> None:
    assert old in TEXT
    with pytest.raises(UserError) as error:
        parse_program(TEXT.replace(old, new, 1) if "return b" not in old else _last(TEXT, old, new))
    assert error.value.message.startswith(message)


def _last(text: str, old: str, new: str) -> str:
    """Replace the one in the wrapper that returns one tensor."""
    before, mark, behind = text.partition("def one_spmd")
    return before + mark + behind.replace(old, new, 1)
