"""Helpers of `dsv4-bind-facts`."""
