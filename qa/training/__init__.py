"""How the shipped weights are made. Needs public data that is not part of the program; nothing outside imports this."""

import os

# Threads that wait for one another sleep soon, as in `qa.loading`; read when torch is loaded. Where anything else runs,
# a step took ten times as long without (eval/LOG.md).
if not {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"} & os.environ.keys():
    os.environ["GOMP_SPINCOUNT"] = "300"
