"""A mixed RoPE kernel in which the two vector sub-blocks share every tile: rows (split = 1) or columns (2).

It computes what `tests/data/rope_a` computes, from the same arguments. `x` [128, 64] is de-interleaved by the
cube, 32 rows per block; each sub-block rotates its half of both products and pushes it back; the cube puts
even and odd lanes together again, and each sub-block rounds and stores its half of the result.
"""

BLOCKS = 4
ARGUMENTS = ("x", "even_select", "odd_select", "cos", "sin", "out")
_NZ = "blayout=col_major, slayout=row_major"
_LAYOUTS = {
    "mat": f", {_NZ}",
    "zn": ", slayout=col_major",
    "left": f", {_NZ}",
    "right": ", slayout=col_major",
    "acc": f", {_NZ}, fractal=1024",
    "vec": "",
    "nz": f", {_NZ}",
}
_SHAPES = {"x": (128, 64), "even_select": (64, 32), "odd_select": (64, 32)}


def tile(kind: str, rows: int, cols: int, dtype: str) -> str:
    loc = {"zn": "mat", "nz": "vec"}.get(kind, kind)
    return f"!pto.tile_buf<{loc}, {rows}x{cols}x{dtype}{_LAYOUTS[kind]}>"


def kernel(split: int = 1, arch: str = "a2a3", parameter: bool = True) -> str:
    """The module as text. `parameter`: the sub-block's number is a parameter (pypto), or asked for."""
    slots = ", %slots: !pto.ptr<f32>" if arch == "a2a3" else ""
    names = ", ".join(f"%{name}: !pto.ptr<bf16>" for name in ARGUMENTS)
    shared = f"{names}{slots}, %__pypto_spmd_block_idx: i32, %__pypto_spmd_block_num: i32"
    number = ", %__pypto_spmd_subblock_idx: i32" if parameter else ""
    return f"""module attributes {{pto.target_arch = "{arch}"}} {{
func.func @halves_aic({shared}) attributes {{pto.kernel_kind = #pto.kernel_kind<cube>}} {{
{_cube(split, arch)}  return
}}
func.func @halves_aiv({shared}{number}) attributes {{pto.kernel_kind = #pto.kernel_kind<vector>}} {{
{_vector(split, arch, parameter)}  return
}}
}}
"""


class _Lines:
    """Text of one function: tiles are declared when they are written."""

    def __init__(self, arch: str):
        self.types: dict[str, str] = {}
        self.text = "".join(f"  %c{n} = arith.constant {n} : index\n" for n in (0, 1, 16, 32, 64, 128))
        self.text += "  %none = arith.constant 0 : i32\n"
        self.gm = "gm_slot_buffer = %slots : !pto.ptr<f32>, " if arch == "a2a3" else ""
        self.say("%block = arith.index_cast %__pypto_spmd_block_idx : i32 to index")
        self.say("%row = arith.muli %block, %c32 : index")
        for argument in ARGUMENTS:  # in both functions, as pypto does it
            self.view(argument)

    def say(self, line: str) -> None:
        self.text += f"  {line}\n"

    def make(self, name: str, type_: str) -> str:
        self.types[name] = type_
        self.say(f"%{name} = pto.alloc_tile : {type_}")
        return f"outs(%{name} : {type_})"

    def ins(self, names: str, extra: str = "") -> str:
        given = names.split()
        return f"ins({', '.join(f'%{n}' for n in given)}{extra} : {', '.join(self.types[n] for n in given)})"

    def op(self, what: str, names: str, name: str, type_: str, extra: str = "") -> None:
        destination = self.make(name, type_)
        self.say(f"pto.{what} {self.ins(names, extra)} {destination}")

    def view(self, argument: str, layout: str = "nd") -> None:
        rows, cols = _SHAPES.get(argument, (128, 64))
        shape, strides = f"%c{rows}, %c{cols}", f"%c{cols}, %c1"
        if layout == "dn":
            shape, strides = f"%c{cols}, %c{rows}", f"%c1, %c{cols}"
        self.say(
            f"%{argument}_{layout} = pto.make_tensor_view %{argument}, shape = [{shape}], "
            f"strides = [{strides}] {{layout = #pto.layout<{layout}>}} : !pto.tensor_view<?x?xbf16>"
        )

    def part(self, argument: str, rows: int, cols: int, at: str, layout: str = "nd") -> str:
        """A window on an argument; `at` its offsets."""
        type_ = f"!pto.partition_tensor_view<{rows}x{cols}xbf16>"
        self.say(
            f"%{argument}_{layout}_part = pto.partition_view %{argument}_{layout}, offsets = [{at}], "
            f"sizes = [%c{rows}, %c{cols}] : !pto.tensor_view<?x?xbf16> -> {type_}"
        )
        return f"%{argument}_{layout}_part : {type_}"

    def load(self, name: str, type_: str, part: str) -> None:
        destination = self.make(name, type_)
        self.say(f"pto.tload ins({part}) {destination}")

    def push(self, where: str, name: str, split: int) -> None:
        self.say(f"pto.tpush_to_{where}(%{name} : {self.types[name]}) {{split = {split}}}")

    def pop(self, where: str, name: str, type_: str, split: int) -> None:
        self.types[name] = type_
        self.say(f"%{name} = pto.tpop_from_{where} {{split = {split}}} -> {type_}")

    def free(self, where: str, split: int) -> None:
        self.say(f"pto.tfree_from_{where} {{split = {split}}}")


def _cube(split: int, arch: str) -> str:
    k = _Lines(arch)
    k.say(
        '%up = pto.reserve_buffer {name = "up", size = 32768, location = #pto.address_space<mat>, '
        "auto = false, base = 0} -> i32"
    )
    k.say('%down = pto.import_reserved_buffer {name = "down", peer_func = @halves_aiv} -> i32')
    k.say(
        f"pto.aic_initialize_pipe {{dir_mask = 3, slot_size = 8192}}({k.gm}c2v_consumer_buf = %down : i32, "
        "v2c_consumer_buf = %up : i32)"
    )
    k.load("x_mat", tile("mat", 32, 64, "bf16"), k.part("x", 32, 64, "%row, %c0"))
    k.op("tmov", "x_mat", "x_left", tile("left", 32, 64, "bf16"))
    for lane in ("even", "odd"):
        k.load(f"{lane}_mat", tile("mat", 64, 32, "bf16"), k.part(f"{lane}_select", 64, 32, "%c0, %c0"))
        k.op("tmov", f"{lane}_mat", f"{lane}_right", tile("right", 64, 32, "bf16"))
        k.op("tmatmul", f"x_left {lane}_right", lane, tile("acc", 32, 32, "f32"))
        k.push("aiv", lane, split)
    for lane in ("even", "odd"):
        k.view(f"{lane}_select", "dn")
        part = k.part(f"{lane}_select", 32, 64, "%c0, %c0", "dn")
        k.load(f"{lane}_back", tile("zn", 32, 64, "bf16"), part)
        k.op("tmov", f"{lane}_back", f"{lane}_back_right", tile("right", 32, 64, "bf16"))
        k.pop("aiv", f"rot_{lane}", tile("mat", 32, 32, "bf16"), split)
        k.op("tmov", f"rot_{lane}", f"rot_{lane}_left", tile("left", 32, 32, "bf16"))
        k.free("aiv", split)
    acc = tile("acc", 32, 64, "f32")
    k.op("tmatmul", "rot_even_left even_back_right", "whole", acc)
    k.say(f"pto.tmatmul.acc {k.ins('whole rot_odd_left odd_back_right')} outs(%whole : {acc})")
    k.push("aiv", "whole", split)
    return k.text


def _vector(split: int, arch: str, parameter: bool) -> str:
    k = _Lines(arch)
    rows, cols = (16, 32) if split == 1 else (32, 16)
    asked, source = "%__pypto_spmd_subblock_idx", "i32"
    if not parameter:
        asked, source = "%asked", "i64"
        k.say("%asked = pto.get_subblock_idx")
    k.say(f"%half = arith.index_cast {asked} : {source} to index")
    k.say('%up = pto.import_reserved_buffer {name = "up", peer_func = @halves_aic} -> i32')
    k.say(
        '%down = pto.reserve_buffer {name = "down", size = 32768, location = #pto.address_space<vec>, '
        "auto = false, base = 0} -> i32"
    )
    k.say(
        f"pto.aiv_initialize_pipe {{dir_mask = 3, slot_size = 8192}}({k.gm}c2v_consumer_buf = %down : i32, "
        "v2c_consumer_buf = %up : i32)"
    )
    k.say("%half16 = arith.muli %half, %c16 : index")
    k.say("%half32 = arith.muli %half, %c32 : index")
    k.say("%half_row = arith.addi %row, %half16 : index")
    at, out = ("%half_row, %c0", "%half_row, %c0") if split == 1 else ("%row, %half16", "%row, %half32")
    single, rounded = tile("vec", rows, cols, "f32"), tile("vec", rows, cols, "bf16")
    for table in ("cos", "sin"):
        k.load(f"{table}_half", rounded, k.part(table, rows, cols, at))
        k.op("tcvt", f"{table}_half", f"{table}_wide", single, " {rmode = #pto<round_mode ROUND>}")
    k.pop("aic", "even", single, split)
    k.pop("aic", "odd", single, split)
    for lane, (first, second, merge) in {
        "even": ("cos", "sin", "tsub"),
        "odd": ("sin", "cos", "tadd"),
    }.items():
        k.op("tmul", f"even {first}_wide", f"{lane}_a", single)
        k.op("tmul", f"odd {second}_wide", f"{lane}_b", single)
        k.op(merge, f"{lane}_a {lane}_b", f"{lane}_sum", single)
        k.op("tcvt", f"{lane}_sum", f"{lane}_back", rounded, " {rmode = #pto<round_mode RINT>}")
    k.free("aic", split)
    k.free("aic", split)
    for lane in ("even", "odd"):
        pushed = f"{lane}_back"
        if arch == "a5":  # what goes into mat memory has its layout before
            pushed = f"{lane}_nz"
            k.op("tmov", f"{lane}_back", pushed, tile("nz", rows, cols, "bf16"))
        k.push("aic", pushed, split)
    k.pop("aic", "whole", tile("vec", rows if split == 1 else 32, 64 if split == 1 else 32, "f32"), split)
    stored = tile("vec", rows if split == 1 else 32, 64 if split == 1 else 32, "bf16")
    k.op("tcvt", "whole", "rounded", stored, " {rmode = #pto<round_mode RINT>}")
    k.free("aic", split)
    part = k.part("out", rows if split == 1 else 32, 64 if split == 1 else 32, out)
    k.say(f"pto.tstore {k.ins('rounded')} outs({part})")
    return k.text
