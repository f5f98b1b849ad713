"""What xDSL tools find here: dialects, passes and targets by name.

This is the only registry. Stock `xdsl-opt` loads it at every start through the `xdsl.universe` entry point,
so loading it imports nothing of this project; a name is imported when a tool first asks for it.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from xdsl.universe import Universe


def _lazy(module: str, name: str) -> Callable[[], Any]:
    """A getter of `name` in `module` that imports the module when called."""

    def get() -> Any:
        return getattr(import_module(module), name)

    return get


def _pass(module: str, name: str) -> Callable[[], Any]:
    return _lazy(f"dsv4_passes.transforms.{module}", name)


def _pto() -> Any:
    """The pto dialect, with the chips of this project as what its verification asks."""
    import dsv4_passes.targets  # noqa: F401  # pyright: ignore[reportUnusedImport]
    from dialects.pto import PTO

    return PTO


DSV4_UNIVERSE = Universe(
    all_dialects={
        "dsv4": _lazy("dialects.dsv4", "DSV4"),
        "pto": _pto,
    },
    all_passes={
        "dsv4-bind-facts": _pass("bind_facts", "BindFactsPass"),
        "dsv4-drop-dead-args": _pass("program.drop_dead_args", "DropDeadArgsPass"),
        "dsv4-drop-dead-stores": _lazy(
            "dsv4_passes.transforms.program.drop_dead_stores", "DropDeadStoresPass"
        ),
        "dsv4-fit-ub": _pass("memory.fit_ub", "FitUbPass"),
        "dsv4-forward-copies": _pass("fusion.forward_copies", "ForwardCopiesPass"),
        "dsv4-fuse-stages": _pass("fusion.fuse_stages", "FuseStagesPass"),
        "dsv4-fold-lanes": _pass("lanes.fold_lanes", "FoldLanesPass"),
        "dsv4-hoist-fills": _pass("memory.hoist_fills", "HoistFillsPass"),
        "dsv4-lower-lanes": _pass("lanes.lower_lanes", "LowerLanesPass"),
        "dsv4-propagate-facts": _pass("program.propagate_facts", "PropagateFactsPass"),
        "dsv4-raise-lanes": _pass("lanes.raise_lanes", "RaiseLanesPass"),
        "dsv4-rope": _pass("rope", "RopePass"),
        "dsv4-scatter-form": _pass("lanes.scatter_form", "ScatterFormPass"),
        "dsv4-select-to-lanes": _pass("lanes.select_to_lanes", "SelectToLanesPass"),
        "pto-check-target": _pass("check_target", "CheckTargetPass"),
        "pto-join-mixed": _pass("mixed.join_mixed", "JoinMixedPass"),
        "pto-lower": _pass("lowering.lower_tiles", "PtoLowerPass"),
        "pto-raise": _pass("raising.raise_tiles", "PtoRaisePass"),
        "pto-split-mixed": _pass("mixed.split_mixed", "SplitMixedPass"),
    },
    all_targets={
        "pto": _lazy("dsv4_passes.formats.pto.target", "PtoTarget"),
        "pypto": _lazy("dsv4_passes.formats.pypto.target", "PyptoTarget"),
    },
)
