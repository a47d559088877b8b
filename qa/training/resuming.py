"""A training run that survives being stopped: its state in the cache, written every ten minutes, found again by itself.

A run is known by all that decides its outcome (settings, data, weights): with any of them changed it is another run.
"""

import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

SECONDS_BETWEEN = 600.0


def cache_folder() -> Path:
    """Where runs keep their state: `$XDG_CACHE_HOME/consta/training`, by default below `~/.cache`."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "consta" / "training"


def fingerprint(facts: Mapping[str, Any]) -> str:
    """Sixteen hexadecimal digits that stand for all that decides a run's outcome.

    >>> fingerprint({"seed": 1}) == fingerprint({"seed": 2})
    False
    """
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(slots=True)
class Run:
    """Steps from where an earlier run with the same file stopped."""

    path: Path
    parameters: list[torch.nn.Parameter]
    optimizer: torch.optim.Optimizer
    step: int = 0
    saved_at: float = 0.0

    @classmethod
    def open(cls, path: Path, parameters: list[torch.nn.Parameter], optimizer: torch.optim.Optimizer) -> "Run":
        """The run whose state is in that file, or a new one where there is none."""
        run = cls(path, parameters, optimizer, saved_at=time.monotonic())
        if path.is_file():
            state = torch.load(path, map_location="cpu", weights_only=True)
            with torch.no_grad():
                for parameter, value in zip(parameters, state["parameters"], strict=True):
                    parameter.copy_(value)
            optimizer.load_state_dict(state["optimizer"])
            run.step = state["step"]
        return run

    def steps(self, total: int) -> Iterator[int]:
        """The numbers of the steps still to be done, the state being saved every ten minutes and at the end."""
        while self.step < total:
            yield self.step
            self.step += 1
            if time.monotonic() - self.saved_at > SECONDS_BETWEEN or self.step == total:
                self.save()

    def save(self) -> None:
        """Writes the state; what was there before is replaced only by a whole file."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        state = {
            "parameters": [parameter.detach().cpu() for parameter in self.parameters],
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
        }
        part = self.path.with_suffix(".part")
        with part.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self.path)
        self.saved_at = time.monotonic()


def pace(step: int, total: int, warm: int) -> float:
    """The share of the learning rate at a step: up over `warm` steps, then down a half cosine to a twentieth.

    >>> [round(pace(step, 100, 10), 3) for step in (0, 9, 10, 55, 100)]
    [0.1, 1.0, 1.0, 0.525, 0.05]
    """
    import math

    if step < warm:
        return (step + 1) / warm
    done = (step - warm) / max(1, total - warm)
    return 0.05 + 0.95 * (1 + math.cos(math.pi * min(1.0, done))) / 2
