"""A program as files: kernels that can be run by what `program.json` says."""

import json
import re
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.dialects.func import FuncOp

from dialects.dsv4.functions import parameters
from dsv4_passes.cli.opt import main as opt
from dsv4_passes.cli.program_folder import program_files
from dsv4_passes.cli.run import main as run
from dsv4_passes.diagnostics import UserError, collect
from dsv4_passes.equivalence.facts import make_fact
from dsv4_passes.files import write_folder
from dsv4_passes.formats.pto.reader import parse_file, parse_text, verify_module
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.formats.pypto.grammar.names import base_name
from dsv4_passes.interpreter.numerics import numpy_dtype
from dsv4_passes.interpreter.program import choose_orchestration, run_program
from dsv4_passes.npz import Array
from dsv4_passes.transforms.program.drop_dead_args import drop_all
from dsv4_passes.transforms.raising.raise_tiles import PtoRaisePass
from dsv4_passes.validation.program_folder import FolderProgram, read_folder
from tests.unit.kernels import DATA
from tests.unit.test_pypto_import import COMPILED, SMALL, path_of, program


def described(name: str) -> dict[str, Any]:
    return json.loads(program_files(program(name))["program.json"])


# -- a runtime that knows program.json and dsv4-run, and nothing else ------------------------------


class Folder:
    """Runs a folder: every launch is a run of `dsv4-run`; tensors are arrays that change in place."""

    def __init__(self, path: Path, scratch: Path):
        self.path, self.scratch = path, scratch
        found = json.loads((path / "program.json").read_text())
        self.kernels = {kernel["name"]: kernel for kernel in found["kernels"]}
        (self.main,) = found["orchestration"]
        self.values: dict[str, Any] = {}
        self.launches = 0

    def run(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        for parameter in self.main["parameters"]:
            array = arrays[base_name(parameter["name"])]
            if "shape" not in parameter:
                self.values[parameter["name"]] = array.item()
                continue
            self.values[parameter["name"]] = array.copy()
            self.values |= {d: n for d, n in zip(parameter["shape"], array.shape, strict=True) if d != n}
        self.steps(self.main["steps"])
        written = [p["name"] for p in self.main["parameters"] if p.get("direction") in ("out", "inout")]
        return {base_name(name): self.values[name] for name in written}

    def number(self, text: Any) -> Any:
        language = SimpleNamespace(
            cast=lambda x, _: x, const=lambda x, _: x, min=min, max=max, INDEX=0, INT32=0
        )
        return eval(str(text), {"pl": language}, self.values)

    def numbers(self, texts: Sequence[Any]) -> list[int]:
        return [self.number(text) for text in texts]

    def tensor(self, place: Any) -> Array:
        """A tensor; the memory of a view is that of the whole."""
        if not isinstance(place, dict):
            return self.values[place]
        whole = self.tensor(place["of"])
        if "offsets" not in place:
            return whole.reshape(self.numbers(place["shape"]))
        starts, sizes = self.numbers(place["offsets"]), self.numbers(place["shape"])
        return whole[tuple(slice(a, a + n) for a, n in zip(starts, sizes, strict=True))]

    def steps(self, steps: Sequence[Mapping[str, Any]]) -> None:
        for step in steps:
            (kind,) = step.keys() & {"create", "launch", "assemble", "read", "write", "dim", "for", "if"}
            getattr(self, f"{kind}_")(step)

    def create_(self, step: Mapping[str, Any]) -> None:
        dtype = np.uint16 if step["dtype"] == "bf16" else numpy_dtype(step["dtype"])
        self.values[step["create"]] = np.zeros(self.numbers(step["shape"]), dtype)

    def assemble_(self, step: Mapping[str, Any]) -> None:
        piece = self.tensor(step["assemble"])
        self.tensor({"of": step["into"], "shape": piece.shape, "offsets": step["offsets"]})[:] = piece

    def read_(self, step: Mapping[str, Any]) -> None:
        self.values[step["as"]] = self.tensor(step["read"])[tuple(self.numbers(step["at"]))].item()

    def write_(self, step: Mapping[str, Any]) -> None:
        self.tensor(step["into"])[tuple(self.numbers(step["at"]))] = self.number(step["write"])

    def dim_(self, step: Mapping[str, Any]) -> None:
        self.values[step["as"]] = self.tensor(step["dim"]).shape[step["axis"]]

    def for_(self, step: Mapping[str, Any]) -> None:
        carried = step.get("carried", {})
        self.values |= {name: self.number(start) for name, (start, _) in carried.items()}
        for trip in range(*self.numbers([step["from"], step["to"], step["step"]])):
            self.values[step["for"]] = trip
            self.steps(step["steps"])
            self.values |= {name: self.number(end) for name, (_, end) in carried.items()}

    def if_(self, step: Mapping[str, Any]) -> None:
        self.steps(step["then"] if self.number(step["if"]) else step.get("else", []))

    def launch_(self, step: Mapping[str, Any]) -> None:
        kernel, given = self.kernels[step["launch"]], iter(step["arguments"])
        arrays: dict[str, Array] = {}
        tensors: dict[int, Array] = {}
        extents: dict[str, int] = {}
        for index, argument in enumerate(kernel["arguments"]):
            if "shape" in argument:
                tensors[index] = self.tensor(next(given))
                arrays[f"arg{index}"] = np.ascontiguousarray(tensors[index])
                shape = zip(argument["shape"], tensors[index].shape, strict=True)
                extents |= {extent: size for extent, size in shape if isinstance(extent, str)}
            elif argument.get("hidden") == "dim":
                arrays[f"arg{index}"] = np.array(extents[argument["name"]])
            elif "hidden" not in argument:
                dtype = numpy_dtype(argument["dtype"]) if argument["dtype"] in ("f32", "i32") else None
                arrays[f"arg{index}"] = np.array(self.number(next(given)), dtype)
        self.launches += 1
        files = [self.scratch / f"{self.launches}.{end}.npz" for end in ("in", "out")]
        np.savez(files[0], **arrays)  # pyright: ignore[reportArgumentType]
        command = [str(self.path / kernel["file"]), "--inputs", str(files[0]), "--outputs", str(files[1])]
        assert run([*command, "--blocks", str(self.number(step.get("blocks", 1)))]) == 0
        with np.load(files[1]) as results:
            names = {base_name(a["name"]): i for i, a in enumerate(kernel["arguments"])}
            for name in results.files:
                if (index := names[name]) in tensors:
                    tensors[index][:] = results[name].reshape(tensors[index].shape)


SYMBOLS = {"ROWS": 16, "COLS_DYN": 32}


def inputs(module: ModuleOp) -> dict[str, Array]:
    """Arrays for all parameters of a program: many sizes of numbers, and indices that are inside."""
    rng = np.random.default_rng(7)
    arrays: dict[str, Array] = {}
    for parameter in parameters(choose_orchestration(module)):
        name, shape = (
            base_name(parameter.name),
            tuple(d if isinstance(d, int) else SYMBOLS[d] for d in parameter.dims),
        )
        dtype = numpy_dtype(str(parameter.type).removesuffix(">").split("x")[-1])
        if match := re.match("(even|odd)_sel", name):
            array = make_fact("selector", match[1], shape).matrix.astype(dtype)
            arrays[name] = array.view(np.uint16)
        elif dtype.kind in "iu":
            array = np.arange(prod(shape), dtype=dtype).reshape(shape)
            arrays[name] = array * 2 + ("odd" in name) if "idx" in name else array % 4 + 2
        else:
            scale = np.exp2(rng.integers(-9, 9, shape))
            array = np.asarray(rng.standard_normal(shape) * scale).astype(np.float32).astype(dtype)
            arrays[name] = array.view(np.uint16) if dtype.name == "bfloat16" else array
    return arrays


CHANGED = {
    # a number of blocks that nobody knows
    "dynamic": ('"core_num": bs_dim__ssa_v0 // 8', '"core_num": 2'),
    # a scalar that a kernel returns
    "scalars": ("count__ssa_v0, total__ssa_v0, factor__ssa_v0", "count__ssa_v0, 1, factor__ssa_v0"),
}


def changed(name: str) -> str:
    """The text of a program that can be run from its files."""
    text = path_of(name).read_text()
    if name in CHANGED:
        assert CHANGED[name][0] in text
        text = text.replace(*CHANGED[name])
    return text


NOT_RUN = {"shapes"}  # it has operations that only a chip can run
NO_TEXT = {
    ("written_in_place", ""): (
        "kv_rope",
        "kernel 'kv_rope' works on both cores and cannot be two functions",
    )
}
"""What is not written, and why.
"""


@pytest.mark.parametrize(("passes", "chip"), [("", "a5"), ("dsv4-rope", "a3")])
@pytest.mark.parametrize("name", [*COMPILED, *SMALL])
def test_a_folder_computes_what_the_program_does(
    name: str, passes: str, chip: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = changed(name)
    source, folder = tmp_path / f"{name}.py", tmp_path / "out"
    source.write_text(text)
    facts = tmp_path / "facts.toml"
    facts.write_text('"*even_sel*" = "even"\n"*odd_sel*" = "odd"\n' if "even_sel" in text else "")
    code = opt(
        [str(source), "--facts", str(facts), "-p", passes, "-t", f"pto{{chip={chip}}}", "-o", str(folder)]
    )
    said = capsys.readouterr().err
    assert code == 0, said
    if (name, passes) in NO_TEXT:
        kernel, why = NO_TEXT[name, passes]
        assert f"remark: '{kernel}' is not written as .pto (" in said
        assert why in said
        assert not (folder / f"{kernel}.pto").exists()
        with pytest.raises(UserError, match=f"'{kernel}' is not written: {why}"):
            FolderProgram(read_folder(folder))
        return
    for path in folder.glob("*.pto"):
        module = parse_file(path)
        verify_module(module)
        PtoRaisePass().apply(Context(), module)
        verify_module(module)
    module = parse_program(text, str(source))
    arrays = inputs(module)
    if name in NOT_RUN:
        return
    expected = run_program(module, arrays)
    results = Folder(folder, tmp_path).run(arrays)
    assert results.keys() == expected.keys()
    for key, array in expected.items():
        assert array.tobytes() == results[key].tobytes(), key


# -- what is written -------------------------------------------------------------------------------


def kernels_of(files: Mapping[str, str]) -> dict[str, ModuleOp]:
    """The kernels, which are right."""
    found = {name: parse_text(text, name) for name, text in files.items() if name.endswith(".pto")}
    for module in found.values():
        verify_module(module)
    return found


def test_the_kernels_of_staged_compute_what_the_toolchain_did(tmp_path: Path) -> None:
    files = program_files(program("staged"))
    found = json.loads(files["program.json"])
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
    write_folder(tmp_path, files)
    known = dict(np.load(DATA / "staged" / "cpu_sim.npz"))
    results = Folder(tmp_path, tmp_path).run(known | {"out": np.zeros_like(known["out"])})
    assert np.array_equal(results["out"], known["out"])


def test_a_kernel_of_both_cores_is_written_as_two_functions(tmp_path: Path) -> None:
    files = program_files(program("mixed"))
    unrotate, pack = json.loads(files["program.json"])["kernels"]
    assert (unrotate["core"], pack["core"]) == ("mixed", "vector")
    slots = {"name": "gm_slot_buffer", "dtype": "f32", "hidden": "gm_slot_buffer", "bytes_per_block": 16384}
    assert unrotate["arguments"][7] == slots
    theirs, ours = (
        [line.strip() for line in text.splitlines() if "initialize_pipe" in line]
        for text in ((DATA / "mixed" / "unrotate.pto").read_text(), files["unrotate.pto"])
    )
    assert [line.replace("id = 0, ", "").split("(")[0] for line in ours] == theirs
    write_folder(tmp_path, files)
    known = dict(np.load(DATA / "mixed" / "numpy.npz")) | dict(np.load(DATA / "mixed" / "inputs.npz"))
    results = Folder(tmp_path, tmp_path).run(known | {"packed": np.zeros_like(known["packed"])})
    expected = known["packed"].reshape(-1).view(ml_dtypes.bfloat16)
    assert np.array_equal(
        results["packed"].reshape(-1).view(ml_dtypes.bfloat16), expected
    )  # up to signs of zeros


@pytest.mark.parametrize("chip", ["a2a3", "a5"])
def test_channels_are_as_the_chip_has_them(chip: str) -> None:
    files = program_files(program("products"), chip=chip)
    text = files["project.pto"]
    kernels_of(files)
    assert ("gm_slot_buffer = " in text) == (chip == "a2a3")
    assert all(f'reserve_buffer {{name = "project_{d}_slot_buffer"' in text for d in ("c2v", "v2c"))


def test_a_channel_has_the_directions_that_are_used() -> None:
    lines = path_of("products").read_text().splitlines(keepends=True)
    (at,) = (i for i, line in enumerate(lines) if "narrow__tile:" in line)
    lines[at] = (
        "        narrow__tile: pl.Tile[[32, 32], pl.BF16, pl.Mem.Mat] = "
        "pl.tile.load(a__ssa_v0, [0, 0], [32, 32], [32, 32], target_memory=pl.Mem.Mat, transpose=False)\n"
    )
    files = program_files(parse_program("".join(lines), "p.py"))
    text = files["project.pto"]
    kernels_of(files)
    assert text.count("dir_mask = 1, slot_size = 4096}") == 2
    assert text.count("v2c_consumer_buf = %c0_i32") == 2
    assert "size = 32768, location = #pto.address_space<vec>" in text


def test_what_nobody_has_written_does_not_cross() -> None:
    text = path_of("products").read_text()
    start, end = text.index("        scale__tile:"), text.index("        out__ssa_v1: pl.Tensor[[32, 32]")
    text = text[:start] + text[end:].replace("shifted__tile", "acc__rv_v2")
    text = text.replace("mixed__tile, [0, 0]", "acc__rv_v2, [0, 0]")
    files = program_files(parse_program(text, "p.py"))
    (kernel,) = json.loads(files["program.json"])["kernels"]
    assert kernel["core"] == "cube"
    assert "func.func @project(" in files["project.pto"]


def test_arguments_are_described() -> None:
    (kernel,) = described("rope_c")["kernels"]
    assert kernel["file"] == "rope_c.pto"
    assert kernel["arguments"][3:] == [
        {"name": "out__ssa_v0", "direction": "inout", "dtype": "bf16", "shape": [128, 64]},
        {"name": "__pypto_spmd_block_idx", "dtype": "i32", "hidden": "block_idx"},
        {"name": "__pypto_spmd_block_num", "dtype": "i32", "hidden": "block_num"},
    ]


def test_loops_branches_and_views_are_steps() -> None:
    (orchestration,) = described("views")["orchestration"]
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


def test_scalars_that_a_kernel_returns_and_nobody_uses_are_left_out() -> None:
    files = program_files(parse_program(changed("scalars"), "scalars.py"))
    (signature,) = (line for line in files["walk.pto"].splitlines() if "@walk(" in line)
    assert "->" not in signature
    (orchestration,) = json.loads(files["program.json"])["orchestration"]
    assert orchestration["steps"][1]["launch"] == "walk"
    assert "results" not in orchestration["steps"][1]


def test_a_scalar_that_a_kernel_returns_and_something_needs() -> None:
    """The kernels are written; that the program has no steps is said and marked."""
    with collect() as said:
        files = program_files(program("scalars"))
    assert "walk.pto" in files
    (orchestration,) = json.loads(files["program.json"])["orchestration"]
    reason = "the program goes on with a scalar that kernel 'walk' returns, and a kernel of .pto text"
    assert orchestration["not written"].startswith(reason)
    assert "steps" not in orchestration
    (warning,) = said.entries
    assert str(warning).startswith("programs/scalars.py:") or "scalars.py:" in str(warning)
    assert "'scalars_main' is not written as .pto (scalars.py:30:" in warning.message
    with pytest.raises(UserError, match=f"'scalars_main' is not written: {reason}"):
        FolderProgram(files)


def test_a_scalar_that_is_only_passed_on() -> None:
    """What loops carry and kernels hand to each other, and nothing depends on, may be any number."""
    text = path_of("scalars").read_text()
    last = "total__iter_v1 + row__ssa_v0"
    uses = "(row__ssa_v0 + start__ssa_v0) % 64"  # the start of the sum is an address, too
    assert last in text
    assert uses in text
    files = program_files(parse_program(text.replace(uses, "row__ssa_v0 % 64"), "p.py"))
    (orchestration,) = json.loads(files["program.json"])["orchestration"]
    assert [step["launch"] for step in orchestration["steps"][1:]] == ["walk", "walk"]
    assert orchestration["steps"][2]["arguments"][4] == "0"


def test_an_extent_goes_with_the_last_tensor_that_has_it() -> None:
    module = parse_program(changed("dynamic"), "dynamic.py")
    assert drop_all(module) == 1
    (kernel,) = json.loads(program_files(module)["program.json"])["kernels"]
    assert [a["name"] for a in kernel["arguments"]] == ["src__ssa_v0", "out__ssa_v0", "ROWS"]
    # Where the kernel works with the extent, a launch has to say it.
    text = changed("dynamic").replace(
        "[r__idx_v0, 0], [8, 64], [left", "[r__idx_v0 % COLS_DYN, 0], [8, 64], [left"
    )
    module = parse_program(text, "dynamic.py")
    assert drop_all(module) == 0


@pytest.mark.parametrize(
    ("name", "edit", "message"),
    [
        (
            "inplace",
            ("pl.tile.muls(x__tile, 2.0)", "pl.tile.wobble(x__tile)"),
            r"p.py:10:58: error: no .pto text for 'pl.tile.wobble\(\{0\}\)'",
        ),
    ],
)
def test_nothing_is_written_if_no_kernel_has_a_text(
    name: str, edit: tuple[str, str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "p.py"
    source.write_text(path_of(name).read_text().replace(*edit))
    assert opt([str(source), "-t", "pto", "-o", str(tmp_path / "new" / "out")]) == 1
    assert re.search(message, capsys.readouterr().err)
    assert list(tmp_path.iterdir()) == [source]


def test_a_kernel_needs_the_name_of_a_file() -> None:
    text = path_of("inplace").read_text()
    for name, message in (("../shift", "needs a name that a file can have"), ("a/b", "needs a name")):
        module = parse_program(text, "p.py")
        for op in module.walk():
            if isinstance(op, FuncOp) and op.sym_name.data == "shift":
                op.sym_name = StringAttr(name)
        with pytest.raises(UserError, match=message):
            program_files(module)


# -- the folder ------------------------------------------------------------------------------------


def test_a_folder_holds_the_files_of_the_last_run_and_what_else_was_there(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    source = [str(path_of("staged")), "-t", "pto", "-o", str(folder), "--no-remarks"]
    assert opt(source) == 0
    unfused = {"head_rotate.pto", "reassemble.pto", "write_back.pto", "program.json"}
    assert {path.name for path in folder.iterdir()} == unfused
    (folder / "notes.pto").write_text("mine")
    assert opt([*source, "--facts", str(DATA / "staged" / "cpu_sim.npz"), "-p", "dsv4-rope"]) == 0
    fused = {"head_rotate_reassemble_write_back.pto", "program.json", "notes.pto"}
    assert {path.name for path in folder.iterdir()} == fused
    assert list(tmp_path.iterdir()) == [folder]


def test_a_program_in_a_folder_becomes_a_folder(tmp_path: Path) -> None:
    source, target = tmp_path / "programs", tmp_path / "out"
    source.mkdir()
    for name in ("inplace", "written_in_place"):
        (source / f"{name}.py").write_text(path_of(name).read_text())
    assert opt([str(source), "-f", "py", "-t", "pto", "-o", str(target), "-j", "2"]) == 0
    found = sorted(p.relative_to(target).as_posix() for p in target.rglob("*"))
    assert found[:3] == ["inplace", "inplace/program.json", "inplace/shift.pto"]
    assert "written_in_place/program.json" in found
    assert "written_in_place/kv_rope.pto" not in found


def test_the_chip_is_that_of_the_passes_or_of_the_target(tmp_path: Path) -> None:
    source = [str(path_of("inplace")), "-o", str(tmp_path / "out")]
    for options, chip in (
        (["-t", "pto"], "a2a3"),
        (["-p", "dsv4-rope{chip=a5}", "-t", "pto"], "a5"),
        (["-p", "dsv4-rope{chip=a5}", "-t", "pto{chip=a3 ptoas=0.6}"], "a3"),
    ):
        assert opt([*source, *options]) == 0
        found = json.loads((tmp_path / "out" / "program.json").read_text())
        assert (found["chip"], found["ptoas"]) == (chip, "0.60")
        assert f'pto.target_arch = "{chip}"' in (tmp_path / "out" / "shift.pto").read_text()
