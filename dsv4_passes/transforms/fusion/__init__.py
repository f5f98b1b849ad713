"""`dsv4-fuse-stages` and its helpers."""
