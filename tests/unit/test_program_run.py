"""Whole programs on numpy: compiled ones against the real toolchain's results, small ones against numpy."""

import tracemalloc
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from dsv4_passes.cli.run import main
from dsv4_passes.diagnostics import UserError
from dsv4_passes.formats.pto.reader import parse_text
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.formats.pypto.target import program_text
from dsv4_passes.interpreter.program import run_program
from dsv4_passes.npz import Array
from tests.unit.kernels import DATA
from tests.unit.programs import Kernel, program


def text_of(name: str) -> str:
    folder = DATA / name
    return (folder / "program.py" if folder.is_dir() else DATA / "programs" / f"{name}.py").read_text()


def run(name: str, inputs: dict[str, Array]) -> dict[str, Array]:
    """The results of a program, which must not change when it is printed from the IR and read again."""
    module = parse_program(text_of(name), name)
    results = run_program(module, inputs)
    again = run_program(parse_program(program_text(module, verbatim=False), name), inputs)
    assert results.keys() == again.keys()
    for key, array in results.items():
        assert array.tobytes() == again[key].tobytes(), key
    return results


def arrays(path: Path) -> dict[str, Array]:
    with np.load(path) as archive:
        return dict(archive)


def without_zero_signs(bits: Array) -> Array:
    """bf16 bits with -0 made +0."""
    return np.where(bits == 0x8000, 0, bits)


# -- compiled programs ---------------------------------------------------------------------------


def test_staged_is_what_the_toolchain_computed() -> None:
    known = arrays(DATA / "staged" / "cpu_sim.npz")
    inputs = {k: v for k, v in known.items() if k not in ("pair_stage", "joined", "out")}
    (out,) = run("staged", inputs).values()
    assert np.array_equal(out, known["out"])


def test_inout_lanes_that_nobody_writes_stay() -> None:
    known = arrays(DATA / "staged" / "cpu_sim.npz")
    start = np.arange(64 * 1024, dtype=np.uint32).astype(np.uint16).reshape(64, 1024)
    out = run("staged", {**known, "out": start})["out"]
    rope = np.arange(1024) % 256 >= 192
    assert np.array_equal(out[:, rope], known["out"][:, rope])
    assert np.array_equal(out[:, ~rope], start[:, ~rope])


@pytest.mark.parametrize("name", ["rope_a", "rope_b", "rope_c", "rope_d"])
def test_all_generations_are_what_the_toolchain_computed(name: str) -> None:
    out = run(name, arrays(DATA / name / "inputs.npz"))["out"]
    known = arrays(DATA / "rope_c" / "cpu_sim.npz")["out"]
    if name == "rope_c":
        assert np.array_equal(out, known)
    assert np.array_equal(without_zero_signs(out), without_zero_signs(known))


def test_mixed_is_the_reference_up_to_the_sign_of_zero() -> None:
    packed = run("mixed", arrays(DATA / "mixed" / "inputs.npz"))["packed"]
    known = arrays(DATA / "mixed" / "numpy.npz")["packed"]
    assert np.array_equal(without_zero_signs(packed), without_zero_signs(known))


# -- small programs ------------------------------------------------------------------------------


def floats(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def test_what_a_kernel_writes_without_returning_it_is_seen() -> None:
    src = floats(4, 32)
    results = run("directions", {"src": src})
    twice = src + src
    copy = src
    for _ in range(3):
        copy = copy + np.float32(1)
    assert np.array_equal(results["kept"], twice)
    assert np.array_equal(results["out"], copy + twice)


def test_a_kernel_reads_what_it_wrote() -> None:
    buf = floats(8, 64)
    expected = buf.copy()
    expected[0] *= 2
    for row in range(1, 8):
        expected[row] = expected[row - 1] + expected[row]
    assert np.array_equal(run("inplace", {"buf": buf})["buf"], expected)


@pytest.mark.parametrize("count", [3, 7])
def test_scalars_are_passed_carried_and_returned(count: int) -> None:
    table = np.random.default_rng(1).integers(0, 64, 16).astype(np.int32)
    src, factor = floats(64, 32), np.float32(1.25)
    marks = np.full((4, 16), -1, np.int32)
    inputs = {
        "table": table,
        "src": src,
        "sizes": np.array([[9, 9], [count, 9]], np.int32),
        "factor": np.array(factor),
        "marks": marks,
    }
    results = run("scalars", inputs)

    def walk(start: int) -> Array:
        out = np.zeros((16, 32), np.float32)
        for i in range(count):
            row = src[(int(table[i]) + start) % 64] * factor
            out[i] = row * np.float32(-0.5) if count < 4 else row
        return out

    expected = marks.copy()
    for i in range(count):
        expected[1, i] = table[i]
        expected[i // 8 + 2, i % 8] = 2 * table[i] + 1
    assert np.array_equal(results["out"], walk(0))
    assert np.array_equal(results["again"], walk(int(table[:count].sum())))
    assert np.array_equal(results["marks"], expected)


def test_cube_and_vector_work_together_unsaid() -> None:
    a, b, bt = (
        floats(*shape, seed=i).astype(ml_dtypes.bfloat16)
        for i, shape in enumerate([(32, 64), (64, 32), (32, 64)])
    )
    scale = floats(1, 32, seed=4)
    inputs = {"a": a.view(np.uint16), "b": b.view(np.uint16), "bt": bt.view(np.uint16), "scale": scale}
    results = run("products", inputs)
    product = np.zeros((32, 32), np.float32)
    for k in range(0, 64, 16):
        product += a[:, k : k + 16].astype(np.float32) @ b[k : k + 16].astype(np.float32)
    scaled = results["out"] + (scale * product).max(axis=1, keepdims=True) + 1
    assert np.allclose(scaled, scale * product, atol=1e-4)
    narrow = results["out"].astype(ml_dtypes.bfloat16).astype(np.float32)
    assert np.allclose(results["mixed"], narrow @ bt.astype(np.float32), atol=1e-3)


def test_a_tensor_written_through_a_view_has_changed() -> None:
    data, piece = floats(8, 32), floats(1, 32, seed=2)
    results = run("views", {"data": data, "sizes": np.array([4, 0, 0, 0], np.int32), "piece": piece})
    expected = data.copy()
    expected[2:6] = 3
    expected = expected + expected
    for i in range(4):
        if i <= 1:
            expected[i] = piece
        else:
            expected = expected + expected
    out = np.zeros((8, 32), np.float32)
    out[4:] = 7
    assert np.array_equal(results["data"], expected)
    assert np.array_equal(results["sizes"], [4, 3, 0, 0])
    assert np.array_equal(results["out"], out)


def dynamic_program(blocks: str) -> str:
    return text_of("dynamic").replace("bs_dim__ssa_v0 // 8", blocks)


def test_symbolic_extents_come_from_the_arrays() -> None:
    src, other = floats(20, 64), floats(4, 6)
    module = parse_program(dynamic_program("1"), "dynamic")
    out = run_program(module, {"src": src, "other": other})["out"]
    assert np.array_equal(out, src + np.float32(1) + np.float32(1))


def test_an_expression_nobody_knows_is_no_number_of_blocks() -> None:
    module = parse_program(text_of("dynamic"), "dynamic.py")
    with pytest.raises(
        UserError, match=r"dynamic.py:28:55: .*number of blocks of 'copy' is not known: bs_dim"
    ):
        run_program(module, {"src": floats(20, 64), "other": floats(4, 6)})


def test_what_was_kept_as_text_cannot_run() -> None:
    text = text_of("inplace").replace("pl.tile.muls(x__tile, 2.0)", "pl.tile.wobble(x__tile)")
    with pytest.raises(UserError, match=r"shift.py:10:58: .*cannot interpret dsv4.opaque"):
        run_program(parse_program(text, "shift.py"), {"buf": floats(8, 64)})


# -- inputs --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "the inputs: error: no array for parameter 'x'; there are none"),
        ({"x": np.zeros((128, 32), np.uint16)}, "array 'x' should be 128x64, found 128x32"),
        ({"x": np.zeros((128, 64), np.float32)}, "array 'x' should be of uint16 .*, found float32"),
    ],
)
def test_wrong_inputs_are_told(inputs: dict[str, Array], message: str) -> None:
    with pytest.raises(UserError, match=message):
        run_program(parse_program(text_of("rope_c"), "p"), inputs)


def test_extents_of_one_name_must_agree() -> None:
    with pytest.raises(UserError, match="array 'out' has 9 for 'ROWS', another one 8"):
        run_program(
            parse_program(dynamic_program("1"), "p"),
            {"src": floats(8, 64), "other": floats(4, 6), "out": floats(9, 64)},
        )


def test_the_command_line_runs_programs(tmp_path: Path) -> None:
    given, found = tmp_path / "in.npz", tmp_path / "out.npz"
    np.savez(given, buf=floats(8, 64))
    program = str(DATA / "programs" / "inplace.py")
    assert main([program, "--inputs", str(given), "--outputs", str(found)]) == 0
    expected = run_program(parse_program(text_of("inplace"), "p"), {"buf": floats(8, 64)})
    assert np.array_equal(arrays(found)["buf"], expected["buf"])


def test_a_module_that_was_printed_runs_like_the_text() -> None:
    module = parse_program(text_of("directions"), "p")
    src = floats(4, 32)
    printed = parse_text(str(module))
    assert np.array_equal(run_program(printed, {"src": src})["out"], run("directions", {"src": src})["out"])


@pytest.mark.parametrize("count", [4, 24])
def test_versions_of_a_tensor_are_let_go(count: int) -> None:
    """A tensor that many launches write in turn is there as it is, as it was before, and as it came in."""
    tensors = {"x": "8x64xf32", "out": "2048x256xf32"}  # 2 MiB
    body = 'v = load(x, [0, 0], "8x64xf32")\nstore(v, [8 * {0}, 0], out)'
    kernels = [Kernel(f"step{n}", 1, ["x"], ["out"], body.format(n)) for n in range(count)]
    module, x = program(kernels, tensors, ["out"]), np.ones((8, 64), np.float32)
    tracemalloc.start()
    result = run_program(module, {"x": x})["out"]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (result == 1).sum() == count * x.size
    assert peak < 4 * result.nbytes


@pytest.mark.parametrize("name", ["accumulator_slices", "batched_products"])
def test_products_in_other_shapes_are_products(name: str) -> None:
    """Without an angle the rotation changes nothing, and small whole numbers are exact in bf16."""
    rng = np.random.default_rng(3)
    batched = name == "batched_products"
    x = rng.integers(-2, 3, (128, 64)).astype(np.float32)
    weight = rng.integers(-1, 2, (2, 64, 64) if batched else (64, 64)).astype(np.float32)
    select = np.arange(64)[:, None] == 2 * np.arange(32)
    bf16 = {"x": x, "weight": weight, "even_select": select, "odd_select": np.roll(select, 1, axis=0)}
    inputs = {n: v.astype(ml_dtypes.bfloat16).view(np.uint16) for n, v in bf16.items()}
    inputs |= {"cos": np.ones((2, 32), np.float32), "sin": np.zeros((2, 32), np.float32)}
    (out,) = run(name, inputs).values()
    halves = x.reshape(2, 64, 64)
    products = halves @ weight.transpose(0, 2, 1) if batched else halves @ weight
    expected = (products.reshape(128, 64) * 0.125).astype(ml_dtypes.bfloat16).view(np.uint16)
    assert np.array_equal(without_zero_signs(out), without_zero_signs(expected))
