"""No kernel is costlier by the model after `dsv4-rope` than before."""

from pathlib import Path

import pytest
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp

from dsv4_passes.diagnostics import collect
from dsv4_passes.formats.pto.reader import parse_text
from dsv4_passes.targets import chip
from dsv4_passes.transforms.bind_facts import bind_toml
from dsv4_passes.transforms.common.cost import function_cost
from dsv4_passes.transforms.lowering.lower_tiles import PtoLowerPass
from dsv4_passes.transforms.raising.raise_tiles import PtoRaisePass
from dsv4_passes.transforms.rope import RopePass
from tests.unit.kernels import DATA

FACTS = '"even_select*" = "even"\n"odd_select*" = "odd"\n'
SELECTORS = ("rope_a", "unrotate", "reassemble")
KERNELS = sorted(path for path in DATA.glob("*/*.pto"))


def cycles(module: ModuleOp, arch: str) -> int:
    """Of all functions, one after the other."""
    functions = (op for op in module.walk() if isinstance(op, func.FuncOp))
    return sum(function_cost(function, chip(arch)).cycles.cycles for function in functions)


@pytest.mark.parametrize("path", KERNELS, ids=lambda path: path.stem)
@pytest.mark.parametrize(
    ("arch", "ptoas", "level"),
    [
        ("a3", "0.60", "level2"),
        ("a3", "0.43", "level3"),
        ("a5", "0.60", "level3"),
        ("a5", "0.43", "level2"),
    ],
)
def test_nothing_becomes_costlier(path: Path, arch: str, ptoas: str, level: str, tmp_path: Path) -> None:
    text = path.read_text().replace('"a2a3"', f'"{arch}"').replace('"a3"', f'"{arch}"')
    module = parse_text(text, path.name)
    at_level = module.clone()  # views cost nothing where tiles have addresses, but moves where they have none
    with collect():
        for pass_ in (PtoRaisePass(), PtoLowerPass(arch, ptoas, level, "buffer")):  # pyright: ignore[reportArgumentType]
            pass_.apply(Context(), at_level)
    before = max(cycles(module, arch), cycles(at_level, arch))
    (facts := tmp_path / "facts.toml").write_text(FACTS)
    with collect():
        if path.stem in SELECTORS:
            bind_toml(module, str(facts))
        RopePass(arch, ptoas, level=level).apply(Context(), module)  # pyright: ignore[reportArgumentType]
    assert cycles(module, arch) <= before
