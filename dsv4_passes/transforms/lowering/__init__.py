"""`pto-lower` and its helpers."""
