"""What has to hold for a whole function before any of its lanes are rewritten."""

from xdsl.dialects import func
from xdsl.ir import BlockArgument

from dialects.pto.sync import BarrierSyncOp, BufferLockOp, CoreFlagOp, FlagOp, SyncAllOp, TSyncOp
from dsv4_passes.argument_names import argument_name
from dsv4_passes.diagnostics import UserError, refused
from dsv4_passes.equivalence.facts import facts_of
from dsv4_passes.equivalence.gm_mod_ref import only_read
from dsv4_passes.transforms.program.alias_check import aliased_launch

from .checked_rewrite import CheckedRewrite, Policy

BY_HAND = (FlagOp, CoreFlagOp, BufferLockOp, BarrierSyncOp, SyncAllOp, TSyncOp)
"""Synchronisation that names pipelines, operations, buffers or kinds of cores."""


def followed(function: func.FuncOp, policy: Policy, partly: bool = False) -> CheckedRewrite | None:
    """The function with its lanes; None, with a remark, where it cannot be run on terms."""
    _say_what_is_stored_to(function)
    if (flag := next((op for op in function.walk() if isinstance(op, BY_HAND)), None)) is not None:
        why = f"'{flag.name}' orders operations by hand, and nothing would wait for what takes their place"
        refused(flag, f"'{function.sym_name.data}' stays: {why}", "synchronised by hand")
        return None
    if (twice := aliased_launch(function)) is not None:
        launch, one, other = twice
        why = f"a launch passes one tensor as '{one}' and as '{other}', and one of the two is written"
        refused(launch, f"'{function.sym_name.data}' stays: {why}", "tensor passed twice")
        return None
    try:
        return CheckedRewrite(function, policy, partly)
    except UserError as error:
        why = f"its lanes cannot be followed: {error.message}"
        refused(function, f"'{function.sym_name.data}' stays: {why}", "lanes cannot be followed")
        return None


def _say_what_is_stored_to(function: func.FuncOp) -> None:
    """A remark for every fact that holds when the kernel starts and not when another block loads."""
    unwritten = only_read(function)
    for argument in facts_of(function):  # a fact that cannot hold is an error and no reason to go on
        assert isinstance(argument, BlockArgument)
        if argument.index not in unwritten:
            name = argument_name(function, argument.index)
            why = "the kernel stores to it, and another block may have done so before"
            refused(
                function, f"what is known about '{name}' is not used: {why}", "a fact about what is stored to"
            )
