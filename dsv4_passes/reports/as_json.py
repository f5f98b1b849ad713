"""`--report out.json`: a report for other tools.

Cycles are model cycles, from the lower to the upper reading of every number.
"""

import json
from typing import Any

from dsv4_passes.diagnostics import location_text
from dsv4_passes.targets import Cost
from dsv4_passes.transforms.common.decisions import Decision

from .collect import KernelReport, KernelState, Report
from .lane_flow import Strip

FORMAT = 1


def as_json(report: Report) -> str:
    """The report as JSON text."""
    whole = {
        "format": FORMAT,
        "source": report.source,
        "chip": report.chip,
        "ptoas": report.ptoas,
        "assumptions": list(report.assumptions),
        **({"program": report.program.as_object()} if report.program is not None else {}),
        "kernels": [_kernel(kernel) for kernel in report.kernels],
    }
    return json.dumps(whole, indent=1) + "\n"


def _kernel(kernel: KernelReport) -> dict[str, Any]:
    return {
        "name": kernel.name,
        "before": _side(kernel.before) if kernel.before else None,
        "after": _side(kernel.after) if kernel.after else None,
        "sites": [_decision(decision) for decision in kernel.decisions],
    }


def _cost(cost: Cost) -> dict[str, Any]:
    return {"lo": round(cost.lo, 1), "hi": round(cost.hi, 1), "estimates": sorted(cost.estimates)}


def _side(side: KernelState) -> dict[str, Any]:
    costs = side.costs
    return {
        "cycles": _cost(costs.cycles),
        "pipes": {pipe: _cost(cost) for pipe, cost in costs.pipes.items()},
        "operations": {n: {"runs": runs, **_cost(cost)} for n, (runs, cost) in costs.operations.items()},
        "bytes loaded": costs.loaded,
        "bytes stored": costs.stored,
        "loops of unknown length, counted once": costs.open_loops,
        "vector memory": {
            "used": side.memory.used,
            "peak": side.memory.peak,
            "capacity": side.memory.capacity,
            "addresses of the text": side.memory.planned,
            "tiles": [
                {"name": t.name, "from": t.low, "to": t.high, "first": t.first, "last": t.last}
                for t in side.memory.tenants
            ],
        },
        "lanes": [_strip(strip) for strip in side.lanes],
    }


def _strip(strip: Strip) -> dict[str, Any]:
    lanes = [sorted(f"{o.source}[{o.column}]" for o in lane) for lane in strip.lanes]
    return {"operation": strip.title, "dtype": strip.dtype, "lanes": lanes}


def _decision(decision: Decision) -> dict[str, Any]:
    return {
        "location": location_text(decision.location),
        "found": decision.found,
        "direction": decision.direction,
        "rows": decision.rows,
        "lanes": decision.lanes,
        "dtype": decision.dtype,
        "form": decision.form,
        "cycles": _cost(decision.cost),
        "rests on": decision.rests_on,
        "proof": decision.proof,
        "conditions": list(decision.conditions),
        "alternatives": [
            {"form": a.form, "cycles": _cost(a.cost) if a.cost else None, "why not": a.why}
            for a in decision.alternatives
        ],
    }
