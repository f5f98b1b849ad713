"""Compiler passes for rotary-embedding kernels on Ascend NPUs: see README.md."""
