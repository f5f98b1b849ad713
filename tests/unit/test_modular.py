"""Programs compared with the kernels that both have taken as functions of their arguments."""

import pytest

from dsv4_passes.diagnostics import collect
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.validation.modules import unchanged_kernels
from dsv4_passes.validation.programs import ModuleProgram, compare_program_modules, compare_programs
from dsv4_passes.validation.verdict import Allowed, Verdict

KERNEL = """
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def {name}({given}, out__ssa_v0: pl.Out[pl.Tensor[[8, 16], pl.FP32]]) -> pl.Tensor[[8, 16], pl.FP32]:
        x__tile: pl.Tile[[8, 16], pl.FP32, pl.Mem.Vec] = pl.tile.load({first}__ssa_v0, [0, 0], [8, 16], [8, 16], target_memory=pl.Mem.Vec, transpose=False)
{body}        out__tile: pl.Tensor[[8, 16], pl.FP32] = pl.tile.store(x__tile_9, [0, 0], out__ssa_v0)
        return out__tile"""  # noqa: E501
STEP = "        {result}: pl.Tile[[8, 16], pl.FP32, pl.Mem.Vec] = pl.tile.{op}({source}, {number})\n"
SMALL, LARGE = "pl.Tensor[[8, 16], pl.FP32]", "pl.Tensor[[8192, 8192], pl.FP32]"
MAIN = """
    @pl.function(type=pl.FunctionType.Orchestration, level=pl.Level.CHIP, role=pl.Role.Orchestrator)
    def main(self, w__ssa_v0: {LARGE}, flag__ssa_v0: pl.Tensor[[1], pl.INT32], y__ssa_v0: pl.Out[{SMALL}], z__ssa_v0: pl.Out[{SMALL}]) -> {SMALL}:
        n__ssa_v0: pl.Scalar[pl.INT32] = pl.tensor.read(flag__ssa_v0, [0])
        if {condition}:
            y__ssa_v1: {SMALL} = self.head(w__ssa_v0, y__ssa_v0)
            y__phi_v2: {SMALL} = pl.yield_(y__ssa_v1)
        else:
            y__phi_v2: {SMALL} = pl.yield_(y__ssa_v0)
{calls}        y__ssa_v3: {SMALL} = self.small({last}, y__phi_v2)
        return y__ssa_v3
"""  # noqa: E501
TWO = """        s__ssa_v0: {SMALL} = pl.tensor.create([8, 16], dtype=pl.FP32, layout=pl.TensorLayout.ND)
        s__ssa_v1: {SMALL} = self.first(y__phi_v2, s__ssa_v0)
        z__ssa_v1: {SMALL} = self.second(s__ssa_v1, z__ssa_v0)
"""
ONE = "        z__ssa_v1: {SMALL} = self.both(y__phi_v2, z__ssa_v0)\n"


def kernel(name: str, type_: str, *steps: tuple[str, float]) -> str:
    body = ""
    for number, (op, value) in enumerate(steps):
        result = "x__tile_9" if number == len(steps) - 1 else f"x__tile_{number + 1}"
        source = "x__tile" if not number else f"x__tile_{number}"
        body += STEP.format(result=result, op=op, source=source, number=value)
    return KERNEL.format(name=name, given=f"x__ssa_v0: {type_}", first="x", body=body)


def program(calls: str, *kernels: str, condition: str = "n__ssa_v0 == 0", last: str = "z__ssa_v1") -> str:
    unchanged = kernel("head", LARGE, ("muls", 2.0)), kernel("small", SMALL, ("adds", 0.25))
    main = MAIN.replace("{calls}", calls).replace("{condition}", condition).replace("{last}", last)
    main = main.replace("{SMALL}", SMALL).replace("{LARGE}", LARGE)
    head = "# pypto.program: p\nimport pypto.language as pl\n\n@pl.program\nclass p:"
    return "".join([head, *unchanged, *kernels, main])


BEFORE = program(TWO, kernel("first", SMALL, ("adds", 1.0)), kernel("second", SMALL, ("muls", 3.0)))


def fused(*steps: tuple[str, float], condition: str = "n__ssa_v0 == 0", last: str = "z__ssa_v1") -> str:
    return program(ONE, kernel("both", SMALL, *steps), condition=condition, last=last)


def verdict(after: str) -> Verdict:
    with collect():
        (found,) = compare_program_modules(
            parse_program(BEFORE, "a.py"), parse_program(after, "b.py"), Allowed(), 10.0
        )
    return found


def test_only_what_changed_is_run() -> None:
    """A tensor of 67 million elements and a branch on what a tensor holds stand in front of what is fused."""
    after = fused(("adds", 1.0), ("muls", 3.0))
    assert verdict(after).outcome == "proved"
    # without that, neither the size nor the branch can be followed
    whole = [ModuleProgram(parse_program(text, "p.py")) for text in (BEFORE, after)]
    assert compare_programs(whole[0], whole[1], Allowed(), 10.0).outcome == "undecided"


@pytest.mark.parametrize(
    "after",
    [
        fused(("adds", 1.0), ("muls", 5.0)),
        fused(("muls", 3.0), ("adds", 1.0)),
        fused(("adds", 1.0), ("muls", 3.0), condition="n__ssa_v0 == 1"),
        fused(("adds", 1.0), ("muls", 3.0), last="y__phi_v2"),
        fused(("adds", 1.0), ("muls", 3.0)).replace("head(w__ssa_v0, y", "head(w__ssa_v0, z"),
        fused(("adds", 1.0), ("muls", 3.0)).replace("flag__ssa_v0, [0])", "flag__ssa_v0, [-1])"),
    ],
    ids=["number", "order", "condition", "argument", "output", "index"],
)  # fmt: skip
def test_another_program_is_not_proved(after: str) -> None:
    """A kernel that computes something else, and the same kernels on other tensors or in another case."""
    modules = [parse_program(text, "p.py") for text in (BEFORE, after)]
    same = unchanged_kernels(*modules)
    assert {"head", "small"} <= set(same)
    found = compare_programs(
        ModuleProgram(modules[0], same), ModuleProgram(modules[1], same), Allowed(), 10.0
    )
    assert found.outcome != "proved"
    assert verdict(after).outcome != "proved"
