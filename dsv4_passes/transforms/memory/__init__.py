"""Passes about vector memory: row tiling, loop-invariant tiles, dead fills."""
