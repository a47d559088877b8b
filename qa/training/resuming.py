"""Descent that survives being stopped: its state in the cache, written every ten minutes, found again by itself.

A run is known by all that decides its outcome (settings, data, weights): with any of them changed it is another run.
"""

import hashlib
import json
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from index import store

SECONDS_BETWEEN = 600.0
MEAN_STEPS = 300
_SECONDS_BETWEEN_LINES, _SECONDS_BETWEEN_VALIDATIONS = 30.0, 600.0


def runs_folder() -> Path:
    """Where runs keep their state, beside the indexes."""
    return store.cache_folder() / "training"


def fingerprint(facts: Mapping[str, Any]) -> str:
    """Sixteen hexadecimal digits that stand for all that decides a run's outcome.

    >>> fingerprint({"seed": 1}) == fingerprint({"seed": 2})
    False
    """
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(slots=True)
class Run:
    """Steps from where an earlier run with the same file stopped.

    `means` are running means of the parameters: where data are few they read better than the last ones, which know the
    training data too well (Polyak and Juditsky 1992, https://doi.org/10.1137/0330046; figures: eval/LOG.md).
    """

    path: Path
    parameters: list[torch.nn.Parameter]
    optimizer: torch.optim.Optimizer
    means: list[torch.Tensor]
    step: int = 0
    saved_at: float = 0.0

    @classmethod
    def open(cls, path: Path, parameters: list[torch.nn.Parameter], optimizer: torch.optim.Optimizer) -> "Run":
        """The run whose state is in that file, or a new one where there is none."""
        run = cls(path, parameters, optimizer, _copies(parameters), saved_at=time.monotonic())
        if path.is_file():
            state = torch.load(path, map_location="cpu", weights_only=True)
            with torch.no_grad():
                for parameter, value in zip(parameters, state["parameters"], strict=True):
                    parameter.copy_(value)
                for mean, value in zip(run.means, state["means"], strict=True):
                    mean.copy_(value)
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
            "means": [mean.cpu() for mean in self.means],
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

    def average(self) -> None:
        """Takes the parameters as they are into their means, over the last ninth of the steps, `MEAN_STEPS` at most."""
        share = max(1 / MEAN_STEPS, 9 / (self.step + 10))
        with torch.no_grad():
            for mean, parameter in zip(self.means, self.parameters, strict=True):
                mean.lerp_(parameter, share)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Has the means in the place of the parameters for a while."""
        kept = _copies(self.parameters)
        self._put(self.means)
        try:
            yield
        finally:
            self._put(kept)

    def _put(self, values: Sequence[torch.Tensor]) -> None:
        with torch.no_grad():
            for parameter, value in zip(self.parameters, values, strict=True):
                parameter.copy_(value)


def _copies(parameters: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in parameters]


def pace(step: int, total: int, warm: int) -> float:
    """The share of the learning rate at a step: up over `warm` steps, then down a half cosine to a twentieth.

    >>> [round(pace(step, 100, 10), 3) for step in (0, 9, 10, 55, 100)]
    [0.1, 1.0, 1.0, 0.525, 0.05]
    """
    if step < warm:
        return (step + 1) / warm
    done = (step - warm) / max(1, total - warm)
    return 0.05 + 0.95 * (1 + math.cos(math.pi * min(1.0, done))) / 2


def descend(
    run: Run,
    total: int,
    rate: float,
    warm: int,
    loss_of: Callable[[int], torch.Tensor],
    validate: Callable[[], str],
    finish: Callable[[], None],
    tell: Callable[[str], None],
) -> None:
    """Takes the steps that a run still has to take, and tells how it goes.

    `loss_of` gives the loss of a step; `validate` is told every ten minutes and at the end, `finish` called last, both
    with the means of the parameters in place. The rate follows `pace`, gradients are clipped to length 1.
    """
    began = shown = validated = time.monotonic()
    first, mean = run.step, 0.0
    for step in run.steps(total):
        for group in run.optimizer.param_groups:
            group["lr"] = rate * pace(step, total, warm)
        loss = loss_of(step)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(run.parameters, 1.0)
        run.optimizer.step()
        run.optimizer.zero_grad()
        run.average()
        mean = loss.item() if step == first else 0.95 * mean + 0.05 * loss.item()
        now = time.monotonic()
        if now - shown > _SECONDS_BETWEEN_LINES:
            shown = now
            tell(f"step {step + 1}/{total}  loss {mean:.3f}  {(now - began) / (step + 1 - first):.2f} s a step")
        if now - validated > _SECONDS_BETWEEN_VALIDATIONS or step + 1 == total:
            with run.averaged():
                tell(f"step {step + 1}/{total}  validation: {validate()}")
            validated = time.monotonic()
    with run.averaged():
        finish()
