"""Digests of model files: those that this version was made with, and those of others as they were when first used.

A name and a digest enter; nothing leaves, or a `ModelError` where the file is not the one it was. Nothing here opens a
model.
"""

import hashlib
import json
import os
from contextlib import suppress
from importlib.resources import files
from pathlib import Path

from qa.errors import ModelError

_SHOWN_DIGITS = 12


def state_folder() -> Path:
    """Where digests of models that were named are kept: in the user's state, one small file for each."""
    import platformdirs

    return platformdirs.user_state_path("consta") / "models"


def require_installed(name: str, digest: str) -> None:
    """Raises `ModelError` unless a part that comes with the program has the digest that it was made with."""
    pinned = json.loads(files("qa").joinpath("pinned.json").read_text(encoding="utf-8"))[name]
    if digest != pinned:
        raise ModelError(
            f"the installed {name} was altered (SHA-256 {digest[:_SHOWN_DIGITS]})",
            f"the one with {pinned[:_SHOWN_DIGITS]}",
            "install this version again",
        )


class Ledger:
    """The digests of models that were named, by where they lie."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def require(self, model: Path, digest: str) -> None:
        """Raises `ModelError` for a model that is not as it was accepted; one that never was passes."""
        known = self.known(model)
        if known not in (None, digest):
            raise ModelError(
                f"{model} was altered since it was first used (SHA-256 {digest[:_SHOWN_DIGITS]})",
                f"the one with {str(known)[:_SHOWN_DIGITS]}",
                "restore it, or accept it as it is now with `qa models --accept` and the same options",
            )

    def accept(self, model: Path, digest: str) -> None:
        """Takes a model for the right one as it is now. Where that cannot be written down, every time is the first."""
        if self.known(model) == digest:
            return
        record, place = json.dumps({"model": os.path.realpath(model), "sha256": digest}), self._place(model)
        with suppress(OSError):
            place.parent.mkdir(parents=True, exist_ok=True)
            aside = place.with_suffix(".new")
            aside.write_text(record, encoding="utf-8")
            os.replace(aside, place)

    def known(self, model: Path) -> str | None:
        """The digest that a model was accepted with, if it was."""
        try:
            record = json.loads(self._place(model).read_bytes())
        except (OSError, ValueError):  # none yet, or one that a power cut emptied
            return None
        return str(record["sha256"]) if isinstance(record, dict) and "sha256" in record else None

    def _place(self, model: Path) -> Path:
        return self._folder / f"{hashlib.sha256(os.fsencode(os.path.realpath(model))).hexdigest()[:32]}.json"
