"""Readers of program texts."""
