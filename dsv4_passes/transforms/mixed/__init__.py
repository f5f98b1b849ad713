"""Mixed kernels: `pto-join-mixed`, `pto-split-mixed` and their helpers."""
