"""Kernels that train a network: maps of any size, called one by one by the training loop, on its threads."""
