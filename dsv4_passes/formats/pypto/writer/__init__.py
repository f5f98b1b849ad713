"""Modules in value form, as pypto program text."""
