"""Which room may import from which: read from the source, inside functions too."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(p for top in ("dialects", "dsv4_passes") for p in (ROOT / top).rglob("*.py"))

ROOMS = [
    {"dialects.pto"},
    {"dialects.dsv4"},
    {
        "dsv4_passes.diagnostics",
        "dsv4_passes.files",
        "dsv4_passes.npz",
        "dsv4_passes.source_names",
        "dsv4_passes.argument_names",
    },
    {"dsv4_passes.xdsl_extras"},
    {"dsv4_passes.targets"},
    {"dsv4_passes.interpreter"},
    {"dsv4_passes.equivalence"},
    {"dsv4_passes.formats"},
    {"dsv4_passes.transforms"},
    {"dsv4_passes.reports"},
    {"dsv4_passes.universe"},
    {"dsv4_passes.validation"},
    {"dsv4_passes.plugins"},
    {"dsv4_passes.cli"},
]
"""Rooms from the bottom up: each may import from its own line and from lines above it."""


def module_of(path: Path) -> str:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return name.removesuffix(".__init__")


MODULES = {module_of(path): path for path in SOURCES}


def imports(path: Path, top_only: bool = False) -> Iterator[str]:
    """The modules of this project that a file imports, absolute."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = module_of(path) if path.name == "__init__.py" else module_of(path).rpartition(".")[0]
    for node in tree.body if top_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        if isinstance(node, ast.ImportFrom):
            base = package.rsplit(".", node.level - 1)[0] if node.level else ""
            module = ".".join(filter(None, (base, node.module)))
            for alias in node.names:
                if (name := f"{module}.{alias.name}") in MODULES:
                    yield name
                elif module in MODULES:
                    yield module


def level(module: str) -> int | None:
    prefixes = {module, *(module[: m.start()] for m in re.finditer(r"\.", module))}
    return next((i for i, rooms in enumerate(ROOMS) if rooms & prefixes), None)


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_imports_point_down(path: Path):
    module = module_of(path)
    if module == "dsv4_passes":
        return
    here = level(module)
    assert here is not None, f"{module} is in no room"
    for target in imports(path):
        there = level(target)
        assert there is not None, f"{module} imports {target}, which is in no room"
        assert there <= here, f"{module} imports {target}, which is above it"


def test_there_are_no_import_cycles():
    graph = {module: set(imports(path)) - {module} for module, path in MODULES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_the_proof_imports_no_pass():
    for module, path in MODULES.items():
        if module.startswith("dsv4_passes.equivalence"):
            assert not any("transforms" in target or "formats" in target for target in imports(path)), module


def test_chips_are_told_apart_in_targets_only():
    compared = re.compile(r"""(==|!=|\bin)\s*\(?["'](a2a3|a3|a2|a5)["']|["'](a2a3|a5)["']\s*(==|!=)""")
    for path in SOURCES:
        if "targets" in path.parts or path.name == "__init__.py":
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            assert not compared.search(line), f"{path.relative_to(ROOT)}:{number}: {line.strip()}"


def test_few_files_lie_flat_in_transforms():
    flat = [p for p in (ROOT / "dsv4_passes" / "transforms").glob("*.py") if p.name != "__init__.py"]
    assert len(flat) <= 8


def test_the_dialect_needs_nothing_but_xdsl():
    """`dialects.pto` imports where neither numpy nor `dsv4_passes` can be imported."""
    script = (
        "import sys\n"
        "for name in ('numpy', 'ml_dtypes', 'rich', 'dsv4_passes'):\n"
        "    sys.modules[name] = None\n"
        "import dialects.pto, dialects.dsv4\n"
        "from xdsl.context import Context\n"
        "from xdsl.dialects.builtin import Builtin\n"
        "from xdsl.dialects.func import Func\n"
        "from xdsl.parser import Parser\n"
        "ctx = Context()\n"
        "for dialect in (Builtin, Func, dialects.pto.PTO):\n"
        "    ctx.load_dialect(dialect)\n"
        "T = '!pto.tile<vec, 16x64xf32>'\n"
        "text = f'func.func @f(%a: {T}, %b: {T}) {{ %c = pto.tadd ins(%a, %b : {T}, {T}) -> {T} return }}'\n"
        "Parser(ctx, text).parse_module().verify()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
