"""Facts about arguments: what they stand for, and how arrays are held against them."""

from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.ir import BlockArgument

from dsv4_passes.argument_names import argument_name
from dsv4_passes.diagnostics import UserError, collect
from dsv4_passes.equivalence.facts import (
    WrongFact,
    argument_attribute,
    check_array,
    facts_of,
    make_fact,
    recognise,
    selector_matrix,
    table_row,
)
from dsv4_passes.formats.pto.reader import parse_file, parse_text
from dsv4_passes.npz import write_npz
from dsv4_passes.transforms.bind_facts import BindFactsPass, bind_arrays, bind_toml
from dsv4_passes.transforms.facts.selections import describe
from dsv4_passes.transforms.lanes.select_to_lanes import SelectToLanesPass

Array = NDArray[Any]

DATA = Path(__file__).parents[1] / "data"


# -- what a fact stands for --------------------------------------------------------------------------


def test_a_selector_picks_lanes_and_its_transpose_puts_them_back() -> None:
    x = np.arange(12, dtype=np.float32).reshape(2, 6)
    for word, lanes in (("even", x[:, 0::2]), ("odd", x[:, 1::2])):
        tall, wide = selector_matrix(word, (6, 3)), selector_matrix(word, (3, 6))
        np.testing.assert_array_equal(x @ tall, lanes)
        np.testing.assert_array_equal(tall.T, wide)
    back = x[:, 0::2] @ selector_matrix("even", (3, 6)) + x[:, 1::2] @ selector_matrix("odd", (3, 6))
    np.testing.assert_array_equal(back, x)


@pytest.mark.parametrize("shape", [(4, 4), (6, 4), (0, 3), (3, 7)])
def test_a_selector_has_twice_as_many_lanes_on_one_side(shape: tuple[int, int]) -> None:
    with pytest.raises(WrongFact, match="twice as many rows as columns or the reverse"):
        selector_matrix("even", shape)


def test_a_selector_is_a_matrix() -> None:
    with pytest.raises(WrongFact, match="2 dimensions, found 3"):
        make_fact("selector", "even", (1, 4, 2))


@pytest.mark.parametrize(
    ("word", "lanes"),
    [("even", [0, 2, 4, 6]), ("odd", [1, 3, 5, 7]), ("swap", [1, 0, 3, 2]), ("repeat", [0, 0, 1, 1])],
)
def test_tables_are_lane_numbers(word: str, lanes: list[int]) -> None:
    assert table_row(word, 4).tolist() == lanes
    assert make_fact("table", word, (1, 4)).matrix.tolist() == [lanes]


# -- arrays against facts ----------------------------------------------------------------------------


def test_every_element_is_looked_at() -> None:
    fact = make_fact("selector", "odd", (8, 4))
    check_array(fact, fact.matrix, "s")
    for index in np.ndindex(8, 4):
        for wrong in (0.5, 2.0, -1.0, np.nan, np.inf, 1 - fact.matrix[index], -0.0):
            values = fact.matrix.copy()
            values[index] = wrong
            with pytest.raises(WrongFact) as error:
                check_array(fact, values, "s")
            assert f"at [{index[0]}, {index[1]}], found" in str(error.value)


def test_the_first_wrong_element_is_named() -> None:
    fact = make_fact("selector", "even", (4, 2))
    values = fact.matrix.copy()
    values[1, 0], values[3, 1] = -0.0, 7
    with pytest.raises(WrongFact, match=r"^'s' is not the even selector: expected 0 at \[1, 0\], found -0$"):
        check_array(fact, values, "s")


@pytest.mark.parametrize("shape", [(8, 4), (4, 8), (64, 32), (32, 64)])
@pytest.mark.parametrize("word", ["even", "odd"])
@pytest.mark.parametrize("dtype", [np.float32, np.int8])
def test_selectors_are_recognised(shape: tuple[int, int], word: str, dtype: Any) -> None:
    found = recognise(selector_matrix(word, shape).astype(dtype), shape, "s")
    assert found is not None
    assert (found.kind, found.word) == ("selector", word)


@pytest.mark.parametrize("word", ["even", "odd", "swap", "repeat"])
def test_tables_are_recognised(word: str) -> None:
    found = recognise(table_row(word, 32).astype(np.int32)[None], (1, 32), "t")
    assert found is not None
    assert (found.kind, found.word) == ("table", word)


@pytest.mark.parametrize(
    "values",
    [
        np.zeros((64, 32), np.float32),
        np.eye(64, 32, dtype=np.float32),
        np.ones((64, 32), np.float32),
        np.random.default_rng(0).standard_normal((64, 32)).astype(np.float32),
        np.zeros((32, 32), np.float32),
        np.arange(32, dtype=np.int32)[None],
        np.zeros((1, 1), np.int32),
    ],
    ids=["zeros", "identity", "ones", "noise", "square", "count", "one"],
)
def test_other_arrays_state_nothing(values: Array) -> None:
    assert recognise(values, values.shape, "x") is None


def test_what_is_nearly_a_selector_is_none() -> None:
    values = selector_matrix("even", (64, 32))
    values[62, 31], values[63, 31] = 0, 1  # the last lane is the odd one
    assert recognise(values, (64, 32), "s") is None
    assert describe(values) == "is not the even selector: [62, 31] is 0, not 1"


# -- files -------------------------------------------------------------------------------------------


def kernel(argument: str = "!pto.ptr<bf16>", shape: tuple[int, int] = (32, 16)) -> str:
    rows, cols = shape
    dtype = argument.removeprefix("!pto.ptr<").partition(">")[0]
    return f"""
func.func @k(%s: {argument}) {{
  %c1 = arith.constant 1 : index
  %r = arith.constant {rows} : index
  %c = arith.constant {cols} : index
  %v = pto.make_tensor_view %s, shape = [%r, %c], strides = [%c, %c1] : !pto.tensor_view<?x?x{dtype}>
  func.return
}}"""


def bind(text: str, path: Path, array: Array) -> str | None:
    np.savez(path, s=array)
    module = parse_text(text, "k.pto")
    bind_arrays(module, str(path))
    function = next(op for op in module.walk() if isinstance(op, func.FuncOp))
    stated = [argument_attribute(function, 0, f"dsv4.{kind}") for kind in ("selector", "table")]
    return next((str(attribute) for attribute in stated if attribute is not None), None)


EVEN = selector_matrix("even", (32, 16))


@pytest.mark.parametrize(
    "array",
    [
        EVEN.astype(ml_dtypes.bfloat16),  # numpy reads it back as raw two-byte elements
        EVEN.astype(ml_dtypes.bfloat16).view(np.uint16),
        EVEN.astype(ml_dtypes.bfloat16).view(np.uint16).reshape(-1),
    ],
    ids=["bf16", "bits", "flat"],
)
def test_an_npz_states_what_its_arrays_are(array: Array, tmp_path: Path) -> None:
    assert bind(kernel(), tmp_path / "in.npz", array) == "#dsv4.selector<even>"


def test_the_type_of_the_argument_says_what_bits_mean(tmp_path: Path) -> None:
    half = EVEN.astype(np.float16)
    for array in (half, half.view(np.uint16)):
        assert bind(kernel("!pto.ptr<f16>"), tmp_path / "in.npz", array) == "#dsv4.selector<even>"
    assert bind(kernel("!pto.ptr<f32>"), tmp_path / "in.npz", EVEN) == "#dsv4.selector<even>"
    row = table_row("swap", 8).astype(np.int32)[None]
    assert bind(kernel("!pto.ptr<i32>", (1, 8)), tmp_path / "in.npz", row) == "#dsv4.table<swap>"


def test_data_states_nothing(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).standard_normal((32, 16)).astype(np.float32)
    assert bind(kernel("!pto.ptr<f32>"), tmp_path / "in.npz", noise) is None


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (EVEN, "array 's' should be of uint16 (the bits of bf16), found float32"),
        (EVEN.astype(np.int64), "array 's' should be of uint16 (the bits of bf16), found int64"),
        (EVEN.T.astype(ml_dtypes.bfloat16).view(np.uint16), "expected 's' to have shape 32x16, found 16x32"),
    ],
    ids=["f32", "int", "shape"],
)
def test_an_npz_of_something_else_is_an_error(array: Array, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        bind(kernel(), tmp_path / "in.npz", array)
    assert str(error.value).startswith(f"{tmp_path / 'in.npz'}: error: ")
    assert message in error.value.message


def test_arrays_are_held_against_a_stated_fact(tmp_path: Path) -> None:
    stated = kernel().replace("!pto.ptr<bf16>", "!pto.ptr<bf16> {dsv4.selector = #dsv4.selector<odd>}", 1)
    with pytest.raises(UserError, match=r"'s' is not the odd selector: expected 0 at \[0, 0\], found 1"):
        bind(stated, tmp_path / "in.npz", EVEN.astype(ml_dtypes.bfloat16).view(np.uint16))


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"no zip at all", None], ids=["empty", "half a zip", "text", "pickle"]
)
def test_a_file_that_is_no_npz(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "in.npz"
    if content is None:
        np.savez(path, s=np.array([object()]))
    else:
        path.write_bytes(content)
    with pytest.raises(UserError, match="is not an npz of plain arrays"):
        bind_arrays(parse_text(kernel(), "k.pto"), str(path))


def test_the_facts_of_the_corpus() -> None:
    for folder, name, words in (
        ("staged", "reassemble", {"even_select_t": "even", "odd_select_t": "odd"}),
        ("mixed", "unrotate", {"even_select": "even", "odd_select": "odd"}),
        ("rope_a", "rope_a", {"even_select": "even", "odd_select": "odd"}),
    ):
        arrays = "cpu_sim" if folder == "staged" else "inputs"
        module = parse_file(DATA / folder / f"{name}.pto")
        bind_arrays(module, str(DATA / folder / f"{arrays}.npz"))
        found: dict[str, str] = {}
        for function in module.walk():
            if isinstance(function, func.FuncOp):
                for argument, fact in facts_of(function).items():
                    assert isinstance(argument, BlockArgument)
                    found[argument_name(function, argument.index)] = fact.word
        assert found == words


def test_a_description_is_matched_by_name(tmp_path: Path) -> None:
    path = tmp_path / "facts.toml"
    for name in ("s", "arg0", "v", "?", "[st]*"):
        path.write_text(f'"{name}" = "odd"')
        module = parse_text(kernel(), "k.pto")
        bind_toml(module, str(path))
        (fact,) = (f for op in module.walk() if isinstance(op, func.FuncOp) for f in facts_of(op).values())
        assert fact.word == "odd"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('s = "evn"', r"expected a fact for 's' to be one of even, odd, .*table:repeat, found 'evn'"),
        ('s = "table:evn"', "found 'table:evn'"),
        ('s = "size:even"', "found 'size:even'"),
        ("s = 1", "found '1'"),
        ('t = "even"', "fact 't' matches no argument; there are s"),
        ('[s]\nx = "even"', "found '{'x': 'even'}'"),
        ('s = "even"\n[facts]\n"*" = "odd"', r"expected 's' in the table \[facts\], found it beside"),
        ("s", "not a TOML file: Expected '='"),
    ],
)
def test_a_description_that_states_nothing(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "facts.toml"
    path.write_text(text)
    with pytest.raises(UserError, match=message) as error:
        bind_toml(parse_text(kernel(), "k.pto"), str(path))
    assert str(error.value).startswith(f"{path}{'' if text == 's' else ':1:1'}: error: ")


def test_a_description_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "facts.toml"
    path.write_bytes(b"s = \xff")
    with pytest.raises(UserError, match="not a TOML file"):
        bind_toml(parse_text(kernel(), "k.pto"), str(path))


def test_a_fact_that_the_shape_contradicts_is_an_error() -> None:
    text = kernel(shape=(16, 16)).replace("<bf16>", "<bf16> {dsv4.selector = #dsv4.selector<even>}", 1)
    function = next(op for op in parse_text(text, "k.pto").walk() if isinstance(op, func.FuncOp))
    with pytest.raises(UserError, match=r"'dsv4\.selector even' cannot hold for 's'"):
        facts_of(function)


TWICE = """
func.func @k(%s: !pto.ptr<f32> {dsv4.selector = #dsv4.selector<even>}) {
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %c8 = arith.constant 8 : index
  %s_view = pto.make_tensor_view %s, shape = [%c4, %c8], strides = [%c8, %c1] : !pto.tensor_view<?x?xf32>
  %t_view = pto.make_tensor_view %s, shape = SHAPE : !pto.tensor_view<?x?xf32>
  return
}
"""


def first_function(module: ModuleOp) -> func.FuncOp:
    return next(op for op in module.walk() if isinstance(op, func.FuncOp))


def test_a_word_that_could_mean_two_matrices_is_an_error() -> None:
    """The elements of 4x8 are not those of 8x4, but for the transposed view of the same matrix."""
    same = parse_text(TWICE.replace("SHAPE", "[%c8, %c4], strides = [%c1, %c8]"), "k.pto")
    (found,) = facts_of(first_function(same)).values()
    assert found.matrix.shape == (4, 8)
    two = parse_text(TWICE.replace("SHAPE", "[%c8, %c4], strides = [%c4, %c1]"), "k.pto")
    with pytest.raises(
        UserError, match=r"cannot hold for 's': it is viewed as (4x8 and as 8x4|8x4 and as 4x8)"
    ):
        facts_of(first_function(two))


def test_the_program_says_the_shape_that_a_fact_speaks_of() -> None:
    tensor = "{dsv4.tensor = tensor<8x4xf32>, dsv4.selector"
    text = TWICE.replace("SHAPE", "[%c8, %c4], strides = [%c4, %c1]").replace("{dsv4.selector", tensor)
    (found,) = facts_of(
        next(op for op in parse_text(text, "k.pto").walk() if isinstance(op, func.FuncOp))
    ).values()
    assert found.matrix.shape == (8, 4)


# -- what contradicts, and what is only alike ---------------------------------------------------------


def bound(description: str, path: Path, text: str | None = None) -> str | None:
    """The word for `s` after binding a description."""
    path.write_text(description)
    module = parse_text(text or kernel(), "k.pto")
    bind_toml(module, str(path))
    return next((fact.word for fact in facts_of(first_function(module)).values()), None)


@pytest.mark.parametrize(
    "description",
    ['s = "even"\n"*" = "odd"', '"*" = "odd"\ns = "even"', '"?" = "odd"\narg0 = "even"\n"s*" = "odd"'],
)
def test_an_exact_name_says_more_than_a_glob(description: str, tmp_path: Path) -> None:
    assert bound(description, tmp_path / "f.toml") == "even"


@pytest.mark.parametrize(
    ("description", "both"),
    [
        ('"s*" = "even"\n"?" = "odd"', 's* = "even" and ? = "odd"'),
        ('s = "even"\narg0 = "odd"', 's = "even" and arg0 = "odd"'),
        ('s = "even"\nv = "table:even"', 's = "even" and v = "table:even"'),
    ],
    ids=["globs", "names", "kinds"],
)
def test_entries_that_contradict_each_other(description: str, both: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        bound(description, tmp_path / "f.toml")
    assert error.value.message == f"two facts contradict each other about 's': {both}"


def test_a_description_contradicts_what_is_stated(tmp_path: Path) -> None:
    stated = kernel().replace("!pto.ptr<bf16>", "!pto.ptr<bf16> {dsv4.selector = #dsv4.selector<odd>}", 1)
    assert bound('s = "odd"', tmp_path / "f.toml", stated) == "odd"
    with pytest.raises(UserError, match="about 's': s = \"even\" and, stated before, selector odd"):
        bound('s = "even"', tmp_path / "f.toml", stated)


@pytest.mark.parametrize("dtype", ["bf16", "f16", "f32"])
def test_a_table_is_of_integers(dtype: str, tmp_path: Path) -> None:
    source = kernel(f"!pto.ptr<{dtype}>")
    wanted = f"expected a table of lane numbers to be of integers, found {dtype}"
    with pytest.raises(UserError, match=f"fact 's' cannot hold for 's': {wanted}"):
        bound('s = "table:even"', tmp_path / "f.toml", source)
    stated = source.replace(f"<{dtype}>", f"<{dtype}> {{dsv4.table = #dsv4.table<even>}}", 1)
    with pytest.raises(UserError, match=wanted):
        facts_of(first_function(parse_text(stated, "k.pto")))


def _one_hot(shape: tuple[int, int], lanes: Array, by_row: bool = False) -> Array:
    matrix = np.zeros(shape, np.float32)
    other = np.arange(len(lanes))
    matrix[(other, lanes) if by_row else (lanes, other)] = 1
    return matrix


N = np.arange(64)
SIGNS = np.where(N % 2 == 0, -1, 1).astype(np.float32)
DROPPED = selector_matrix("even", (64, 32))
DROPPED[48:] = 0


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        (_one_hot((64, 32), N[:32]), "picks lanes 0-31 of 64: a half split, not even/odd"),
        (_one_hot((64, 32), N[32:]), "picks lanes 32-63 of 64: a half split, not even/odd"),
        (_one_hot((32, 64), N[32:], True), "puts its lanes at 32-63 of 64: a half split, not even/odd"),
        (_one_hot((64, 16), N[::4]), "picks every fourth lane from 0 on, of 64, not even/odd"),
        (_one_hot((32, 64), N // 2), "repeats each lane, not even/odd"),
        (_one_hot((64, 64), N ^ 1) * SIGNS,
         "is the rotate selector but for the sign of its zeros: [0, 0] is -0"),
        (_one_hot((64, 64), (N + 32) % 64), "swaps the halves, not even/odd"),
        (np.eye(64, dtype=np.float32), "leaves lanes where they are, not even/odd"),
        (np.eye(64, dtype=np.float32) * 2,
         "leaves lanes where they are and scales them (lane 0 by 2), not even/odd"),
        (_one_hot((64, 32), N[31::-1]), "picks lanes 31 down to 0 of 64, not even/odd"),
        (DROPPED, "is not the even selector: [48, 24] is 0, not 1"),
        (np.where(EVEN == 0, np.float32(-0.0), 1),
         "is the even selector but for the sign of its zeros: [0, 1] is -0"),
        (np.ones((64, 32), np.float32), "is not one-hot: column 0 holds 64 numbers other than 0"),
        (np.zeros((64, 32), np.float32), "is not one-hot: column 0 holds no numbers other than 0"),
        (np.full((64, 32), np.nan, np.float32), "is not a select matrix: it holds Inf or NaN"),
        (np.zeros(64, np.float32), "is not a select matrix: it has shape 64"),
        (np.array([[3, 1, 2]], np.int32), "holds 3 1 2: none of the tables even, odd, swap, repeat"),
    ],
)  # fmt: skip
def test_what_other_matrices_do(matrix: Array, words: str, tmp_path: Path) -> None:
    """Nobody said what they are: they are no facts, stop nothing, and are noted for remarks."""
    assert recognise(matrix, matrix.shape, "s") is None
    assert describe(matrix) == words
    if matrix.ndim == 2:
        dtype = "i32" if matrix.dtype == np.int32 else "f32"
        rows, cols = matrix.shape
        np.savez(tmp_path / "in.npz", s=matrix)
        module = parse_text(kernel(f"!pto.ptr<{dtype}>", (rows, cols)), "k.pto")
        bind_arrays(module, str(tmp_path / "in.npz"))
        given = argument_attribute(first_function(module), 0, "dsv4.given")
        assert given == StringAttr(words)
        assert not facts_of(first_function(module))


@pytest.mark.parametrize("dtype", ["<u2", ">u2"])
def test_the_order_of_bytes_in_a_file_does_not_matter(dtype: str, tmp_path: Path) -> None:
    bits = EVEN.astype(ml_dtypes.bfloat16).view(np.uint16).astype(dtype)
    assert bind(kernel(), tmp_path / "in.npz", bits) == "#dsv4.selector<even>"


def product(text: str, path: Path, facts: str | None = None, **arrays: Array) -> list[str]:
    """What dsv4-select-to-lanes says about the kernel below with these facts."""
    module = parse_text(text, "k.pto")
    if facts is not None:
        path.write_text(facts)
    else:
        bits = {name: array.astype(ml_dtypes.bfloat16).view(np.uint16) for name, array in arrays.items()}
        write_npz(path, bits)
    with collect() as said:
        BindFactsPass(str(path)).apply(Context(), module)
        SelectToLanesPass().apply(Context(), module)
    return [entry.message for entry in said.entries if entry.outcome == "refused"]


def matmul(left: tuple[int, int], right: tuple[int, int]) -> str:
    (m, k), n = left, right[1]
    mat = "!pto.tile<mat, {}x{}xbf16, blayout=col_major, slayout=row_major>"
    tiles = {"l": f"!pto.tile<left, {m}x{k}xbf16, blayout=col_major, slayout=row_major>",
             "r": f"!pto.tile<right, {k}x{n}xbf16, slayout=col_major>"}  # fmt: skip
    acc = f"!pto.tile<acc, {m}x{n}xf32, blayout=col_major, slayout=row_major, fractal=1024>"
    lines = [f"%c{i} = arith.constant {i} : index" for i in sorted({0, 1, m, k, n})]
    for name, rows, cols, dtype in (("a", m, k, "bf16"), ("b", k, n, "bf16"), ("y", m, n, "f32")):
        view = f"!pto.tensor_view<?x?x{dtype}>"
        lines += [
            f"%{name}_view = pto.make_tensor_view %{name}, shape = [%c{rows}, %c{cols}], "
            f"strides = [%c{cols}, %c1] : {view}",
            f"%{name}_part = pto.partition_view %{name}_view, offsets = [%c0, %c0], "
            f"sizes = [%c{rows}, %c{cols}] : {view} -> !pto.partition_tensor_view<{rows}x{cols}x{dtype}>",
        ]
    for name, tile, rows, cols in (("a", "l", m, k), ("b", "r", k, n)):
        whole = mat.format(rows, cols)
        lines += [
            f"%{name}m = pto.tload "
            f"ins(%{name}_part : !pto.partition_tensor_view<{rows}x{cols}xbf16>) -> {whole}",
            f"%{name}{tile} = pto.tmov ins(%{name}m : {whole}) -> {tiles[tile]}",
        ]
    lines += [
        f"%p = pto.tmatmul ins(%al, %br : {tiles['l']}, {tiles['r']}) -> {acc}",
        f"pto.tstore ins(%p : {acc}) outs(%y_part : !pto.partition_tensor_view<{m}x{n}xf32>)",
        "return",
    ]
    header = "%a: !pto.ptr<bf16>, %b: !pto.ptr<bf16>, %y: !pto.ptr<f32>"
    return f"func.func @k({header}) {{\n" + "\n".join(lines) + "\n}\n"


def test_nobody_is_asked_for_what_was_given(tmp_path: Path) -> None:
    """A remark says what the array does instead, whatever its shape."""
    path = tmp_path / "in.npz"
    for matrix, words in (
        (_one_hot((64, 32), N[:32]), "picks lanes 0-31 of 64: a half split, not even/odd"),
        (_one_hot((64, 64), (N + 32) % 64), "swaps the halves, not even/odd"),
        (_one_hot((64, 16), N[::4]), "picks every fourth lane from 0 on, of 64, not even/odd"),
        (np.full((64, 32), 0.5, np.float32), "is not one-hot: column 0 holds 64 numbers other than 0"),
    ):
        assert product(matmul((16, 64), matrix.shape), path, b=matrix) == [
            f"'pto.tmatmul' stays: 'b' was given and {words}"
        ]
    assert product(matmul((16, 64), (64, 32)), path) == []  # named like any weights
    assert product(matmul((16, 64), (64, 32)).replace("%b", "%sel"), path) == [
        "'pto.tmatmul' stays: nothing is known about 'sel': if it is a select matrix, a fact allows the "
        'rewrite (--facts with sel = "even" or "odd", or with the real arrays)'
    ]


def test_a_selector_on_the_left_moves_rows(tmp_path: Path) -> None:
    text = matmul((16, 32), (32, 16))
    why = "'pto.tmatmul' stays: 'a' is a selector on the left, which moves rows: no form does that"
    assert product(text, tmp_path / "f.toml", 'a = "odd"') == [why]
    assert product(text, tmp_path / "in.npz", a=selector_matrix("even", (16, 32))) == [why]
