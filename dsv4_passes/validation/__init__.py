"""Whether what is written means what was read: comparison of texts, counterexamples, certificates."""
