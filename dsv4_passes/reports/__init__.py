"""What became of a module, for people and for other tools: costs, lanes and memory before and after."""
