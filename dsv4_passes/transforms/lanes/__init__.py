"""Passes that recognise and rewrite lane moves."""
