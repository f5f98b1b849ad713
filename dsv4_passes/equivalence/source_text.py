"""Operations and values as messages name them."""

from xdsl.ir import Operation, OpResult, SSAValue


def line_of(op: Operation) -> str:
    """An operation and its line."""
    line = getattr(op.location, "line", None)
    return f"'{op.name}'" if line is None else f"'{op.name}' in line {line.data}"


def spell(value: SSAValue) -> str:
    """A value as text has it; by its operation where it has no name."""
    if value.name_hint:
        return f"%{value.name_hint}"
    if isinstance(value, OpResult):
        location = getattr(value.op.location, "line", None)
        return f"{value.op.name} in line {location.data}" if location is not None else value.op.name
    return "an unnamed value"
