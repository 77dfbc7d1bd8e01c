"""From a graph to steps: where each tensor lies, which kernel computes it, what is computed as one."""
