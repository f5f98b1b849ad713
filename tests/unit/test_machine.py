"""Whole kernels on numpy: the compiled programs against what the real toolchain computed, bit for bit."""

from pathlib import Path

import numpy as np
import pytest
from xdsl.context import Context

from dsv4_passes.cli.run import main, run_on_arrays
from dsv4_passes.formats.pto.reader import parse_file
from dsv4_passes.interpreter.kernels import choose_kernel, find_kernels
from dsv4_passes.transforms.raising.raise_tiles import PtoRaisePass
from tests.unit.kernels import DATA, Array


def run_file(
    folder: str, kernel: str, blocks: int, inputs: dict[str, Array], tmp_path: Path
) -> dict[str, Array]:
    """Through the command line, as people do."""
    given, found = tmp_path / "in.npz", tmp_path / "out.npz"
    np.savez(given, **inputs)  # pyright: ignore[reportArgumentType]
    path = str(DATA / folder / f"{kernel}.pto")
    assert main([path, "--inputs", str(given), "--outputs", str(found), "--blocks", str(blocks)]) == 0
    with np.load(found) as archive:
        return dict(archive)


def arrays(path: Path, *names: str) -> dict[str, Array]:
    with np.load(path) as archive:
        return {name: archive[name] for name in names or archive.files}


def without_zero_signs(bits: Array) -> Array:
    """bf16 bits with -0 made +0."""
    return np.where(bits == 0x8000, 0, bits)


@pytest.mark.parametrize(
    ("kernel", "inputs", "output"),
    [
        ("head_rotate", ("cos", "sin", "inv_rms", "proj"), "pair_stage"),
        ("reassemble", ("pair_stage", "even_select_t", "odd_select_t"), "joined"),
        ("write_back", ("joined",), "out"),
    ],
)
def test_staged_kernels_are_the_simulators_bits(
    kernel: str, inputs: tuple[str, ...], output: str, tmp_path: Path
) -> None:
    reference = arrays(DATA / "staged" / "cpu_sim.npz")
    given = {name: reference[name] for name in inputs}
    found = run_file("staged", kernel, 4, given, tmp_path)[output]
    assert found.dtype == reference[output].dtype
    np.testing.assert_array_equal(found.view(np.uint8), reference[output].view(np.uint8))


@pytest.mark.parametrize("name", ["rope_a", "rope_b", "rope_c", "rope_d"])
def test_all_forms_of_the_rotation_agree(name: str, tmp_path: Path) -> None:
    reference = arrays(DATA / "rope_c" / "cpu_sim.npz")["out"]
    found = run_file(name, name, 4, arrays(DATA / name / "inputs.npz"), tmp_path)["out"]
    if name == "rope_c":
        np.testing.assert_array_equal(found, reference)
    np.testing.assert_array_equal(without_zero_signs(found), without_zero_signs(reference))


def test_a_mixed_kernel_and_the_vector_kernel_behind_it(tmp_path: Path) -> None:
    inputs = arrays(DATA / "mixed" / "inputs.npz")
    halves = run_file("mixed", "unrotate", 16, inputs, tmp_path)
    assert set(halves) == {"even_buf", "odd_buf"}
    packed = run_file("mixed", "pack", 16, halves, tmp_path)["packed"]
    reference = arrays(DATA / "mixed" / "numpy.npz")["packed"]
    np.testing.assert_array_equal(without_zero_signs(packed), without_zero_signs(reference))


@pytest.mark.parametrize(
    ("folder", "kernel", "blocks"),
    [
        ("rope_a", "rope_a", 4),
        ("rope_b", "rope_b", 4),
        ("rope_c", "rope_c", 4),
        ("rope_d", "rope_d", 4),
        ("mixed", "unrotate", 16),
    ],
)
def test_tiles_as_values_and_tiles_in_memory_give_the_same_bits(
    folder: str, kernel: str, blocks: int, tmp_path: Path
) -> None:
    inputs = arrays(DATA / folder / "inputs.npz")
    in_memory = run_file(folder, kernel, blocks, inputs, tmp_path)
    module = parse_file(DATA / folder / f"{kernel}.pto")
    PtoRaisePass().apply(Context(), module)
    assert not [op for op in module.walk() if op.name == "pto.alloc_tile"]
    raised = choose_kernel(find_kernels(module), None, kernel)
    as_values = run_on_arrays(raised, inputs, blocks, "inputs")
    assert as_values.keys() == in_memory.keys()
    for name, array in in_memory.items():
        np.testing.assert_array_equal(as_values[name].view(np.uint8), array.view(np.uint8))


def halves() -> dict[str, Array]:
    """Two tensors of bf16 bits with both zeros, infinities, a quiet NaN and subnormals among them."""
    rng = np.random.default_rng(0)
    special = np.array([0x0000, 0x8000, 0x7F80, 0xFF80, 0x7FC0, 0x0001, 0x8001, 0x3F80], np.uint16)
    e, o = (rng.integers(0x3000, 0x4800, (64, 32)).astype(np.uint16) for _ in range(2))
    e[0, :8], o[0, :8] = special, special
    return {"e": e, "o": o}


def interleaved(inputs: dict[str, Array]) -> Array:
    bits = np.zeros((64, 64), np.uint32)
    bits[:, 0::2] = inputs["e"].astype(np.uint32) << 16
    bits[:, 1::2] = inputs["o"].astype(np.uint32) << 16
    return bits


def test_two_scatters_and_a_sum_interleave_but_for_the_sign_of_zero(tmp_path: Path) -> None:
    inputs = halves()
    found = run_file("handwritten", "pair", 1, inputs, tmp_path)["y"].view(np.uint32)
    expected = interleaved(inputs)
    np.testing.assert_array_equal(found, np.where(expected == 0x80000000, 0, expected))


def test_two_scatters_and_an_or_keep_every_bit(tmp_path: Path) -> None:
    inputs = halves()
    found = run_file("handwritten", "pair_or", 1, inputs, tmp_path)["y"].view(np.uint32)
    np.testing.assert_array_equal(found, interleaved(inputs))


def test_a_second_scatter_into_one_tile_wipes_out_the_first(tmp_path: Path) -> None:
    inputs = halves()
    found = run_file("handwritten", "chain", 1, inputs, tmp_path)["y"].view(np.uint32)
    assert not found[:, 0::2].any()
    np.testing.assert_array_equal(found[:, 1::2], interleaved(inputs)[:, 1::2])


# -- the command line -------------------------------------------------------------------------------


def fails(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    """The one line that a failing run says."""
    assert main(list(args)) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err.strip()


PAIR = str(DATA / "handwritten" / "pair.pto")


def test_failures_are_one_line_and_write_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inputs, outputs = tmp_path / "in.npz", tmp_path / "out.npz"
    good = halves()
    to = ("--outputs", str(outputs))
    assert "No such file" in fails(capsys, PAIR, "--inputs", str(tmp_path / "none.npz"), *to)
    assert "no such directory" in fails(capsys, PAIR, "--outputs", str(tmp_path / "no" / "out.npz"))
    np.savez(inputs, e=good["e"])
    assert "no array for argument 'o'" in fails(capsys, PAIR, "--inputs", str(inputs), *to)
    np.savez(inputs, e=good["e"][:32], o=good["o"])
    assert "'e' should be 64x32, found 32x32" in fails(capsys, PAIR, "--inputs", str(inputs), *to)
    np.savez(inputs, e=good["e"].astype(np.float32), o=good["o"])
    assert "should be of uint16 (the bits of bf16), found float32" in fails(
        capsys, PAIR, "--inputs", str(inputs), *to
    )
    np.savez(inputs, **good)  # pyright: ignore[reportArgumentType]
    there = fails(capsys, PAIR, "--func", "other", "--inputs", str(inputs), *to)
    assert "no kernel 'other', found 'pair'" in there
    assert "--blocks" in fails(capsys, PAIR, "--blocks", "0", *to)
    inputs.write_bytes(b"nothing")
    assert "is not an npz" in fails(capsys, PAIR, "--inputs", str(inputs), *to)
    assert not outputs.exists()
    assert list(tmp_path.iterdir()) == [inputs]


def test_bf16_arrays_may_come_as_bits_or_as_bf16(tmp_path: Path) -> None:
    inputs = halves()
    as_bits = run_file("handwritten", "pair", 1, inputs, tmp_path)["y"]
    as_void = {name: array.view("V2") for name, array in inputs.items()}
    np.testing.assert_array_equal(run_file("handwritten", "pair", 1, as_void, tmp_path)["y"], as_bits)


def test_an_output_among_the_inputs_keeps_what_is_not_stored(tmp_path: Path) -> None:
    reference = arrays(DATA / "staged" / "cpu_sim.npz")
    before = np.full((64, 1024), 0x4242, np.uint16)
    given = {"joined": reference["joined"], "out": before}
    found = run_file("staged", "write_back", 4, given, tmp_path)["out"]
    touched = np.zeros(1024, np.bool_)
    for head in range(4):
        touched[head * 256 + 192 : head * 256 + 256] = True
    assert (found[:, ~touched] == 0x4242).all()
    np.testing.assert_array_equal(found[:, touched], reference["out"][:, touched])
