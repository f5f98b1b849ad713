"""Passes, one per file: what it does, why it is legal, before and after."""
