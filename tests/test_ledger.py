"""A model that is not what it was is refused; one that was never seen is recorded."""

import json
from pathlib import Path

import pytest

from index.embedder import GRAPH, open_embedder
from qa.answer import ADAPTER
from qa.errors import ModelError
from qa.ledger import Ledger, require_installed, state_folder
from qa.model_files import file_digest, find_bundled_model
from tests.commands import ROOT

ONE, OTHER = "1" * 64, "2" * 64


def test_a_model_is_recorded_once_accepted(tmp_path: Path) -> None:
    ledger, model = Ledger(tmp_path / "made" / "ledger"), tmp_path / "m.gguf"
    ledger.require(model, ONE)
    assert ledger.known(model) is None
    ledger.accept(model, ONE)
    assert ledger.known(model) == ONE
    ledger.require(model, ONE)


def test_another_digest_is_refused_until_it_is_accepted(tmp_path: Path) -> None:
    ledger, model = Ledger(tmp_path), tmp_path / "m.gguf"
    ledger.accept(model, ONE)
    with pytest.raises(ModelError) as caught:
        ledger.require(model, OTHER)
    assert str(caught.value) == (
        f"{model} was altered since it was first used (SHA-256 222222222222); expected the one with 111111111111; "
        "restore it, or accept it as it is now with `qa models --accept` and the same options"
    )
    ledger.accept(model, OTHER)
    ledger.require(model, OTHER)


def test_a_model_is_known_by_where_it_lies_whatever_path_leads_there(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "a")
    ledger = Ledger(tmp_path / "ledger")
    ledger.accept(tmp_path / "a" / "m.gguf", ONE)
    assert ledger.known(tmp_path / "link" / ".." / "a" / "m.gguf") == ONE
    assert ledger.known(tmp_path / "a" / "n.gguf") is None


@pytest.mark.parametrize("left", [b"", b"\0\0\0", b"{", b"[]", b"{}", b"7"])
def test_a_record_that_a_power_cut_spoilt_is_none(tmp_path: Path, left: bytes) -> None:
    ledger, model = Ledger(tmp_path), tmp_path / "m.gguf"
    ledger.accept(model, ONE)
    (record,) = tmp_path.glob("*.json")
    assert json.loads(record.read_bytes()) == {"model": str(model), "sha256": ONE}
    record.write_bytes(left)
    ledger.require(model, OTHER)
    ledger.accept(model, OTHER)
    assert ledger.known(model) == OTHER


def test_where_nothing_can_be_recorded_every_time_is_the_first(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    ledger = Ledger(tmp_path / "file" / "ledger")
    ledger.accept(tmp_path / "m.gguf", ONE)
    ledger.require(tmp_path / "m.gguf", OTHER)
    assert ledger.known(tmp_path / "m.gguf") is None


def test_what_comes_with_the_program_is_what_this_version_was_made_with() -> None:
    require_installed("embedding model", open_embedder().digest)
    require_installed("graph of the embedding model", file_digest(GRAPH))
    require_installed("reading model", file_digest(find_bundled_model()))
    require_installed("adapter of the reading model", file_digest(ROOT / "qa" / ADAPTER))


def test_another_one_in_its_place_is_refused() -> None:
    with pytest.raises(ModelError, match=r"installed reading model was altered .* expected the one with b179c9523d0e"):
        require_installed("reading model", ONE)


def test_records_lie_in_the_state_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert state_folder() == tmp_path / "consta" / "models"
