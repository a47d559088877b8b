"""What figures depend on beside the program: the processor, the system, the versions of the libraries."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

_LIBRARIES = (
    "llama-cpp-python", "torch", "sentence-transformers", "onnxruntime", "tokenizers", "faiss-cpu", "bm25s",
    "PyStemmer", "numpy",
)  # fmt: skip
_PROCESSOR = Path("/proc/cpuinfo")


def machine() -> dict[str, Any]:
    """The machine as a report names it. `load` is the mean number of busy processes in the last minute."""
    return {
        "processor": processor(_PROCESSOR.read_text() if _PROCESSOR.is_file() else ""),
        "cores": os.cpu_count(),
        "platform": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "libraries": {name: version(name) for name in _LIBRARIES},
    }


def processor(listing: str) -> str:
    """The processor's name in what Linux tells of it; else what Python knows.

    >>> processor("processor\\t: 0\\nmodel name\\t: A Processor 3 GHz\\n")
    'A Processor 3 GHz'
    """
    for line in listing.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.processor() or "unknown"
