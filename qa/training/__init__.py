"""How the shipped weights are made. Needs public data that is not part of the program; nothing outside imports this."""

import os

# Threads that wait for one another sleep after some 0.1 ms; read when torch is loaded. By default they spin on, and
# where anything else runs a step takes ten times as long; sleeping at once takes a quarter longer (eval/LOG.md).
if not {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"} & os.environ.keys():
    os.environ["GOMP_SPINCOUNT"] = "20000"
