"""A kernel as program text: memory, loops and branches. `pypto_tiles` has the tile operations.

A store yields a new version of its tensor in the text, so a loop or branch that stores carries the tensor,
which in the IR is one pointer all along.
"""

from collections.abc import Callable, Sequence
from typing import Any

from xdsl.dialects import arith, func, scf
from xdsl.ir import Block, Operation, SSAValue

from dialects.dsv4.functions import argument_attributes, hidden_argument, parameters, returned, written
from dialects.dsv4.opaque import TextCallOp, TextType
from dialects.pto.elements import element_name
from dialects.pto.memory import (
    LoadScalarOp,
    MakeTensorViewOp,
    PartitionViewOp,
    StoreScalarOp,
    TLoadOp,
    TStoreOp,
    constant_int,
)
from dialects.pto.types import TileType
from dsv4_passes.formats.pypto.grammar.types import (
    DTYPE_NAMES,
    MEMORY_NAMES,
    ScalarText,
    TensorText,
    exchanged,
)

from .text import declared_text, loop_words, parameter_text, returns_text
from .tiles import TILE_TEXTS, TileWriter, write_tile_op

_UNWRITTEN = (arith.ConstantOp, MakeTensorViewOp, PartitionViewOp, scf.YieldOp, func.ReturnOp)
"""Operations that have no line of their own."""

INCORE = "type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker"


class KernelText(TileWriter):
    """Writes one kernel."""

    def __init__(self, function: func.FuncOp):
        super().__init__()
        self.function = function
        self.tensors: dict[SSAValue, TensorText] = {}
        self.versions: dict[SSAValue, str] = {}
        self.writers: dict[type[Operation], Callable[[Any], None]] = {
            scf.ForOp: self.loop,
            scf.IfOp: self.branch,
            TLoadOp: self.load,
            TStoreOp: self.store,
            LoadScalarOp: self.read,
            StoreScalarOp: self.write_element,
            TextCallOp: self.opaque,
        }
        self.numbers: dict[SSAValue, str] = {
            argument: call
            for kind, call in (("block_idx", "get_block_idx"), ("block_num", "get_block_num"))
            if (argument := hidden_argument(function, kind)) is not None
        }

    # -- the function ----------------------------------------------------------------------------

    def write(self) -> list[str]:
        self.reserve(self.function)
        texts: list[str] = []
        arguments = self.function.body.block.args
        for parameter in parameters(self.function):
            argument = arguments[parameter.index]
            if parameter.hidden is not None:
                if parameter.hidden == "dim":
                    self.parameter(parameter, argument)
                continue
            declared = declared_text(parameter, argument_attributes(self.function, parameter.index))
            name = self.parameter(parameter, argument)
            if isinstance(declared, TensorText):
                self.tensors[argument] = declared
                self.versions[argument] = name
            texts.append(parameter_text(parameter, declared))
        self.indent = 1
        decorator = self.function.attributes.get("dsv4.decorator")
        self.line(f"@pl.function({getattr(decorator, 'data', INCORE)})")
        results = returns_text([self.returned_text(v) for v in self.returned_values()])
        self.line(f"def {self.function.sym_name.data}({', '.join(texts)}){results}:")
        self.indent = 2
        body = self.function.body.block
        self.block(body)
        values = [self.versions.get(v) or self.scalar(v) for v in self.returned_values()]
        if values:
            self.line(f"return {', '.join(values)}")
        elif len(self.lines) == 2:
            self.line("pass")
        return self.lines

    def returned_values(self) -> list[SSAValue]:
        """What the text returns: tensors by their arguments, and scalars."""
        outputs: list[SSAValue] = [self.function.body.block.args[p.index] for p in written(self.function)]
        last = self.function.body.block.last_op
        values = [*outputs, *(last.operands if isinstance(last, func.ReturnOp) else ())]
        return [values[number] for number in returned(self.function)]

    def returned_text(self, value: SSAValue) -> TensorText | ScalarText:
        return self.tensors.get(value) or ScalarText(element_name(value.type))

    # -- operations ------------------------------------------------------------------------------

    def block(self, block: Block) -> None:
        for op in block.ops:
            if not isinstance(op, _UNWRITTEN):
                self.operation(op)

    def operation(self, op: Operation) -> None:
        writer = self.writers.get(type(op))
        if isinstance(op, arith.IndexCastOp) and self.is_core_number(op.input):
            self.core_number(op)
        elif writer is not None:
            writer(op)
        elif self.is_scalar_op(op):
            self.scalar_statement(op)
        elif op.name == "pto.get_subblock_idx":
            self.check_only_cast(op)
        else:
            TILE_TEXTS.get(type(op), write_tile_op)(self, op)

    def is_core_number(self, value: SSAValue) -> bool:
        """The number of a block, or of the half of a core pair."""
        owner = value.owner
        return value in self.numbers or (
            isinstance(owner, Operation) and owner.name == "pto.get_subblock_idx"
        )

    def core_number(self, op: arith.IndexCastOp) -> None:
        call = self.numbers.get(op.input, "get_subblock_idx")
        self.line(f"{self.name(op.result, 'block__ssa_v0')}: pl.Scalar[pl.INDEX] = pl.tile.{call}()")

    def check_only_cast(self, op: Operation) -> None:
        if any(not isinstance(u.operation, arith.IndexCastOp) for u in op.results[0].uses):
            self.fail(op, f"{op.name} that is not an index")

    # -- memory ----------------------------------------------------------------------------------

    def pointer(self, value: SSAValue, op: Operation) -> SSAValue:
        """The tensor argument that a view or pointer is of."""
        while isinstance(value.owner, PartitionViewOp | MakeTensorViewOp):
            value = value.owner.operands[0]
        if value not in self.tensors:
            self.fail(op, "it accesses memory that is no tensor of the program")
        return value

    def partition(self, value: SSAValue, op: Operation) -> tuple[PartitionViewOp, MakeTensorViewOp]:
        box = value.owner
        view = box.source.owner if isinstance(box, PartitionViewOp) else None
        if not isinstance(box, PartitionViewOp) or not isinstance(view, MakeTensorViewOp):
            self.fail(op, "it accesses memory through something else than a view of a tensor")
        return box, view

    def load(self, op: TLoadOp) -> None:
        box, view = self.partition(op.ins[0], op)
        tensor = self.pointer(view.ptr, op)
        transposed = self.is_transposed(view, self.tensors[tensor], op)
        result = op.res[0]
        text = self.texts.text(result)
        shape = [str(extent) for extent in text.shape]
        offsets = [self.scalar(v) for v in box.offsets]
        valid = [self.scalar(v) for v in box.sizes]
        shape = ["1"] * (len(valid) - len(shape)) + shape
        if transposed:
            shape, offsets, valid = exchanged(shape), exchanged(offsets), exchanged(valid)
        lists = ", ".join(f"[{', '.join(part)}]" for part in (offsets, shape, valid))
        how = f"target_memory=pl.Mem.{MEMORY_NAMES[text.memory]}, transpose={transposed}"
        self.tile(result, f"pl.tile.load({self.versions[tensor]}, {lists}, {how})")

    def is_transposed(self, view: MakeTensorViewOp, text: TensorText, op: Operation) -> bool:
        """Rows and columns of the tensor are exchanged in the view; any other view has no text."""
        dims = [self.scalar(v) for v in view.shape]
        declared = [str(dim) for dim in text.dims]
        strides = [constant_int(v) for v in view.strides]
        if dims == declared and (strides[-1] == 1 or declared[-1] == "1"):
            return False
        if len(dims) > 1 and dims == exchanged(declared) and strides[-2] == 1:
            return True
        self.fail(op, f"a view of [{', '.join(dims)}] of a tensor of [{', '.join(declared)}]")

    def store(self, op: TStoreOp) -> None:
        box, view = self.partition(op.outs[0], op)
        tensor = self.pointer(view.ptr, op)
        more = op.properties.keys() - {"operandSegmentSizes"}
        if more or self.is_transposed(view, self.tensors[tensor], op):
            self.fail(op, "a store that does more than copy")
        source = self.tile_name(op.ins[0])
        text = f"pl.tile.store({source}, {self.index_list(box.offsets)}, {self.versions[tensor]})"
        self.version(tensor, text)

    def version(self, tensor: SSAValue, text: str) -> None:
        """A line that makes a new version of a tensor."""
        name = self.names.version(self.versions[tensor])
        self.line(f"{name}: {self.tensors[tensor].text()} = {text}")
        self.versions[tensor] = name

    def element(self, pointer: SSAValue, offset: SSAValue, op: Operation) -> tuple[SSAValue, str]:
        """A tensor and the indices of one of its elements, from an offset in elements."""
        tensor = self.pointer(pointer, op)
        dims = self.tensors[tensor].dims
        indices: list[str] = []
        rest: SSAValue | int = offset if (number := constant_int(offset)) is None else number
        for dim in reversed(dims[1:]):
            rest, last = self.split(rest, dim)
            indices.insert(0, last)
        indices.insert(0, str(rest) if isinstance(rest, int) else self.scalar(rest))
        return tensor, f"[{', '.join(indices)}]"

    def split(self, offset: SSAValue | int, dim: int | str) -> tuple[SSAValue | int, str]:
        """`offset = rows * dim + last`, read off how it is computed where it is."""
        if isinstance(offset, int):
            if isinstance(dim, int):
                rows, last = divmod(offset, dim)
                return rows, str(last)
            return 0, str(offset)
        match offset.owner:
            case arith.AddiOp(lhs=left, rhs=right) if (rows := self.scaled(left, dim)) is not None:
                return rows, self.scalar(right)
            case arith.AddiOp(lhs=left, rhs=right) if (base := constant_int(left)) and isinstance(dim, int):
                if base % dim == 0:
                    return base // dim, self.scalar(right)
                return 0, self.scalar(offset)
            case _:
                if (rows := self.scaled(offset, dim)) is not None:
                    return rows, "0"
                return 0, self.scalar(offset)

    def scaled(self, value: SSAValue, dim: int | str) -> SSAValue | None:
        """The `rows` of `rows * dim`."""
        op = value.owner
        if value in self.values or not isinstance(op, arith.MuliOp) or self.scalar(op.rhs) != str(dim):
            return None
        return op.lhs

    def read(self, op: LoadScalarOp) -> None:
        tensor, indices = self.element(op.ptr, op.offset, op)
        annotation = f"pl.Scalar[pl.{DTYPE_NAMES[self.tensors[tensor].dtype]}]"
        text = f"pl.tensor.read({self.versions[tensor]}, {indices})"
        self.line(f"{self.name(op.res, 'value__ssa_v0')}: {annotation} = {text}")

    def write_element(self, op: StoreScalarOp) -> None:
        tensor, indices = self.element(op.ptr, op.offset, op)
        self.line(f"pl.tensor.write({self.versions[tensor]}, {indices}, {self.scalar(op.value)})")

    # -- loops and branches ----------------------------------------------------------------------

    def loop(self, op: scf.ForOp) -> None:
        carried = self.stored(op)
        bounds = self.bounds(op.lb, op.ub, op.step)
        starts = [self.versions[t] for t in carried] + [self.operand(v) for v in op.iter_args]
        word, stage, options = loop_words(op)
        block = op.body.block
        variable = self.name(block.args[0], "i__idx_v0")
        for tensor in carried:
            self.versions[tensor] = self.names.version(self.versions[tensor], "iter")
        iters = [self.versions[t] for t in carried] + [self.name(a, "carry__iter_v1") for a in block.args[1:]]
        target, inits = variable, ""
        if iters:
            target = f"{variable}, ({', '.join(iters)}{',' if len(iters) == 1 else ''})"
            inits = f", init_values=({', '.join(starts)}{',' if len(starts) == 1 else ''})"
        self.line(f"for {target} in pl.{word}({bounds}{stage}{inits}{options}):")
        self.region(block, op, carried)

    def region(self, block: Block, op: scf.ForOp | scf.IfOp, carried: Sequence[SSAValue]) -> None:
        """The body of a loop, whose yield names what the loop leaves."""
        self.indent += 1
        before = len(self.lines)
        self.block(block)
        self.yields(block, [self.names.version(self.versions[t], "rv") for t in carried], op, carried)
        if len(self.lines) == before:
            self.line("pass")
        self.indent -= 1

    def yields(
        self, block: Block, names: Sequence[str], op: scf.ForOp | scf.IfOp, carried: Sequence[SSAValue]
    ) -> None:
        """`a, b = pl.yield_(x, y)`: tensors first."""
        last = block.last_op
        passed = list(last.operands) if isinstance(last, scf.YieldOp) else []
        values = [self.versions[t] for t in carried] + [self.operand(v) for v in passed]
        for tensor, name in zip(carried, names, strict=True):
            self.versions[tensor] = name
        targets = [*names, *(self.result_name(r) for r in op.results)]
        if not targets:
            return
        annotation = ""
        if len(targets) == 1:
            if carried:
                annotation = f": {self.tensors[carried[0]].text()}"
            elif isinstance(op.results[0].type, TileType):
                annotation = f": {self.annotation(op.results[0])}"
            else:
                annotation = f": pl.Scalar[pl.{self.dtype(op.results[0].type, op)}]"
        self.line(f"{', '.join(targets)}{annotation} = pl.yield_({', '.join(values)})")

    def result_name(self, value: SSAValue) -> str:
        return self.values.get(value) or self.name(value, "result__rv_v1")

    def operand(self, value: SSAValue) -> str:
        return self.tile_name(value) if isinstance(value.type, TileType) else self.scalar(value)

    def branch(self, op: scf.IfOp) -> None:
        carried = self.stored(op)
        self.line(f"if {self.scalar(op.cond)}:")
        before = dict(self.versions)
        names: list[str] = []
        for number, region in enumerate(op.regions):
            block = region.block if region.blocks else Block()
            if number == 1:
                if not carried and not op.results and len(list(block.ops)) <= 1:
                    return
                self.versions = before
                self.line("else:")
            self.indent += 1
            count = len(self.lines)
            self.block(block)
            names = names or [self.names.version(self.versions[t], "rv") for t in carried]
            self.yields(block, names, op, carried)
            if len(self.lines) == count:
                self.line("pass")
            self.indent -= 1

    def stored(self, op: Operation) -> list[SSAValue]:
        """Tensors of which something inside makes a version, in argument order."""
        found: set[SSAValue] = set()
        for inner in op.walk():
            if isinstance(inner, TStoreOp):
                found.add(self.pointer(inner.outs[0], inner))
            elif isinstance(inner, TextCallOp):
                found.update(v for v in inner.versions if v is not None)
        return [t for t in self.tensors if t in found]

    # -- text ------------------------------------------------------------------------------------

    def opaque(self, op: TextCallOp) -> None:
        names = [self.versions[v] if v in self.tensors else self.operand(v) for v in op.args]
        text, annotation = (part.data.format(*names) for part in (op.text, op.annotation))
        if annotation.startswith("pl.Tuple"):
            self.several(op, annotation, text)
        elif not op.versions:
            self.line(text)
        elif not annotation:  # as it was read: with names, and nothing about their types
            self.line(f"{', '.join(self.name(result, 't__tile') for result in op.res)} = {text}")
        elif (tensor := op.versions[0]) is not None:
            self.version(tensor, text)
        else:
            self.line(f"{self.name(op.res[0], 't__tile')}: {annotation} = {text}")

    def several(self, op: TextCallOp, annotation: str, text: str) -> None:
        """A call that yields a tuple, and its parts."""
        whole = self.names.fresh("ret__tmp_v0")
        self.line(f"{whole}: {annotation} = {text}")
        results = iter(op.res)
        for number, tensor in enumerate(op.versions):
            if tensor is not None:
                self.version(tensor, f"{whole}[{number}]")
                continue
            result = next(results)
            if isinstance(result.type, TextType):
                declared = result.type.data
            elif isinstance(result.type, TileType):
                declared = self.annotation(result)
            else:
                declared = f"pl.Scalar[pl.{self.dtype(result.type, op)}]"
            self.line(f"{self.name(result, 't__tile')}: {declared} = {whole}[{number}]")
