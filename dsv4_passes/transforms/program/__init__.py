"""Passes on whole programs, and what they ask of an orchestration."""
