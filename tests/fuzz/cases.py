"""From a number to a text and its pipeline: the same one each time."""

from io import StringIO
from pathlib import Path
from random import Random

import numpy as np
from xdsl.context import Context
from xdsl.printer import Printer

from dsv4_passes.diagnostics import UserError, collect
from dsv4_passes.formats.pto.reader import parse_text
from dsv4_passes.transforms.lowering.lower_tiles import PtoLowerPass
from tests.property.rope_kernels import Maker

from .check import Case
from .edits import edited
from .kernels import vector_kernel
from .programs import program

ROOT = Path(__file__).resolve().parents[2]
FORMS = ("bit-pack", "bit-swap", "transpose", "mask-gather", "flat-gather", "row-gather", "scatter-pair")
LANES = (
    *("dsv4-rope{{{}}}",) * 8,
    "dsv4-rope{{{} signed-zero=ignore}}",
    "dsv4-rope{{{} guard=bf16-fallback}}",
    "dsv4-rope{{{} guard=contract-rounding}}",
    *("dsv4-rope{{{} form=FORM}}",) * 6,
    "pto-raise,dsv4-raise-lanes{{{}}},dsv4-lower-lanes{{{} form=FORM}},pto-lower{{{}}}",
    "pto-raise,dsv4-raise-lanes{{{}}},dsv4-fold-lanes{{{}}},dsv4-lower-lanes{{{}}},dsv4-hoist-fills{{{}}},pto-lower{{{}}}",
    "pto-raise,dsv4-select-to-lanes{{{}}},dsv4-scatter-form{{{}}},dsv4-lower-lanes{{{}}},pto-lower{{{}}}",
    "pto-raise,dsv4-lower-lanes{{{}}},dsv4-fit-ub{{{}}},pto-lower{{{}}}",
    "pto-raise,dsv4-lower-lanes{{{}}},dsv4-hoist-fills{{{}}},pto-lower{{{}}}",
    "pto-raise,dsv4-lower-lanes{{{}}},pto-lower{{{} level=LEVEL}}",
)
VALUES = (
    "dsv4-raise-lanes{{{}}}",
    "dsv4-raise-lanes{{{}}},dsv4-fold-lanes{{{}}}",
    "dsv4-raise-lanes{{{}}},dsv4-fold-lanes{{{}}},dsv4-lower-lanes{{{}}},dsv4-hoist-fills{{{}}}",
    "dsv4-select-to-lanes{{{}}},dsv4-scatter-form{{{}}}",
    "pto-split-mixed,pto-lower{{{}}}",
)
PROGRAMS = (
    *("dsv4-rope{{{}}}",) * 6,
    "dsv4-rope{{{} guard=contract-rounding}}",
    "dsv4-rope{{{} form=FORM}}",
    "dsv4-fuse-stages{{{}}}",
    "dsv4-forward-copies,dsv4-propagate-facts,dsv4-raise-lanes{{{}}},dsv4-fuse-stages{{{}}},dsv4-drop-dead-stores,dsv4-drop-dead-args",
)


def case_of(seed: int, corpus: list[Path]) -> Case:
    """The case with that number."""
    random = Random(seed)
    chip = random.choice(("a3", "a3", "a5"))
    kind = random.random()
    if kind < 0.62 or not corpus:
        return _vector(random, chip)
    if kind < 0.7:
        text = Maker(np.random.default_rng(seed), chip).kernel()
        return Case(text, _passes(random, VALUES, chip), "value", kind="mixed")
    if kind < 0.85:
        target = random.choice(("pypto", "pypto", "folder"))
        return Case(program(random), _passes(random, PROGRAMS, chip), target, ".py", f"program {target}")
    path = random.choice(corpus)
    text = path.read_text(encoding="utf-8")
    if random.random() < 0.9:
        text = edited(text, random)
    if path.suffix == ".py":
        return Case(text, _passes(random, PROGRAMS[:2], chip), "pypto", ".py", "corpus program")
    return Case(text, _passes(random, LANES, chip), "pto", kind="corpus kernel")


def _passes(random: Random, choices: tuple[str, ...], chip: str) -> str:
    text = random.choice(choices).replace("{{{}", f"{{chip={chip}").replace("}}", "}")
    return text.replace("FORM", random.choice(FORMS)).replace("LEVEL", random.choice(("level2", "level3")))


def _vector(random: Random, chip: str) -> Case:
    text = vector_kernel(random, chip)
    form = random.choice(("value", "value", "level2", "level3", "level3"))
    ptoas = random.choice(("0.60", "0.60", "0.60", "0.57", "0.44"))
    passes = _passes(random, LANES, chip)
    if form != "value":
        lowered = in_memory(text, form)
        if lowered is None:
            form = "value"
        else:
            text = edited(lowered, random) if random.random() < 0.3 else lowered
    target = "pto"
    if form == "value" and passes.startswith("dsv4-rope"):  # which leaves it as it came in
        target = random.choice(("pto", "value"))
        passes += ",pto-lower{chip=" + chip + "}" if target == "pto" else ""
    passes = passes.replace("chip=", f'ptoas="{ptoas}" chip=')
    return Case(text, passes, target, kind=f"kernel {form}", ptoas=ptoas)


def in_memory(text: str, level: str) -> str | None:
    """A kernel with its tiles in buffers, as text; None where it does not fit."""
    module = parse_text(text, "random.mlir")
    try:
        with collect():
            PtoLowerPass(level=level).apply(Context(), module)  # pyright: ignore[reportArgumentType]
    except UserError:
        return None
    out = StringIO()
    Printer(out).print_op(module)
    return out.getvalue()


def corpus_of(root: Path = ROOT) -> list[Path]:
    """The real texts that are mutated."""
    data = root / "tests" / "data"
    return sorted([*data.rglob("*.pto"), *data.rglob("*.py")])
