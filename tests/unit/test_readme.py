"""What the README says is there, is there; and what is there is in the README."""

import re
from pathlib import Path

from xdsl.context import Context
from xdsl.dialects import func

from dsv4_passes.diagnostics import collect
from dsv4_passes.formats.pto.reader import parse_text
from dsv4_passes.targets import chip
from dsv4_passes.transforms.bind_facts import bind_arrays
from dsv4_passes.transforms.common.cost import function_cost
from dsv4_passes.transforms.lanes.ways import STYLES, FormName
from dsv4_passes.transforms.rope import RopePass
from dsv4_passes.universe import DSV4_UNIVERSE
from tests.unit.kernels import DATA

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_pass_is_in_the_table() -> None:
    rows = [line for line in README.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`((?:dsv4|pto)-[a-z-]+)`", row.split("|")[1])}
    assert named == set(DSV4_UNIVERSE.all_passes), "the table in README.md wants a row or has one too many"


def test_the_files_that_the_documents_name_are_there() -> None:
    examples = {"program.py", "better.py", "launcher.py"}
    present = {path.name for path in ROOT.rglob("*.py") if ".venv" not in path.parts}
    for page in (*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"):
        named = set(re.findall(r"\b\w+\.py\b", page.read_text(encoding="utf-8")))
        assert named <= present | examples, page


FORMS: dict[str, FormName] = {
    "**bit-pack** (chosen)": "bit-pack",
    "transpose": "transpose",
    "bit-swap": "bit-swap",
    "mask gathers, transposes": "mask-gather",
    "flat gather": "flat-gather",
    "gather row by row": "row-gather",
    "raw scatter pair": "scatter-pair",
    "index scatter": "index-scatter",
}
"""What the README's table of costs calls each form."""


def test_the_table_of_costs_is_what_the_model_says() -> None:
    cells = [line.strip("|").split("|") for line in README.splitlines() if line.startswith("|")]
    said = {row[i].strip(): row[i + 1].strip() for row in cells if len(row) == 4 for i in (0, 2)}
    assert set(FORMS.values()) == set(STYLES) - {"auto"}
    for name, form in FORMS.items():
        assert said[name] == "–".join(cycles("rope_c", form).split("..")), name
    assert cycles("rope_c", "auto") == said["**bit-pack** (chosen)"]
    assert cycles("rope_c", None) == said["as it came: scatters and blends"]
    way = {name: (cycles(name, None), cycles(name, "auto")) for name in ("rope_a", "rope_b", "rope_d")}
    text = " ".join(README.split())
    cube, vector = way["rope_a"][0].split()
    assert f"(`rope_a`), it takes {cube} cycles on the cube and {vector} on the vector core before" in text
    assert f"before and {way['rope_a'][1]} after" in text
    for name in ("rope_b", "rope_d"):
        assert f"(`{name}`) {' and '.join(way[name])}" in text


def cycles(name: str, form: FormName | None) -> str:
    """Model cycles of the functions of a kernel on A3, as it came or in that form."""
    folder = DATA / name
    module = parse_text((folder / f"{name}.pto").read_text(), f"{name}.pto")
    if form is not None:
        with collect():
            if name == "rope_a":
                bind_arrays(module, str(folder / "inputs.npz"))
            RopePass("a3", form=form).apply(Context(), module)
    functions = [op for op in module.walk() if isinstance(op, func.FuncOp)]
    return " ".join(str(function_cost(function, chip("a3")).cycles) for function in functions)


def test_links_and_folders_are_there() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"), ROOT / "examples" / "README.md"):
        text = page.read_text(encoding="utf-8")
        for link in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (page.parent / link).exists(), f"{page.name}: {link}"
        for path in re.findall(r"\b(?:dsv4_passes|dialects|tests)/[\w/]+(?:\.\w+)?", text):
            assert (ROOT / path).exists(), f"{page.name}: {path}"
