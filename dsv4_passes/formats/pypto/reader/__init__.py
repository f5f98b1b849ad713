"""Tile programs as pypto dumps them, into modules."""
