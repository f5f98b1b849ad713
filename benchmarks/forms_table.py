"""Writes `docs/forms.md`: which form `dsv4-rope` chooses for each way that lane moves have been written.

    python benchmarks/forms_table.py            write the page
    python benchmarks/forms_table.py --check    say whether it is up to date

Inputs are the kernels and programs of the tests, and a few written here. Each is taken to every chip and
every ptoas version whose rules are known; versions with the same outcome share a line.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from corpus_costs import facts_of
from lane_forms import Case, halves, mask_apart, split_half
from value_kernel import Kernel
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp, StringAttr

from dialects.pto.base import TileOp
from dsv4_passes.diagnostics import UserError, collect
from dsv4_passes.formats.pto.reader import parse_text
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.targets import VERSIONS, chip
from dsv4_passes.transforms.bind_facts import BindFactsPass
from dsv4_passes.transforms.common.cost import function_cost
from dsv4_passes.transforms.common.decisions import Decision, record
from dsv4_passes.transforms.rope import RopePass

ROOT = Path(__file__).parents[1]
DATA = ROOT / "tests" / "data"
PAGE = ROOT / "docs" / "forms.md"
CHIPS = ("a3", "a5")


@dataclass(frozen=True)
class Source:
    """One way to write lane moves: a file of the tests, or a text."""

    form: str
    what: str
    path: str = ""
    text: str = ""

    def read(self) -> ModuleOp:
        text = self.text or (DATA / self.path).read_text(encoding="utf-8")
        parse = parse_program if self.path.endswith(".py") else parse_text
        return parse(text, self.path or "form.mlir")

    @property
    def facts(self) -> Path | None:
        return facts_of(DATA / self.path) if self.path and not self.path.startswith("handwritten") else None


def no_lanes_moved() -> str:
    kernel = Kernel()
    split_half(kernel, Case(32, 64, "bf16", "bf16"))
    return kernel.text()


def slice_of_a_tile() -> str:
    """Lanes 448 to 511 of an f32 tile, tables of one row, inverse, two raw scatters, rounded once."""
    k = Kernel()
    whole = k.load(16, 512, "f32")
    even, odd = mask_apart(k, k.part(whole, 0, 448, 16, 64))
    cos, sin = (k.op("tcolexpand", [k.load(1, 32, "f32")], shape=(16, 32)) for _ in range(2))
    odd_, even_ = halves(k, odd, even, cos, sin)
    pair = k.scatter(even_, "P0101"), k.scatter(odd_, "P1010")
    k.store(k.convert(k.op("tadd", list(pair)), "bf16"))
    return k.text()


SOURCES: tuple[Source, ...] = (
    Source("F1", "one-hot products, two of them transposed, and an addition through GM", "mixed/program.py"),
    Source("F2, F4", "mask gathers, mask scatters with preserve blends", "rope_c/rope_c.pto"),
    Source("F3", "mask gathers, products through GM, three kernels", "staged/program.py"),
    Source("F5, F7, F8", "one-hot products in one mixed kernel", "rope_a/program.py"),
    Source("F6", "mask gathers, index scatters with an index from tci", "rope_b/rope_b.pto"),
    Source("F9", "swap-gather row by row, tables and index made in the kernel", "rope_d/rope_d.pto"),
    Source("F10", "split-half: no lanes are moved", text=no_lanes_moved()),
    Source("F11", "mask gathers out of a slice, raw mask scatters", text=slice_of_a_tile()),
    Source("ours", "bit-pack", "handwritten/bitpack_rope.pto"),
    Source("ours", "bit-swap", "handwritten/bitswap_rope.pto"),
    Source("ours", "raw mask scatters and an addition", "handwritten/pair.pto"),
    Source("ours", "raw mask scatters and tor", "handwritten/pair_or.pto"),
)


@dataclass(frozen=True)
class Outcome:
    """What becomes of a source on one target, as text."""

    form: str
    operations: str
    cycles: str
    moved: str
    proof: str


def outcome(source: Source, target: str, version: str) -> Outcome:
    """Run `dsv4-rope` on it, as text for that chip."""
    before, after = source.read(), source.read()
    for module in (before, after):
        if "pto.target_arch" in module.attributes:
            module.attributes["pto.target_arch"] = StringAttr(chip(target).name)
    context = Context()
    with record() as decisions, collect() as said:
        try:
            if source.facts is not None:
                BindFactsPass(file=str(source.facts)).apply(context, after)
            RopePass(chip=target, ptoas=version).apply(context, after)
        except UserError as error:
            return Outcome("none", "", "", "", error.message)
    was, now = (_costs(module, target) for module in (before, after))
    sites = decisions.entries
    changed = was != now
    unsaid = "every stored lane is proved equal" if changed else "nothing was changed"
    proofs = dict.fromkeys(d.proof for d in sites) or [unsaid]
    if not sites:
        sites_text = _said(entry.message for entry in said.entries if entry.outcome == "rewritten")
    else:
        sites_text = _forms(sites)
    conditions = sorted({c for d in sites for c in d.conditions})
    given = f", given {', '.join(conditions)}" if conditions else ""
    return Outcome(
        sites_text or "as it is",
        _operations(after),
        f"{was[0]} → {now[0]}" if changed else now[0],
        f"{was[1]} → {now[1]}" if was[1] != now[1] else now[1],
        "; ".join(proofs) + given,
    )


def _said(messages: Iterable[str]) -> str:
    """What passes that make no decisions said they made of a site."""
    made = [m.partition(" -> ")[2].partition(";")[0] for m in messages if " -> " in m]
    return ", ".join(dict.fromkeys(text for text in made if text))


def _forms(sites: Sequence[Decision]) -> str:
    named = [f"{d.found.removeprefix('dsv4.')}: {d.form or 'stays'}" for d in sites]
    return ", ".join(dict.fromkeys(named))


def _kernels(module: ModuleOp) -> Iterator[func.FuncOp]:
    for op in module.walk():
        if isinstance(op, func.FuncOp) and any(isinstance(inner, TileOp) for inner in op.walk()):
            yield op


def _costs(module: ModuleOp, target: str) -> tuple[str, str]:
    found = [function_cost(f, chip(target)) for f in _kernels(module)]
    lo, hi = sum(f.cycles.lo for f in found), sum(f.cycles.hi for f in found)
    text = f"{lo:.0f}" if round(lo) == round(hi) else f"{lo:.0f}..{hi:.0f}"
    return text, f"{sum(f.moved for f in found) / 1024:.1f} KiB"


def _operations(module: ModuleOp) -> str:
    """How many tile operations there are, and those that move lanes."""
    mnemonics = [op.mnemonic() for f in _kernels(module) for op in f.walk() if isinstance(op, TileOp)]
    moving = ("tgather", "tscatter", "ttrans", "tmatmul", "tshls", "tshrs", "tor")
    counted = [(name, sum(m.startswith(name) for m in mnemonics)) for name in moving]
    return f"{len(mnemonics)}" + "".join(f", {count} {name}" for name, count in counted if count)


def lines(source: Source) -> Iterator[str]:
    """The lines of a source in the table: one for each chip, and more where versions differ."""
    for target in CHIPS:
        outcomes: dict[Outcome, list[str]] = {}
        for version in VERSIONS:
            outcomes.setdefault(outcome(source, target, version), []).append(version)
        for found, versions in outcomes.items():
            cells = (
                source.form,
                source.what,
                chip(target).name,
                ", ".join(versions),
                *(found.form, found.operations, found.cycles, found.moved, found.proof),
            )
            yield f"| {' | '.join(cells)} |"


HEAD = """# Forms: what was written, and what is chosen

Written by `python benchmarks/forms_table.py`; do not edit. For each way in which kernels have moved the
lanes of RoPE: the form that `dsv4-rope` gives it on each chip and with each version of ptoas, the tile
operations that are left, model cycles and bytes between GM and the cores before and after (see
[costs](costs.md)), and the proof. F1 to F11 are the generations that were written by hand; a line with
"as it is" is left alone, because nothing is cheaper or nothing that is known does it. A program's kernels are
added up, one task each.

| form | what was written | chip | ptoas | chosen | operations | cycles | GM traffic | proof |
|---|---|---|---|---|---|---|---|---|
"""


def page() -> str:
    return HEAD + "".join(f"{line}\n" for source in SOURCES for line in lines(source))


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the table of forms.")
    parser.add_argument("--check", action="store_true", help="only say whether the page is up to date")
    text = page()
    if parser.parse_args().check:
        if PAGE.exists() and PAGE.read_text(encoding="utf-8") == text:
            return 0
        print("docs/forms.md is not up to date: run python benchmarks/forms_table.py", file=sys.stderr)
        return 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
