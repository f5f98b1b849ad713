"""From a number to a text and its pipeline: the same one each time."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
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
PIPELINES = 3
"""Pipelines that each text goes through."""
FORMS = ("bit-pack", "bit-swap", "transpose", "mask-gather", "flat-gather", "row-gather", "scatter-pair")
LANES = (
    *("dsv4-rope{{{}}}",) * 5,
    "dsv4-rope{{{} signed-zero=ignore}}",
    "dsv4-rope{{{} guard=bf16-fallback}}",
    "dsv4-rope{{{} guard=contract-rounding}}",
    *("dsv4-rope{{{} form=FORM}}",) * 8,
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


def case_of(seed: int, corpus: Sequence[Path]) -> Case:
    """The case with that number: each text goes through some pipelines, one after the other."""
    number, which = divmod(seed, PIPELINES)
    return replace(_cases(number, tuple(corpus))[which], number=seed)


@lru_cache(maxsize=1)
def _cases(number: int, corpus: Sequence[Path]) -> list[Case]:
    """One text, through each of its pipelines."""
    random = Random(number)
    chip = random.choice(("a3", "a3", "a5"))
    kind = random.random()
    if kind < 0.84 or not corpus:
        return _vector(random, chip)
    if kind < 0.9:
        text = Maker(np.random.default_rng(number), chip).kernel()
        return [Case(text, passes, "value", kind="mixed") for passes in _passes(random, VALUES, chip)]
    if kind < 0.97:
        text, target = program(random), random.choice(("pypto", "pypto", "folder"))
        kind = f"program {target}"
        return [Case(text, passes, target, ".py", kind) for passes in _passes(random, PROGRAMS, chip)]
    path = random.choice(corpus)
    text = path.read_text(encoding="utf-8")
    if random.random() < 0.9:
        text = edited(text, random)
    if path.suffix == ".py":
        passes = _passes(random, PROGRAMS, chip)
        return [Case(text, each, "pypto", ".py", "corpus program") for each in passes]
    return [Case(text, passes, "pto", kind="corpus kernel") for passes in _passes(random, LANES, chip)]


def _passes(random: Random, choices: Sequence[str], chip: str) -> list[str]:
    """Different pipelines for a chip."""
    found: dict[str, None] = {}
    while len(found) < PIPELINES:
        text = random.choice(choices).replace("{{{}", f"{{chip={chip}").replace("}}", "}")
        text = text.replace("FORM", random.choice(FORMS))
        found[text.replace("LEVEL", random.choice(("level2", "level3")))] = None
    return list(found)


def _vector(random: Random, chip: str) -> list[Case]:
    text = vector_kernel(random, chip)
    form = random.choice(("value", "value", "value", "level2", "level3"))
    if form != "value":
        lowered = in_memory(text, form)
        if lowered is None:
            form = "value"
        else:
            text = edited(lowered, random) if random.random() < 0.3 else lowered
    choices = (*LANES, *VALUES[:4]) if form == "value" else LANES
    return [_vector_case(random, text, form, passes, chip) for passes in _passes(random, choices, chip)]


def _vector_case(random: Random, text: str, form: str, passes: str, chip: str) -> Case:
    ptoas, target = random.choice(("0.60", "0.60", "0.60", "0.57", "0.44")), "pto"
    if form == "value" and passes.startswith("dsv4-rope"):  # which leaves it as it came in
        target = random.choice(("pto", "value"))
        passes += ",pto-lower{chip=" + chip + "}" if target == "pto" else ""
    elif "pto-lower" not in passes:
        target = "value"
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
