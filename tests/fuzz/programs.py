"""Random whole programs that hand a rotation from kernel to kernel through tensors.

A first kernel takes lanes apart and rotates them, the next ones put them together, scale, round and write
them, in grids and loops of their own; some read other rows, some write in place, some are launched twice or
on tensors that alias, and the facts about select matrices are true of some matrices only.
"""

# ruff: noqa: E501  (types make long lines)

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

DTYPES = {"f32": "FP32", "bf16": "BF16"}
MODES = ("rint", "rint", "rint", "round", "floor", "trunc")
INCORE = "@pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)"
MAIN = "@pl.function(type=pl.FunctionType.Orchestration, level=pl.Level.CHIP, role=pl.Role.Orchestrator)"


@dataclass
class Kernel:
    """One kernel as it is written: what it takes, and the lines of its body."""

    name: str
    blocks: int
    reads: list[str]
    writes: list[str]
    inout: bool
    lines: list[str] = field(default_factory=list)


@dataclass
class Programs:
    """Writes one program; every tensor has `tokens` rows or, as a matrix, the width of a half."""

    random: Random
    tensors: dict[str, tuple[int, int, str]] = field(default_factory=dict)
    kernels: list[Kernel] = field(default_factory=list)
    count: int = 0
    space: str = "        "

    def __post_init__(self) -> None:
        self.tokens = self.random.choice((32, 64))
        self.wide = self.random.choice((32, 64))
        self.half = self.wide // 2

    def maybe(self, chance: float) -> bool:
        return self.random.random() < chance

    # -- tiles ---------------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        self.kernels[-1].lines.append(self.space + text)

    def tile(self, rows: int, cols: int, dtype: str, text: str, mem: str = "Vec") -> str:
        self.count += 1
        name = f"t{self.count}__tile"
        self.say(f"{name}: pl.Tile[[{rows}, {cols}], pl.{DTYPES[dtype]}, pl.Mem.{mem}] = pl.tile.{text}")
        return name

    def load(
        self, name: str, row: str, col: int, rows: int, cols: int, mem: str = "Vec", turned: bool = False
    ) -> str:
        if name not in (kernel := self.kernels[-1]).reads and name not in kernel.writes:
            kernel.reads.append(name)
        where = f"{name}__ssa_v0, [{row}, {col}], [{rows}, {cols}], [{rows}, {cols}]"
        text = f"load({where}, target_memory=pl.Mem.{mem}, transpose={turned})"
        return self.tile(rows, cols, self.tensors[name][2], text, mem)

    def loaded(self, name: str, row: str, col: int, rows: int, cols: int) -> str:
        """As f32."""
        found = self.load(name, row, col, rows, cols)
        return found if self.tensors[name][2] == "f32" else self.cast(found, rows, cols, "f32")

    def cast(self, tile: str, rows: int, cols: int, dtype: str, mode: str = "") -> str:
        mode = mode or self.random.choice(MODES)
        return self.tile(rows, cols, dtype, f"cast({tile}, target_type=pl.{DTYPES[dtype]}, mode='{mode}')")

    def store(self, tile: str, name: str, row: str, col: int) -> None:
        rows, cols, dtype = self.tensors[name]
        kernel = self.kernels[-1]
        versions = [line for line in kernel.lines if line.strip().startswith(f"{name}__ssa_v")]
        self.say(
            f"{name}__ssa_v{len(versions) + 1}: pl.Tensor[[{rows}, {cols}], pl.{DTYPES[dtype]}] = "
            f"pl.tile.store({tile}, [{row}, {col}], {name}__ssa_v{len(versions)})"
        )

    # -- kernels -------------------------------------------------------------------------------------

    def kernel(self, writes: Sequence[str], rows: int) -> str:
        """Begin a kernel over blocks of that many rows; its first row."""
        missing = int(rows < self.tokens and self.maybe(0.1))
        blocks = self.tokens // rows - missing
        self.kernels.append(Kernel(f"k{len(self.kernels)}", blocks, [], list(writes), self.maybe(0.15)))
        self.say("block: pl.Scalar[pl.INDEX] = pl.tile.get_block_idx()")
        skew = " + 1" if missing and self.maybe(0.5) else ""
        self.say(f"row: pl.Scalar[pl.INDEX] = block * {rows}{skew}")
        return "row"

    def tensor(self, cols: int, dtype: str, rows: int = 0, name: str = "") -> str:
        name = name or f"x{len(self.tensors)}"
        self.tensors[name] = (rows or self.tokens, cols, dtype)
        return name

    def selector(self, parity: int) -> str:
        name = ("even_select", "odd_select")[parity]
        self.tensors[name] = (self.half, self.wide, "bf16")
        return name

    def apart(self, source: str, row: str, rows: int) -> list[str]:
        if self.tensors[source][2] == "bf16" and self.maybe(0.5):
            x = self.load(source, row, 0, rows, self.wide, "Mat")
            found: list[str] = []
            for parity in (0, 1):
                name = ("even_pick", "odd_pick")[parity]
                self.tensors[name] = (self.wide, self.half, "bf16")
                matrix = self.load(name, "0", 0, self.wide, self.half, "Mat")
                found.append(self.tile(rows, self.half, "f32", f"matmul({x}, {matrix})", "Acc"))
            return found
        x = self.loaded(source, row, 0, rows, self.wide)
        if self.maybe(0.2):
            x = self.tile(rows, self.wide, "f32", f"neg({x})")
        return [self.tile(rows, self.half, "f32", f"gather_mask({x}, mask_pattern={p})") for p in (1, 2)]

    def rotate(self, source: str, mem_dtype: str) -> str:
        """Take apart and rotate: halves side by side in a stage."""
        rows = self.random.choice((16, 16, 32))
        stage = self.tensor(self.wide, mem_dtype)
        row = self.kernel([stage], rows)
        e, o = self.apart(source, row, rows)
        c, s = (self.loaded(n, row, 0, rows, self.half) for n in ("cos", "sin"))
        mul = [
            self.tile(rows, self.half, "f32", f"mul({a}, {b})") for a, b in ((e, c), (o, s), (e, s), (o, c))
        ]
        names = ("sub", "add") if self.maybe(0.5) else ("add", "sub")
        turned = [
            self.tile(rows, self.half, "f32", f"{names[0]}({mul[0]}, {mul[1]})"),
            self.tile(rows, self.half, "f32", f"{names[1]}({mul[2]}, {mul[3]})"),
        ]
        for number, tile in enumerate(turned):
            if mem_dtype == "bf16":
                tile = self.cast(tile, rows, self.half, "bf16")
            self.store(tile, stage, row, number * self.half)
        return stage

    def join(self, stage: str) -> str:
        """Put halves together by products, into another tensor."""
        rows = self.random.choice((16, 16, 32))
        joined = self.tensor(self.wide, self.random.choice(("f32", "f32", "bf16")))
        row = self.kernel([joined], rows)
        order = (1, 0) if self.maybe(0.1) else (0, 1)
        acc = ""
        for number, parity in enumerate(order):
            name = self.selector(parity)
            if self.tensors[stage][2] == "bf16":
                half = self.load(stage, row, number * self.half, rows, self.half, "Mat")
            else:
                tile = self.load(stage, row, number * self.half, rows, self.half)
                half = self.cast(tile, rows, self.half, "bf16")
            matrix = self.load(name, "0", 0, self.half, self.wide, "Mat")
            text = f"matmul_acc({acc}, {half}, {matrix})" if acc else f"matmul({half}, {matrix})"
            acc = self.tile(rows, self.wide, "f32", text, "Acc")
        self.store(acc, joined, row, 0)
        return joined

    def scatter(self, stage: str) -> str:
        """Put halves together by mask scatters."""
        rows = self.random.choice((16, 32))
        joined = self.tensor(self.wide, "f32")
        row = self.kernel([joined], rows)
        whole = ""
        for number in (0, 1):
            half = self.loaded(stage, row, number * self.half, rows, self.half)
            zero = self.tile(rows, self.wide, "f32", f"full([{rows}, {self.wide}], dtype=pl.FP32, value=0.0)")
            pattern = number + 1
            lanes = self.tile(rows, self.wide, "f32", f"scatter_mask({zero}, {half}, mask_pattern={pattern})")
            whole = self.tile(rows, self.wide, "f32", f"add({whole}, {lanes})") if whole else lanes
        self.store(whole, joined, row, 0)
        return joined

    def work(self, source: str, dtype: str) -> str:
        """Elementwise, perhaps of two tensors or onto what is there already."""
        rows = self.random.choice((8, 16, 32))
        out = self.tensor(self.wide, dtype)
        row = self.kernel([out], rows)
        x = self.loaded(source, row, 0, rows, self.wide)
        kind = self.random.randrange(4)
        if kind == 0:
            other = self.random.choice(
                [n for n, t in self.tensors.items() if t[:2] == (self.tokens, self.wide)]
            )
            if other != out:
                x = self.tile(
                    rows, self.wide, "f32", f"add({x}, {self.loaded(other, row, 0, rows, self.wide)})"
                )
        elif kind == 1:
            x = self.tile(rows, self.wide, "f32", f"muls({x}, {self.random.choice((1.0, 0.5, -1.0))})")
        if dtype == "bf16":
            x = self.cast(x, rows, self.wide, "bf16")
        self.store(x, out, row, 0)
        return out

    # -- the program ---------------------------------------------------------------------------------

    def text(self) -> str:
        source = self.tensor(self.wide, self.random.choice(("f32", "bf16")), name="x")
        for name in ("cos", "sin"):
            self.tensor(self.half, self.random.choice(("f32", "bf16")), name=name)
        inputs = ["x", "cos", "sin"]
        if self.maybe(0.3):
            source = self.work(source, self.random.choice(("f32", "bf16")))
        stage = self.rotate(source, self.random.choice(("f32", "bf16", "bf16")))
        joined = (self.join if self.maybe(0.75) else self.scatter)(stage)
        last = self.work(joined, "bf16") if self.maybe(0.8) else joined
        if self.maybe(0.2):
            last = self.work(last, "f32")
        outputs = [last, *([stage] if self.maybe(0.15) else []), *([joined] if self.maybe(0.1) else [])]
        inputs += [n for n in self.tensors if n.endswith(("select", "pick"))]
        return self.written(inputs, list(dict.fromkeys(outputs)))

    def type(self, name: str) -> str:
        rows, cols, dtype = self.tensors[name]
        return f"pl.Tensor[[{rows}, {cols}], pl.{DTYPES[dtype]}]"

    def written(self, inputs: Sequence[str], outputs: Sequence[str]) -> str:
        lines = ["# pypto.program: p", "import pypto.language as pl", "", "@pl.program", "class p:"]
        for kernel in self.kernels:
            (out,) = kernel.writes
            direction = "InOut" if kernel.inout else "Out"
            given = ", ".join(
                [f"{out}__ssa_v0: pl.{direction}[{self.type(out)}]"]
                + [f"{n}__ssa_v0: {self.type(n)}" for n in kernel.reads]
            )
            last = sum(line.strip().startswith(f"{out}__ssa_v") for line in kernel.lines)
            head = f"    def {kernel.name}"
            lines += [f"    {INCORE}", f"{head}({given}) -> {self.type(out)}:", *kernel.lines]
            lines += [f"        return {out}__ssa_v{last}"]
            names = ", ".join(f"{n}__ssa_v0" for n in (out, *kernel.reads))
            lines += [
                f'    @pl.function(type=pl.FunctionType.Spmd, attrs={{"core_num": {kernel.blocks}}})',
                f"{head}_spmd(self, {given}) -> {self.type(out)}:",
                f"        {out}__rv_v1: {self.type(out)} = self.{kernel.name}({names})",
                f"        return {out}__rv_v1",
            ]
        given = ", ".join(
            [f"{n}__ssa_v0: {self.type(n)}" for n in inputs]
            + [f"{n}__ssa_v0: pl.InOut[{self.type(n)}]" for n in outputs]
        )
        returned = ", ".join(self.type(n) for n in outputs)
        returned = returned if len(outputs) == 1 else f"tuple[{returned}]"
        lines += [f"    {MAIN}", f"    def p_main(self, {given}) -> {returned}:"]
        versions = {n: 0 for n in self.tensors}
        made: list[str] = []
        for kernel in self.kernels:
            (out,) = kernel.writes
            if out not in outputs:
                rows, cols, dtype = self.tensors[out]
                text = (
                    f"pl.tensor.create([{rows}, {cols}], dtype=pl.{DTYPES[dtype]}, layout=pl.TensorLayout.ND)"
                )
                lines.append(f"        {out}__ssa_v0: {self.type(out)} = {text}")
            for _ in range(2 if self.maybe(0.1) else 1):
                there = [*inputs, *(o for o in outputs if o not in inputs), *made]
                names = self.passed(lines, [out, *kernel.reads], there, versions)
                versions[out] += 1
                lines.append(
                    f"        {out}__ssa_v{versions[out]}: {self.type(out)} = self.{kernel.name}_spmd({names})"
                )
            made.append(out)
        return "\n".join(
            [*lines, f"        return {', '.join(f'{n}__ssa_v{versions[n]}' for n in outputs)}", ""]
        )

    def passed(
        self, lines: list[str], names: Sequence[str], there: Sequence[str], versions: dict[str, int]
    ) -> str:
        """What a launch is given: now and then one tensor twice, or a view of one."""
        found = [f"{n}__ssa_v{versions[n]}" for n in names]
        if len(names) > 1 and self.maybe(0.12):
            at = self.random.randrange(1, len(names))
            alike = [n for n in (names[0], *there) if self.tensors[n] == self.tensors[names[at]]]
            found[at] = f"{(other := self.random.choice(alike))}__ssa_v{versions[other]}"
        if self.maybe(0.12):
            at = self.random.randrange(len(names))
            rows, cols, _ = self.tensors[names[at]]
            self.count += 1
            view, shape = f"view{self.count}__ssa_v0", f"[{rows}, {cols}]"
            how = self.random.choice(
                (f"reshape({found[at]}, {shape})", f"slice({found[at]}, {shape}, [0, 0])")
            )
            lines.append(f"        {view}: {self.type(names[at])} = pl.tensor.{how}")
            found[at] = view
        return ", ".join(found)


def program(random: Random) -> str:
    return Programs(random).text()
