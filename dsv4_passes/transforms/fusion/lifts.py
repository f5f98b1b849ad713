"""What would let two kernels become one, by the reason why they stay two."""

_LIFTS = {
    "kernel in between": "launch that before or behind both",
    "other reader": "let one kernel alone read the tensor",
    "several producers": "let one kernel alone write the tensor",
    "not a stage": "create the tensor in the program, if nobody outside reads it",
    "different grids": "run both in one number of blocks, stated as a number",
    "fewer blocks": "run both in one number of blocks",
    "loads of several blocks": "share the work out alike, so that a block loads what one block stores",
    "not stored in one block": "share the work out alike, so that a block loads what one block stores",
    "not stored in the same block": "load only what the same block stores",
    "uneven work": "share the work out evenly",
    "too many tasks": "do more of the work in a trip",
    "blocks share elements": "let each block touch elements of its own",
    "does not fit": "work on fewer rows in a block",
    "text grows": "load in a trip what one trip stores, or ask for dsv4-fuse-stages{scope=all}",
    "more GM bytes": "load what parts share in front of them, or ask for dsv4-fuse-stages{scope=all}",
    "more operations": "compute what parts share in front of them, or ask for dsv4-fuse-stages{scope=all}",
    "costlier": "ask for dsv4-fuse-stages{scope=all}",
    "tensor passed twice": "pass the tensor once",
    "different attributes": "declare both alike",
    "other loop or branch": "launch both in one loop or branch",
    "view": "let both take the tensor in one shape",
    "assembled": "let the one store into the whole tensor",
    "unknown tensor": "write what makes the tensor in operations that are understood",
}


def what_lifts(reason: str) -> str:
    """` (…)` for the end of a remark; empty where nothing that its author could do would help."""
    return f" (what would lift it: {lift})" if (lift := _LIFTS.get(reason)) else ""
