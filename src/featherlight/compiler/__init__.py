"""Machine code of our own by LLVM: the gate to it, loops to write kernels with, and the kernels. Knows no torch."""
