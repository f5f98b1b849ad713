"""dsv4-validate against wrong edits of every compiled program: each has to be rejected.

The edits are those that have gone wrong in such kernels. Where a program has no such place, the nearest one
stands in the table, with what it is.
"""

# ruff: noqa: E501  (lines of program text)

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dsv4_passes.cli.run import main as run
from dsv4_passes.cli.validate import main as validate

DATA = Path(__file__).resolve().parents[1] / "data"
PROVED, DIFFERS = 0, 1
FACTS = '"even_sel*" = "even"\n"odd_sel*" = "odd"\n'
PATTERNS = (
    ("mask_pattern=1", "mask_pattern=0"),
    ("mask_pattern=2", "mask_pattern=1"),
    ("mask_pattern=0", "mask_pattern=2"),
)
GATHERS = tuple((f"gather_mask({{}}, {a}", f"gather_mask({{}}, {b}") for a, b in PATTERNS)
Edits = tuple[tuple[str, str], ...]


def gathers(source: str) -> Edits:
    return tuple((old.format(source), new.format(source)) for old, new in GATHERS)


def exchanged(one: str, other: str) -> Edits:
    return ((one, "SWAP"), (other, one), ("SWAP", other))


def earlier_row(load: str) -> Edits:
    """The row in front of the one that is meant, within the tensor."""
    row = load[load.index("[") + 1 : load.index(",", load.index("["))]
    return ((load, load.replace(row, f"pl.max({row} - 1, 0)", 1)),)


TABLE: dict[str, dict[str, Edits]] = {
    "swapped parity": {
        "staged": gathers("x_norm__tile"),
        "mixed": exchanged(
            "tile.load(even_select__ssa_v0, [0, 0], [32, 16]",
            "tile.load(odd_select__ssa_v0, [0, 0], [32, 16]",
        ),
        "rope_a": exchanged(
            "tile.load(even_select__ssa_v0, [0, 0], [64, 32]",
            "tile.load(odd_select__ssa_v0, [0, 0], [64, 32]",
        ),
        "rope_b": gathers("x_tile__tile"),
        "rope_c": gathers("x_tile__tile"),
        # no halves: the sign belongs to the other parity
        "rope_d": (
            ("sin_il__tile)", "sin_il__tile__plus)"),
            (
                "        t__tile_16:",
                "        sin_il__tile__plus: pl.Tile[[32, 64], pl.FP32, pl.Mem.Vec] = pl.tile.muls(sin_il__tile, -1.0)\n        t__tile_16:",
            ),
        ),
    },
    "chained raw scatters": {
        # products: the second one alone, as if it had been put where the first one stands
        "staged": (("matmul_acc(joined__tile, ", "matmul("),),
        "mixed": (
            (
                "tile.cast(t__tile, target_type=pl.BF16, mode='round')",
                "tile.cast(odd__tile, target_type=pl.BF16, mode='round')",
            ),
        ),
        "rope_a": (("matmul_acc(acc__tile, ", "matmul("),),
        "rope_b": (("cast(buf_v2__tile", "cast(scatter_values_1"),),
        "rope_c": (("cast(buf_v2__tile", "cast(scatter_mask_values_1"),),
        # a sum of two full rows: the second one alone
        "rope_d": (("cast(rot__tile", "cast(t__tile_16"),),
    },
    "another rounding": {
        "staged": (
            (
                "cast(rot_even__tile, target_type=pl.BF16, mode='rint')",
                "cast(rot_even__tile, target_type=pl.BF16, mode='round')",
            ),
        ),
        "mixed": (
            (
                "cast(rot_odd__tile, target_type=pl.BF16, mode='rint')",
                "cast(rot_odd__tile, target_type=pl.BF16, mode='round')",
            ),
        ),
        "rope_a": (
            (
                "cast(t__tile_6, target_type=pl.BF16, mode='rint')",
                "cast(t__tile_6, target_type=pl.BF16, mode='round')",
            ),
        ),
        # one rounding only: it is the last one
        "rope_b": (
            (
                "cast(buf_v2__tile, target_type=pl.BF16, mode='rint')",
                "cast(buf_v2__tile, target_type=pl.BF16, mode='round')",
            ),
        ),
        "rope_c": (
            (
                "cast(buf_v2__tile, target_type=pl.BF16, mode='rint')",
                "cast(buf_v2__tile, target_type=pl.BF16, mode='floor')",
            ),
        ),
        "rope_d": (
            (
                "cast(rot__tile, target_type=pl.BF16, mode='rint')",
                "cast(rot__tile, target_type=pl.BF16, mode='round')",
            ),
        ),
    },
    "a scale moved across the rotation": {
        "staged": (
            ("gather_mask(x_norm__tile, mask_pattern=1", "gather_mask(x__tile, mask_pattern=1"),
            ("gather_mask(x_norm__tile, mask_pattern=2", "gather_mask(x__tile, mask_pattern=2"),
            ("cast(rot_even__tile", "cast(rot_even_n__tile"),
            ("cast(rot_odd__tile", "cast(rot_odd_n__tile"),
            (
                "        rot_even_bf16__tile:",
                "        rot_even_n__tile: pl.Tile[[64, 32], pl.FP32, pl.Mem.Vec] = pl.tile.row_expand_mul(rot_even__tile, scale__tile)\n"
                "        rot_odd_n__tile: pl.Tile[[64, 32], pl.FP32, pl.Mem.Vec] = pl.tile.row_expand_mul(rot_odd__tile, scale__tile)\n"
                "        rot_even_bf16__tile:",
            ),
        ),
        # no scale: a table's factor moved out of the sum that it is a part of
        "mixed": (("tile.add(t__tile_2, t__tile_3)", "tile.col_expand_mul(t__tile_3, cos__tile)"),),
        "rope_a": (("tile.sub(t__tile_4, t__tile_5)", "tile.mul(t__tile_5, c__tile)"),),
        "rope_b": (("tile.sub(t__tile_6, t__tile_7)", "tile.mul(t__tile_7, c__tile)"),),
        "rope_c": (("tile.sub(t__tile_3, t__tile_4)", "tile.mul(t__tile_4, c__tile)"),),
        "rope_d": (("tile.add(t__tile_14, t__tile_16)", "tile.mul(t__tile_16, cos_il__tile)"),),
    },
    "an off-by-one row": {
        "staged": earlier_row("tile.load(pair_stage__ssa_v0, [row__ssa_v0, 32]"),
        "mixed": earlier_row("tile.load(odd_buf__ssa_v0, [row__ssa_v0, 0]"),
        # one kernel: a row of a table
        "rope_a": earlier_row("tile.load(sin__ssa_v0, [r0__ssa_v0, 0]"),
        "rope_b": earlier_row("tile.load(cos__ssa_v0, [r0__ssa_v0, 0]"),
        "rope_c": earlier_row("tile.load(x__ssa_v0, [r0__ssa_v0, 0]"),
        "rope_d": earlier_row("tile.load(sin__ssa_v0, [r0__ssa_v0, 0]"),
    },
}
PROGRAMS = ("staged", "mixed", "rope_a", "rope_b", "rope_c", "rope_d")
KERNELS = (
    "staged/head_rotate",
    "staged/reassemble",
    "mixed/unrotate",
    "mixed/pack",
    *(f"rope_{n}/rope_{n}" for n in "abcd"),
)


@pytest.fixture
def facts(tmp_path: Path) -> str:
    path = tmp_path / "facts.toml"
    path.write_text(FACTS)
    return str(path)


def edited(text: str, edits: Edits) -> str:
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new)
    return text


def files(tmp_path: Path, before: str, after: str, suffix: str = ".py") -> list[str]:
    paths = [tmp_path / f"before{suffix}", tmp_path / f"after{suffix}"]
    for path, text in zip(paths, (before, after), strict=True):
        path.write_text(text)
    return list(map(str, paths))


def test_the_table_is_whole() -> None:
    assert all(tuple(row) == PROGRAMS for row in TABLE.values())


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("error", TABLE)
def test_wrong_edits_of_programs_are_rejected(
    error: str, name: str, facts: str, tmp_path: Path, capsys: Any
) -> None:
    """And the input that is saved makes the two store different bits when both are run."""
    text = (DATA / name / "program.py").read_text()
    saved = tmp_path / "input.npz"
    pair = files(tmp_path, text, edited(text, TABLE[error][name]))
    assert validate([*pair, "--facts", facts, "--trials", "4", "--save", str(saved)]) == DIFFERS
    said = capsys.readouterr().out
    assert "not proved: " in said
    found = re.search(r"different: '(\w+)' row (\d+) lane (\d+)", said)
    assert found is not None
    results: list[Any] = []
    for path in pair:
        out = tmp_path / "out.npz"
        assert run([path, "--inputs", str(saved), "--outputs", str(out)]) == 0
        array = np.load(out)[found[1]]
        results.append(array.reshape(-1, array.shape[-1])[int(found[2]), int(found[3])])
    assert results[0] != results[1]


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_is_itself(name: str, facts: str, tmp_path: Path) -> None:
    """What the others are rejected for is the edit, and not the program."""
    text = (DATA / name / "program.py").read_text()
    assert validate([*files(tmp_path, text, text), "--facts", facts]) == PROVED


@pytest.mark.parametrize("name", KERNELS)
def test_an_address_reused_too_early_is_rejected(name: str, tmp_path: Path, capsys: Any) -> None:
    """Two tiles of a type that are alive together get one address, in the kernels of all programs.

    Where no two are of a type, any two of one memory. `write_back` has two tiles, of which one is read when
    the other one is written, so that they may share an address.
    """
    text = (DATA / f"{name}.pto").read_text()
    tiles = list(re.finditer(r"pto\.alloc_tile addr = (%\w+)[^\n]*: (!pto\.tile_buf<loc=(\w+)[^\n]*)", text))
    alike = [(a, b) for a, b in pairwise(tiles) if a[2] == b[2] and a[1] != b[1]]
    near = [(a, b) for a, b in pairwise(tiles) if a[3] == b[3] and a[1] != b[1]]
    for first, second in alike or near:
        at = second.start(1)
        changed = text[:at] + first[1] + text[at + len(second[1]) :]
        if validate([*files(tmp_path, text, changed, ".pto"), "--trials", "3"]) == DIFFERS:
            return
    pytest.fail(f"none of {len(alike or near)} is rejected")
