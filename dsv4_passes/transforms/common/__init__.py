"""Helpers that passes of several folders share."""
