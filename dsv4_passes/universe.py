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


DSV4_UNIVERSE = Universe(
    all_dialects={
        "dsv4": _lazy("dialects.dsv4", "DSV4"),
        "pto": _lazy("dialects.pto", "PTO"),
    },
    all_passes={
        "dsv4-bind-facts": _lazy("dsv4_passes.transforms.bind_facts", "BindFactsPass"),
        "dsv4-drop-dead-args": _lazy("dsv4_passes.transforms.drop_dead_args", "DropDeadArgsPass"),
        "dsv4-drop-dead-stores": _lazy("dsv4_passes.transforms.drop_dead_stores", "DropDeadStoresPass"),
        "dsv4-fit-ub": _lazy("dsv4_passes.transforms.fit_ub", "FitUbPass"),
        "dsv4-fuse-stages": _lazy("dsv4_passes.transforms.fuse_stages", "FuseStagesPass"),
        "dsv4-hoist-fills": _lazy("dsv4_passes.transforms.hoist_fills", "HoistFillsPass"),
        "dsv4-rope": _lazy("dsv4_passes.transforms.rope", "RopePass"),
        "dsv4-scatter-form": _lazy("dsv4_passes.transforms.scatter_form", "ScatterFormPass"),
        "dsv4-select-to-lanes": _lazy("dsv4_passes.transforms.select_to_lanes", "SelectToLanesPass"),
        "pto-check-target": _lazy("dsv4_passes.transforms.check_target", "CheckTargetPass"),
        "pto-join-mixed": _lazy("dsv4_passes.transforms.join_mixed", "JoinMixedPass"),
        "pto-lower": _lazy("dsv4_passes.transforms.lower_tiles", "PtoLowerPass"),
        "pto-raise": _lazy("dsv4_passes.transforms.raise_tiles", "PtoRaisePass"),
        "pto-split-mixed": _lazy("dsv4_passes.transforms.split_mixed", "SplitMixedPass"),
    },
    all_targets={
        "pto": _lazy("dsv4_passes.emit.target", "PtoTarget"),
        "pypto": _lazy("dsv4_passes.emit.pypto", "PyptoTarget"),
    },
)
