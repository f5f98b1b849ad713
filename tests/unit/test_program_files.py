"""A program as files: kernels that can be run by what `program.json` says."""

import json
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from dsv4_passes.diagnostics import UserError
from dsv4_passes.emit.program_files import write_program
from dsv4_passes.frontends.pypto import parse_program
from dsv4_passes.interpreter.kernels import choose_kernel, find_kernels, run_kernel
from dsv4_passes.npz import Array
from dsv4_passes.parsing import parse_file, verify_module
from tests.unit.kernels import DATA
from tests.unit.test_pypto_import import path_of, program

DTYPES: dict[str, Any] = {"f32": np.float32, "bf16": ml_dtypes.bfloat16, "i32": np.int32}


def described(name: str, directory: Path) -> dict[str, Any]:
    paths = write_program(program(name), directory)
    assert sorted(p.name for p in paths) == sorted(p.name for p in directory.iterdir())
    return json.loads((directory / "program.json").read_text())


def run(directory: Path, steps: list[Any], tensors: dict[str, Array]) -> None:
    """Run straight-line steps; tensors are flat and change in place."""
    for step in steps:
        if "create" in step:
            tensors[step["create"]] = np.zeros(np.prod(step["shape"]), DTYPES[step["dtype"]])
            continue
        name = step["launch"]
        kernel = choose_kernel(find_kernels(parse_file(directory / f"{name}.pto")), name, "")
        arrays = {i: tensors[a] for i, a in enumerate(step["arguments"])}
        run_kernel(kernel, arrays, {}, step.get("blocks", 1))


def test_the_kernels_of_staged_compute_what_the_toolchain_did(tmp_path: Path) -> None:
    found = described("staged", tmp_path)
    assert [(k["name"], k["core"]) for k in found["kernels"]] == [
        ("head_rotate", "vector"),
        ("reassemble", "cube"),
        ("write_back", "vector"),
    ]
    (orchestration,) = found["orchestration"]
    assert [step.get("launch", "create") for step in orchestration["steps"]] == [
        "create",
        "head_rotate",
        "create",
        "reassemble",
        "write_back",
    ]
    known = dict(np.load(DATA / "staged" / "cpu_sim.npz"))
    tensors = {
        p["name"]: known[p["name"].removesuffix("__ssa_v0")].reshape(-1).view(DTYPES[p["dtype"]]).copy()
        for p in orchestration["parameters"]
    }
    tensors["out__ssa_v0"][:] = 0
    run(tmp_path, orchestration["steps"], tensors)
    assert np.array_equal(tensors["out__ssa_v0"].view(np.uint16), known["out"].reshape(-1))


def test_a_kernel_of_both_cores_is_written_as_two_functions(tmp_path: Path) -> None:
    found = described("mixed", tmp_path)
    unrotate, pack = found["kernels"]
    assert (unrotate["core"], pack["core"]) == ("mixed", "vector")
    slots = {"name": "gm_slot_buffer", "dtype": "f32", "hidden": "gm_slot_buffer", "bytes_per_block": 16384}
    assert unrotate["arguments"][7] == slots
    theirs, ours = (
        [line.strip() for line in (d / "unrotate.pto").read_text().splitlines() if "initialize_pipe" in line]
        for d in (DATA / "mixed", tmp_path)
    )
    assert [line.replace("id = 0, ", "").split("(")[0] for line in ours] == theirs
    (orchestration,) = found["orchestration"]
    known = dict(np.load(DATA / "mixed" / "numpy.npz")) | dict(np.load(DATA / "mixed" / "inputs.npz"))
    tensors = {
        p["name"]: known[p["name"].removesuffix("__ssa_v0")].reshape(-1).view(DTYPES[p["dtype"]]).copy()
        for p in orchestration["parameters"]
    }
    tensors["packed__ssa_v0"][:] = 0
    run(tmp_path, orchestration["steps"], tensors)
    expected = known["packed"].reshape(-1).view(ml_dtypes.bfloat16)
    assert np.array_equal(tensors["packed__ssa_v0"], expected)  # up to signs of zeros


@pytest.mark.parametrize("chip", ["a2a3", "a5"])
def test_channels_are_as_the_chip_has_them(tmp_path: Path, chip: str) -> None:
    write_program(program("products"), tmp_path, chip=chip)
    text = (tmp_path / "project.pto").read_text()
    verify_module(parse_file(tmp_path / "project.pto"))
    assert ("gm_slot_buffer = " in text) == (chip == "a2a3")
    assert all(f'reserve_buffer {{name = "project_{d}_slot_buffer"' in text for d in ("c2v", "v2c"))


def test_a_channel_has_the_directions_that_are_used(tmp_path: Path) -> None:
    lines = path_of("products").read_text().splitlines(keepends=True)
    (at,) = (i for i, line in enumerate(lines) if "narrow__tile:" in line)
    lines[at] = (
        "        narrow__tile: pl.Tile[[32, 32], pl.BF16, pl.Mem.Mat] = "
        "pl.tile.load(a__ssa_v0, [0, 0], [32, 32], [32, 32], target_memory=pl.Mem.Mat, transpose=False)\n"
    )
    write_program(parse_program("".join(lines), "p.py"), tmp_path)
    text = (tmp_path / "project.pto").read_text()
    verify_module(parse_file(tmp_path / "project.pto"))
    assert text.count("dir_mask = 1, slot_size = 4096}") == 2
    assert text.count("v2c_consumer_buf = %c0_i32") == 2
    assert "size = 32768, location = #pto.address_space<vec>" in text


def test_what_nobody_has_written_does_not_cross(tmp_path: Path) -> None:
    text = path_of("products").read_text()
    start, end = text.index("        scale__tile:"), text.index("        out__ssa_v1: pl.Tensor[[32, 32]")
    text = text[:start] + text[end:].replace("shifted__tile", "acc__rv_v2")
    text = text.replace("mixed__tile, [0, 0]", "acc__rv_v2, [0, 0]")
    write_program(parse_program(text, "p.py"), tmp_path)
    (kernel,) = json.loads((tmp_path / "program.json").read_text())["kernels"]
    assert kernel["core"] == "cube"
    assert "func.func @project(" in (tmp_path / "project.pto").read_text()


def test_arguments_are_described(tmp_path: Path) -> None:
    (kernel,) = described("rope_c", tmp_path)["kernels"]
    assert kernel["file"] == "rope_c.pto"
    assert kernel["arguments"][3:] == [
        {"name": "out__ssa_v0", "direction": "inout", "dtype": "bf16", "shape": [128, 64]},
        {"name": "__pypto_spmd_block_idx", "dtype": "i32", "hidden": "block_idx"},
        {"name": "__pypto_spmd_block_num", "dtype": "i32", "hidden": "block_num"},
    ]


def test_loops_branches_and_views_are_steps(tmp_path: Path) -> None:
    (orchestration,) = described("views", tmp_path)["orchestration"]
    fill, twice, read, loop, dim, branch = orchestration["steps"]
    piece = {"of": {"of": "data__ssa_v0", "shape": [4, 64]}, "shape": [2, 64], "offsets": ["1", "0"]}
    assert fill == {"launch": "fill", "arguments": [piece, "3.0"]}
    assert twice == {"launch": "twice", "arguments": ["data__ssa_v0"]}
    assert read == {"read": "sizes__ssa_v0", "at": ["0"], "as": "n__ssa_v0"}
    assert (loop["for"], loop["to"], loop["kind"]) == (
        "i__idx_v0",
        "pl.cast(n__ssa_v0, pl.INDEX)",
        "parallel",
    )
    inner, written = loop["steps"]
    assert inner["then"] == [
        {"assemble": "piece__ssa_v0", "into": "data__ssa_v0", "offsets": ["i__idx_v0", "0"]}
    ]
    assert inner["else"] == [{"launch": "twice", "arguments": ["data__ssa_v0"]}]
    assert written == {"write": "pl.cast(i__idx_v0, pl.INT32)", "into": "sizes__ssa_v0", "at": ["1"]}
    assert dim == {"dim": "data__ssa_v0", "axis": 0, "as": "whole__ssa_v0"}
    assert branch["if"] == "whole__ssa_v0 == 8"
    assert [step["launch"] for step in branch["then"]] == ["twice", "fill"]


def test_scalars_that_a_kernel_returns_are_dropped_from_its_text(tmp_path: Path) -> None:
    (orchestration,) = described("scalars", tmp_path)["orchestration"]
    assert orchestration["steps"][1]["results"] == ["total__ssa_v0", "last__ssa_v0"]
    (signature,) = (line for line in (tmp_path / "walk.pto").read_text().splitlines() if "@walk(" in line)
    assert "->" not in signature


def test_nothing_is_written_if_a_kernel_has_no_text(tmp_path: Path) -> None:
    message = r"written_in_place.py:32:\d+: error: kernel 'kv_rope' works on both cores and cannot be two "
    with pytest.raises(UserError, match=message):
        write_program(program("written_in_place"), tmp_path)
    text = path_of("inplace").read_text().replace("pl.tile.muls(x__tile, 2.0)", "pl.tile.wobble(x__tile)")
    with pytest.raises(UserError, match=r"p.py:10:58: error: no .pto text for 'pl.tile.wobble\(\{0\}\)'"):
        write_program(parse_program(text, "p.py"), tmp_path)
    assert not list(tmp_path.iterdir())
