"""How fast the program is beside the bare libraries that it stands on (`make bench`)."""

import os

# As `qa` itself has it, before any library is loaded: see `qa.cli`.
os.environ.setdefault("GOMP_SPINCOUNT", "600")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
