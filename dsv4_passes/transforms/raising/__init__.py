"""`pto-raise` and its helpers."""
