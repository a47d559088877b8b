"""A run that was stopped ends where it would have ended, and what it needs for that is never lost."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from qa.training import resuming
from qa.training.resuming import Run, fingerprint, pace, runs_folder

ALWAYS, NEVER = -1.0, 1e9


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """The state is saved after every step."""
    monkeypatch.setattr(resuming, "SECONDS_BETWEEN", ALWAYS)


def opened(path: Path) -> Run:
    """A small network and its optimizer, as a command makes them anew each time it is started."""
    generator = torch.Generator().manual_seed(1)
    parameters = [torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in [(3, 4), (4,), (4, 1)]]
    return Run.open(path, parameters, torch.optim.AdamW(parameters, lr=0.1, weight_decay=0.01))


def learn(run: Run, step: int, total: int) -> None:
    """One step on data that only its number decides."""
    inward, bias, outward = run.parameters
    inputs = torch.randn(8, 3, generator=torch.Generator().manual_seed(step))
    loss = ((inputs @ inward + bias).tanh() @ outward - inputs.sum(1, keepdim=True)).square().mean()
    for group in run.optimizer.param_groups:
        group["lr"] = 0.1 * pace(step, total, 2)
    run.optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    run.optimizer.step()
    run.average()


def go(path: Path, total: int, stop_in: int | None = None) -> Run:
    """Runs to the end, or is stopped in the middle of a step, when that step has changed the parameters already."""
    run = opened(path)
    for step in run.steps(total):
        learn(run, step, total)
        if step == stop_in:
            break
    return run


def tensors_of(run: Run) -> Iterator[torch.Tensor]:
    yield from run.parameters
    yield from run.means
    state = run.optimizer.state_dict()["state"]
    yield from (state[number][name] for number in sorted(state) for name in sorted(state[number]))


def is_same(one: Run, other: Run) -> bool:
    pairs = list(zip(tensors_of(one), tensors_of(other), strict=True))
    return one.step == other.step and all(torch.equal(a, b) for a, b in pairs)


@given(
    total=st.integers(1, 8),
    stops=st.lists(st.integers(0, 7), max_size=3),
    between=st.sampled_from([ALWAYS, NEVER]),
)
def test_a_run_that_was_stopped_ends_as_one_that_was_not(
    total: int, stops: list[int], between: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resuming, "SECONDS_BETWEEN", between)
        for stop in stops:
            go(folder / "stopped.pt", total, stop)
        assert is_same(go(folder / "stopped.pt", total), go(folder / "whole.pt", total))


@pytest.mark.usefixtures("always")
def test_what_was_done_is_not_done_again(tmp_path: Path) -> None:
    path, total = tmp_path / "run.pt", 6
    go(path, total, stop_in=3)
    run = opened(path)
    assert run.step == 3  # the step in which it was stopped is done once more, from what was before it
    assert list(run.steps(total)) == [3, 4, 5]


def test_the_state_is_saved_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resuming, "SECONDS_BETWEEN", NEVER)
    path = tmp_path / "new" / "folder" / "run.pt"
    ended = go(path, 4)
    again = opened(path)
    assert is_same(again, ended)
    assert list(again.steps(4)) == []
    assert [each.name for each in path.parent.iterdir()] == ["run.pt"]


def test_the_means_follow_the_parameters_and_give_them_back(tmp_path: Path) -> None:
    run = opened(tmp_path / "run.pt")
    last = [parameter.detach().clone() for parameter in run.parameters]
    for step in run.steps(40):
        learn(run, step, 40)
        if step == 34:
            last = [parameter.detach().clone() for parameter in run.parameters]
    ended = [parameter.detach().clone() for parameter in run.parameters]
    with run.averaged():
        for parameter, mean in zip(run.parameters, run.means, strict=True):
            assert torch.equal(parameter, mean)
    for parameter, end, before, mean in zip(run.parameters, ended, last, run.means, strict=True):
        assert torch.equal(parameter, end)
        assert not torch.equal(mean, end)
        assert (mean - end).norm() < 2 * (end - before).norm()  # of the last steps, not of all


def test_a_longer_plan_goes_on_behind_a_shorter_one(tmp_path: Path) -> None:
    go(tmp_path / "run.pt", 4)
    assert list(opened(tmp_path / "run.pt").steps(6)) == [4, 5]


def test_the_state_is_saved_every_ten_minutes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(resuming, "time", SimpleNamespace(monotonic=lambda: now))
    path, seen = tmp_path / "run.pt", []
    run = opened(path)
    for step in run.steps(9):
        seen.append(torch.load(path, weights_only=True)["step"] if path.exists() else None)
        learn(run, step, 9)
        now += 250  # three steps are more than ten minutes
    assert seen == [None, None, None, 3, 3, 3, 6, 6, 6]


@pytest.mark.usefixtures("always")
def test_a_torn_file_beside_the_state_is_ignored_and_replaced(tmp_path: Path) -> None:
    path, part = tmp_path / "run.pt", tmp_path / "run.part"
    part.write_bytes(b"PK\x03\x04 torn")
    assert opened(path).step == 0
    stopped = go(path, 5, stop_in=2)
    part.write_bytes(path.read_bytes()[:100])
    assert opened(path).step == stopped.step == 2
    assert is_same(go(path, 5), go(tmp_path / "whole.pt", 5))
    assert not part.exists()


@pytest.mark.usefixtures("always")
def test_a_machine_that_stops_while_saving_loses_only_what_came_since(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, save = tmp_path / "run.pt", torch.save

    def torn(state: dict[str, Any], part: BinaryIO) -> None:
        save(state, part)
        part.truncate(200)
        raise KeyboardInterrupt

    go(path, 6, stop_in=3)
    monkeypatch.setattr(torch, "save", torn)
    with pytest.raises(KeyboardInterrupt):
        go(path, 6)
    monkeypatch.undo()
    assert opened(path).step == 3
    assert is_same(go(path, 6), go(tmp_path / "whole.pt", 6))


def test_the_state_of_other_parameters_is_not_taken(tmp_path: Path) -> None:
    go(tmp_path / "run.pt", 1)
    parameters = [torch.nn.Parameter(torch.zeros(3, 4))]
    with pytest.raises(ValueError):
        Run.open(tmp_path / "run.pt", parameters, torch.optim.AdamW(parameters))


FACTS = st.dictionaries(
    st.text(max_size=5), st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | st.none(), max_size=5
)


@given(facts=FACTS, other=FACTS)
def test_a_fingerprint_is_that_of_the_facts_whatever_their_order(facts: dict[str, Any], other: dict[str, Any]) -> None:
    told = fingerprint(facts)
    assert len(told) == 16 and set(told) <= set("0123456789abcdef")
    assert fingerprint(dict(reversed(facts.items()))) == told
    # 1 and 1.0 are equal in Python, but not as they are written down.
    assert (fingerprint(other) == told) == (repr(sorted(other.items())) == repr(sorted(facts.items())))


PLANS = st.integers(0, 50).flatmap(lambda warm: st.tuples(st.just(warm), st.integers(warm + 1, warm + 200)))


@given(PLANS)
def test_the_pace_rises_to_the_whole_rate_and_falls_to_a_twentieth(plan: tuple[int, int]) -> None:
    warm, total = plan
    paces = [pace(step, total, warm) for step in range(total + 1)]
    assert all(0 < each <= 1 for each in paces)
    assert paces[warm] == 1 and (warm == 0 or paces[warm - 1] == 1)
    assert is_rising(paces[: warm + 1]) and is_rising(paces[warm:][::-1])
    assert paces[-1] == pytest.approx(0.05)
    # A half cosine: as far above the middle at the beginning as below it at the end.
    falling = paces[warm:]
    assert [a + b for a, b in zip(falling, reversed(falling), strict=True)] == pytest.approx([1.05] * len(falling))


@given(st.integers(1, 50), st.integers(1, 50))
def test_a_plan_shorter_than_the_warm_steps_has_a_pace_too(warm: int, total: int) -> None:
    assert all(0 < pace(step, total, warm) <= 1 for step in range(total))


def is_rising(values: Sequence[float]) -> bool:
    return all(a <= b for a, b in pairwise(values))


def test_states_lie_in_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert runs_folder() == tmp_path / "consta" / "training"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert runs_folder() == tmp_path / ".cache" / "consta" / "training"
