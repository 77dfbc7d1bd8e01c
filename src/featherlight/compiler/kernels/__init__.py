"""The kernels of compiled networks: one file a computation, each a record that emits the code for its shape."""
