"""Broken kernels end in one clean error, or are read, printed and read again as the same thing."""

from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from random import Random
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]
KERNELS = sorted((ROOT / "tests" / "data").rglob("*.pto"))


def _load_tool() -> ModuleType:
    """tools/ is not a package: its scripts have no suffix and nothing imports them but this."""
    loader = SourceFileLoader("mutate", str(ROOT / "tools" / "mutate"))
    spec = spec_from_loader("mutate", loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


TOOL = _load_tool()


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda path: path.stem)
def test_the_kernels_themselves_are_accepted(kernel: Path):
    with TOOL.time_limit(60):
        assert TOOL.check(kernel.read_text(), target="pto") == "accepted"


@pytest.mark.parametrize("seed", range(300))
def test_a_mutated_kernel_ends_cleanly(seed: int):
    random = Random(seed)
    text = TOOL.mutate(random.choice(KERNELS).read_text(), random)
    with TOOL.time_limit(60):
        TOOL.check(text, target="pto")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(KERNELS), st.integers(0, 1000), st.text(max_size=30))
def test_any_text_instead_of_a_line_ends_cleanly(kernel: Path, line: int, replacement: str):
    lines = kernel.read_text().split("\n")
    lines[line % len(lines)] = replacement
    with TOOL.time_limit(60):
        TOOL.check("\n".join(lines))
