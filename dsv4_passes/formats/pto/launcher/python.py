"""A launcher in Python."""

import ast
from collections.abc import Iterator, Sequence
from typing import Any

from .steps import BYTES, Json, Launcher


class Python(Launcher):
    def function(self, function: Json) -> Iterator[str]:
        taken = ", ".join(self.name(parameter["name"]) for parameter in function["parameters"])
        yield f"def {function['name']}(runtime, {taken}):"
        yield "    owned = []"
        yield ""
        yield "    def create(element, shape):"
        yield "        owned.append(runtime.allocate(element * prod(shape)))"
        yield "        return Tensor(owned[-1], element, shape)"
        yield ""
        for extent, source in self.open_extents(function):
            yield f"    {extent} = {source}"
        yield "    try:"
        yield from self.steps(function["steps"], "        ")
        if not function["steps"]:
            yield "        pass"
        yield "    finally:"
        yield "        for data in owned:"
        yield "            runtime.release(data)"

    def number(self, text: Any) -> str:
        tree = ast.parse(str(text), mode="eval")
        for node in ast.walk(tree):
            if isinstance(node, ast.Name):
                node.id = self.name(node.id)
        return ast.unparse(tree)

    def shape(self, extents: Sequence[Any]) -> str:
        return f"[{', '.join(map(self.number, extents))}]"

    def passed(self, text: str, dtype: str) -> str:
        return text

    def created(self, element: int, extents: Sequence[Any]) -> str:
        return f"create({element}, {self.shape(extents)})"

    def known(self, hidden: str) -> str:
        return {"block_idx": "runtime.BLOCK_INDEX", "block_num": "runtime.BLOCK_COUNT"}[hidden]

    def create_(self, step: Json) -> Iterator[str]:
        yield f"{self.name(step['create'])} = {self.created(BYTES.get(step['dtype'], 1), step['shape'])}"

    def launch_(self, step: Json) -> Iterator[str]:
        core, blocks = self.kernels[step["launch"]]["core"].upper(), self.number(step.get("blocks", 1))
        arguments = ", ".join(self.arguments(step))
        yield f"runtime.launch({step['launch']!r}, Core.{core}, {blocks}, [{arguments}])"

    def assemble_(self, step: Json) -> Iterator[str]:
        piece = self.tensor(step["assemble"])
        into = f"{self.tensor(step['into'])}.slice({self.shape(step['offsets'])}, {piece}.shape)"
        yield f"runtime.copy({into}, {piece})"

    def read_(self, step: Json) -> Iterator[str]:
        yield f"{self.name(step['as'])} = runtime.read({self.element(step['read'], step['at'])})"

    def write_(self, step: Json) -> Iterator[str]:
        yield f"runtime.write({self.element(step['into'], step['at'])}, {self.number(step['write'])})"

    def dim_(self, step: Json) -> Iterator[str]:
        yield f"{self.name(step['as'])} = {self.tensor(step['dim'])}.shape[{step['axis']}]"

    def for_(self, step: Json) -> Iterator[str]:
        carried = step.get("carried", {})
        for name, (start, _) in carried.items():
            yield f"{self.name(name)} = {self.number(start)}"
        bounds = ", ".join(self.number(step[word]) for word in ("from", "to", "step"))
        yield f"for {self.name(step['for'])} in range({bounds}):"
        yield from self.steps(step["steps"], "    ")
        if carried:
            names = ", ".join(map(self.name, carried))
            yield f"    {names} = {', '.join(self.number(end) for _, end in carried.values())}"
        elif not step["steps"]:
            yield "    pass"

    def if_(self, step: Json) -> Iterator[str]:
        yield f"if {self.number(step['if'])}:"
        yield from self.steps(step["then"], "    ")
        if not step["then"]:
            yield "    pass"
        if step.get("else"):
            yield "else:"
            yield from self.steps(step["else"], "    ")
