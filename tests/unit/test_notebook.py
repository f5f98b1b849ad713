"""The notebook runs from top to bottom, and shows its pictures."""

import ast
import json
from pathlib import Path
from typing import Any

NOTEBOOK = Path(__file__).parents[2] / "examples" / "rope.ipynb"


def last_value(source: str, names: dict[str, Any]) -> Any:
    """Run a cell; what its last line is, if that is an expression."""
    tree = ast.parse(source)
    match tree.body:
        case [*before, ast.Expr(value=last)]:
            tree.body = before
            exec(compile(tree, str(NOTEBOOK), "exec"), names)
            return eval(compile(ast.Expression(last), str(NOTEBOOK), "eval"), names)
        case _:
            exec(compile(tree, str(NOTEBOOK), "exec"), names)
            return None


def test_the_notebook_runs():
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    names: dict[str, Any] = {"__name__": "notebook"}
    shown = [last_value(cell["source"], names) for cell in cells if cell["cell_type"] == "code"]
    (page,) = (value._repr_html_() for value in shown if hasattr(value, "_repr_html_"))
    assert page.startswith("<iframe")
    for word in ("transpose", "mask-gather", "cycles"):  # forms with their costs
        assert word in page
    assert all(not cell.get("outputs") for cell in cells)
    assert "pto.tstore" in names["text"].getvalue()
