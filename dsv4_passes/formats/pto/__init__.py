"""Text out: the printer and the targets."""
