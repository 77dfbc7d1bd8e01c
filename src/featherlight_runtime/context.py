"""What a compiled network is handed: one block of 64-bit words, aligned to a page.

Compiled code is two functions' worth of agreement with whoever runs it: where the words below stand, and that
`start(context)` runs one inference, `serve(context, thread)` is a worker's life and `stop(context)` ends it. A change
of either is a new `flight.VERSION`.

A gate is a count that threads raise and wait for, and beside it, on the same cache line, how many of them sleep until
it is high enough. Gates are 128 bytes apart: processors fetch lines of 64 bytes in pairs. All words from WAKE up to
BASES are zero before the first inference.
"""

THREADS = 0  # how many run an inference, the caller among them
CORES = 1  # how many processors they have: with fewer than threads, nobody waits awake
TRACE = 2  # address of int64[steps + 1] that thread 0 fills with the clock's ticks, or 0
WAKE = 16  # a gate: inferences begun
QUIT = 18  # 1 when workers are to go at the next wake
DONE = 32  # a gate: workers that are through with this inference
MEET = 48  # a gate: arrivals of all threads at this inference's barriers
BASES = 64  # addresses: the arena, the weights, each input, each output

ARENA, WEIGHTS, INPUTS = BASES, BASES + 1, BASES + 2
