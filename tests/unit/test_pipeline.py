"""`dsv4-rope` against its passes typed one by one: same text, same remarks; and what remarks are about."""

from pathlib import Path

import pytest
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.passes import ModulePass

from dsv4_passes.cli.opt import main
from dsv4_passes.diagnostics import collect, note
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.transforms.bind_facts import bind_toml
from dsv4_passes.transforms.rope import RopePass
from tests.unit.kernels import DATA

KERNELS = [
    "staged/reassemble.pto",
    "staged/head_rotate.pto",
    "mixed/unrotate.pto",
    "mixed/pack.pto",
    "rope_a/rope_a.pto",
    "rope_b/rope_b.pto",
    "rope_c/rope_c.pto",
    "rope_d/rope_d.pto",
]
NO_SELECTORS = ("rope_b", "rope_c", "rope_d", "staged/head", "mixed/pack")
PROGRAMS = [f"{name}/program.py" for name in ("staged", "mixed", "rope_a", "rope_b", "rope_c", "rope_d")]


def typed(rope: RopePass) -> str:
    """The passes of a pipeline as somebody would type them."""

    def spec(each: ModulePass) -> str:
        return str(each.pipeline_pass_spec())

    return ",".join(spec(each) for each in rope.passes())


@pytest.mark.parametrize("name", [*KERNELS, *PROGRAMS])
def test_typing_the_passes_gives_the_same_text(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    target = "pypto" if name.endswith(".py") else 'pto{ptoas="0.60"}'
    facts = tmp_path / "facts.toml"
    facts.write_text('"even_select*" = "even"\n"odd_select*" = "odd"\n')
    given = [] if name.startswith(NO_SELECTORS) else ["--facts", str(facts)]
    outputs: list[tuple[str, str]] = []
    for passes in ("dsv4-rope{chip=a3}", typed(RopePass(chip="a3"))):
        arguments = [str(DATA / name), "-p", passes, "-t", target, "--no-validate"]
        assert main([*arguments, *given]) == 0
        captured = capsys.readouterr()
        outputs.append((captured.out, captured.err))
    assert outputs[0] == outputs[1]


@pytest.mark.parametrize("name", ["staged/program.py", "mixed/program.py", "programs/sibling_loops.py"])
def test_remarks_carry_the_name_of_their_function(name: str, tmp_path: Path):
    facts = tmp_path / "facts.toml"
    facts.write_text('"even_select*" = "even"\n"odd_select*" = "odd"\n')
    module = parse_program((DATA / name).read_text(encoding="utf-8"))
    bind_toml(module, str(facts))
    with collect() as said:
        RopePass(chip="a3").apply(Context(), module)
    about = [entry for entry in said.entries if entry.outcome != "fact"]
    assert len(about) > 3
    assert [entry.message for entry in about if not entry.function] == []
    fused = [entry for entry in about if " are one kernel now, " in entry.message]
    assert all(f"one kernel now, '{entry.function}'" in entry.message for entry in fused)
    assert {entry.function for entry in about} & {
        f.sym_name.data for f in module.ops if isinstance(f, func.FuncOp)
    }


def test_a_remark_outside_of_passes_names_the_function_around_its_site():
    module = parse_program((DATA / "staged/program.py").read_text(encoding="utf-8"))
    function = next(op for op in module.ops if isinstance(op, func.FuncOp))
    inner = next(op for op in function.walk() if op is not function)
    with collect() as said:
        note(module, "about all")
        note(function, "about one")
        note(inner, "about a part of it")
    assert [entry.function for entry in said.entries] == ["", function.sym_name.data, function.sym_name.data]
