"""Whether the output means the same as the input: comparison of texts, counterexamples, certificates."""
