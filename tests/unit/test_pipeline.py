"""`dsv4-rope` against its passes typed one by one: the same text, the same remarks."""

from pathlib import Path

import pytest
from xdsl.passes import ModulePass

from dsv4_passes.cli.opt import main
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
        arguments = [str(DATA / name), "-p", passes, "-t", target]
        assert main([*arguments, *given]) == 0
        captured = capsys.readouterr()
        outputs.append((captured.out, captured.err))
    assert outputs[0] == outputs[1]
