"""What a user can get wrong: one clear line on standard error, status 1, and nothing lost."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from index import store
from index.embedder import BUNDLED, find_model
from qa.cli import run
from tests.commands import GIFT, ROOT
from tests.tiny_gguf import FAMILIES, write_model

BRIDGE = "El puente costó cuatro millones de euros, según el ayuntamiento de la ciudad."
MAYOR = "La alcaldesa Marta Ruiz inauguró el puente nuevo sobre el río Júcar."
ASKED = "¿Cuántos millones de euros costó el puente?"
Captured = pytest.CaptureFixture[str]


def permissions_bind() -> bool:
    """Whether this process is refused what permissions forbid; root usually is not."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o500)
        return not os.access(folder, os.W_OK)


needs_permissions = pytest.mark.skipif(not permissions_bind(), reason="permissions do not bind this user")


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")


@pytest.fixture
def town(tmp_path: Path) -> Path:
    folder = tmp_path / "town"
    folder.mkdir()
    (folder / "bridge.txt").write_text(f"{BRIDGE}\n")
    (folder / "mayor.txt").write_text(f"{MAYOR}\n")
    return folder


def refusal(capsys: Captured, *arguments: str) -> str:
    """Runs a command that must fail; its one line without the newline."""
    capsys.readouterr()
    status = run(list(arguments))
    out, err = capsys.readouterr()
    assert (status, out, err.count("\n")) == (1, "", 1), err
    assert err.startswith("qa: ")
    return err.removeprefix("qa: ").removesuffix("\n")


def answered(capsys: Captured, *arguments: str) -> str:
    """Runs a command that must succeed; what it printed on standard output."""
    capsys.readouterr()
    assert run(list(arguments)) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("command", [("ask", GIFT), ("search", "Putin"), ("index",), ("verify", "a")])
def test_without_seeds_and_without_a_folder_the_option_is_named(command: tuple[str, ...], capsys: Captured) -> None:
    message = "no folder 'seeds'; expected a folder of articles; name one with --corpus"
    assert refusal(capsys, *command) == message


def test_a_folder_that_does_not_exist(capsys: Captured) -> None:
    message = "no folder 'nowhere'; expected a folder of articles; name one with --corpus"
    assert refusal(capsys, "ask", GIFT, "--corpus", "nowhere") == message


def test_a_file_for_a_folder(town: Path, capsys: Captured) -> None:
    file = town / "mayor.txt"
    message = f"'{file}' is a file; expected a folder of articles; name its folder with --corpus"
    assert refusal(capsys, "ask", GIFT, "--corpus", str(file)) == message


def test_an_empty_folder(tmp_path: Path, capsys: Captured) -> None:
    message = (
        f"no files in '{tmp_path / 'empty'}'; expected a folder with text files; "
        "add articles or name another folder with --corpus"
    )
    assert refusal(capsys, "index", "--corpus", str(tmp_path / "empty")) == message


def test_a_folder_with_nothing_but_binaries(tmp_path: Path, capsys: Captured) -> None:
    folder = tmp_path / "binaries"
    folder.mkdir()
    (folder / "a.txt").write_bytes(b"\x00\x01")
    (folder / "b.pdf").write_bytes(b"%PDF")
    message = (
        f"nothing readable in '{folder}' (a.txt: binary data; b.pdf: extension .pdf (read are .txt, .text, .md and "
        "none)); expected a folder with text files; add articles or name another folder with --corpus"
    )
    assert refusal(capsys, "ask", GIFT, "--corpus", str(folder)) == message


def test_files_that_cannot_be_read_are_named_and_the_rest_is_served(town: Path, capsys: Captured) -> None:
    (town / "a.txt").write_bytes(b"\x00\x01")
    (town / "b.txt").write_bytes(b"\xef\xbb\xbf\xff")
    (town / "c.txt").write_bytes(b" \n")
    (town / "photo.jpg").write_bytes(b"\xff\xd8")
    (town / "link.txt").symlink_to(town / "mayor.txt")
    assert run(["search", ASKED, "--corpus", str(town)]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[1] == BRIDGE
    assert err.splitlines() == [
        "qa: skipped a.txt: binary data",
        "qa: skipped b.txt: starts as utf-8-sig but is not valid",
        "qa: skipped c.txt: empty",
        "qa: skipped link.txt: a link, not followed",
        "qa: skipped photo.jpg: extension .jpg (read are .txt, .text, .md and none)",
    ]


@needs_permissions
def test_files_without_permission_are_named_and_the_rest_is_served(town: Path, capsys: Captured) -> None:
    (town / "mayor.txt").chmod(0)
    assert run(["search", ASKED, "--corpus", str(town)]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[1] == BRIDGE
    assert err == "qa: skipped mayor.txt: no permission to read\n"


@pytest.mark.parametrize("question", ["", "   ", "???", "¿?", "…"])
def test_a_question_without_words(question: str, capsys: Captured) -> None:
    message = 'an empty question; expected a question in words; ask one, for example: qa ask "¿Quién es Peskov?"'
    assert refusal(capsys, "ask", question) == message
    assert refusal(capsys, "search", question) == message


def test_a_question_of_ten_thousand_characters(capsys: Captured) -> None:
    message = "a question of 10000 characters; expected at most 2000; shorten it"
    assert refusal(capsys, "ask", "x" * 10_000) == message
    assert refusal(capsys, "search", "x" * 10_000) == message


def test_the_longest_question_that_is_allowed(town: Path, capsys: Captured) -> None:
    question = (f"{ASKED} " * 100)[:2000].strip()
    assert BRIDGE in answered(capsys, "search", question, "--corpus", str(town))


def test_a_model_that_does_not_exist(town: Path, capsys: Captured) -> None:
    message = (
        "the model file none.gguf cannot be read (No such file or directory); expected a GGUF file; "
        "name another with --model"
    )
    assert refusal(capsys, "ask", ASKED, "--corpus", str(town), "--model", "none.gguf") == message
    assert refusal(capsys, "models", "--model", "none.gguf") == message


def test_a_text_for_a_model(town: Path, capsys: Captured) -> None:
    model = str(town / "mayor.txt")
    message = f"the model file {model} is not in GGUF form; expected a GGUF file; name another with --model"
    assert refusal(capsys, "ask", ASKED, "--corpus", str(town), "--model", model) == message


def test_half_a_model(town: Path, tmp_path: Path, capsys: Captured) -> None:
    whole, half = write_model(tmp_path / "whole.gguf"), tmp_path / "half.gguf"
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    said = refusal(capsys, "ask", ASKED, "--corpus", str(town), "--model", str(half))
    assert said.startswith(f"the model file {half} cannot be loaded (")
    assert said.endswith(
        "expected a complete GGUF file of a chat model; download it again, or name another with --model"
    )


def test_a_model_that_is_missing_loses_no_index(town: Path, capsys: Captured) -> None:
    options = ("--corpus", str(town))
    refusal(capsys, "ask", ASKED, *options, "--model", "none.gguf")
    assert answered(capsys, "index", *options).startswith("0 added, 0 changed, 0 removed, 2 unchanged, 0 skipped\n")


def test_an_embedding_model_that_does_not_exist(town: Path, capsys: Captured) -> None:
    message = (
        "no embedding model './none'; expected a sentence-transformers folder, or the name of a model downloaded "
        f"earlier; leave --embedder out to use {BUNDLED}, which is installed"
    )
    assert refusal(capsys, "index", "--corpus", str(town), "--embedder", "./none") == message


def test_an_embedding_model_that_does_not_load(town: Path, tmp_path: Path, capsys: Captured) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.json").write_text("{}")
    said = refusal(capsys, "index", "--corpus", str(town), "--embedder", str(broken))
    assert said.startswith(f"the embedding model in {broken} does not load (")
    assert said.endswith(
        "expected a complete sentence-transformers folder; copy the model anew or name another with --embedder"
    )


def other_embedder(place: Path) -> str:
    """The installed embedding model, of the same dimension, with another digest."""
    shutil.copytree(find_model(BUNDLED), place, copy_function=os.symlink)
    (place / "note.json").write_text("{}")
    return str(place)


def test_another_embedding_model_than_the_index_has(town: Path, tmp_path: Path, capsys: Captured) -> None:
    options = ("--corpus", str(town), "--index-dir", str(tmp_path / "index"))
    other = other_embedder(tmp_path / "other")
    answered(capsys, "index", *options)
    for command in (("ask", ASKED), ("search", ASKED), ("index",)):
        said = refusal(capsys, *command, *options, "--embedder", other)
        assert said.startswith(f"the index in {tmp_path / 'index'} was made with embedding model {BUNDLED} (")
        assert f"; expected embedding model {other} (" in said
        assert said.endswith("; run `qa index --rebuild` to make it anew")
    assert BRIDGE in answered(capsys, "search", ASKED, *options)
    assert answered(capsys, "index", "--rebuild", *options, "--embedder", other).startswith("2 added,")
    assert BRIDGE in answered(capsys, "search", ASKED, *options, "--embedder", other)
    assert "was made with" in refusal(capsys, "search", ASKED, *options)


def test_passages_that_do_not_fit_the_model_are_left_out_and_that_is_said(tmp_path: Path, capsys: Captured) -> None:
    # One token a byte and 2,048 of context: of the five passages that are found, some 300 to 600 bytes each, few fit.
    model = write_model(tmp_path / "tiny.gguf", FAMILIES["chatml"])
    options = ("--corpus", str(ROOT / "seeds"), "--model", str(model), "--reader", "composing")
    assert run(["ask", GIFT, *options]) == 0
    out, err = capsys.readouterr()
    assert "003_6b36a17d40a337a5.txt" in out  # cited, or the nearest where the random model says nothing
    dropped, rest = err.removeprefix("qa: ").split(" ", 1)
    assert dropped in ("1", "2", "3", "4")
    assert rest == "passages could not be read by the model\n"


@pytest.mark.parametrize(
    "reader",
    [
        "composing",
        "copying",
    ],
)
def test_a_context_too_small_for_one_passage(reader: str, town: Path, tmp_path: Path, capsys: Captured) -> None:
    # The copying reader has the model weigh sentences that are close to one another.
    (town / "twins.txt").write_text(BRIDGE.replace("cuatro", "cinco") + "\n")
    model = write_model(tmp_path / "tiny.gguf", FAMILIES["chatml"])
    question = (ASKED + " ¿Lo oyó Íñigo Núñez Ibáñez?" * 100)[:2000]  # more bytes than the 2,048 tokens of context
    options = ("--corpus", str(town), "--model", str(model), "--reader", reader)
    said = refusal(capsys, "ask", question, *options)
    assert said.endswith("shorten the question, or name a model with a larger context")
    assert BRIDGE in answered(capsys, "search", ASKED, "--corpus", str(town))


def test_an_index_of_which_one_byte_was_altered(town: Path, tmp_path: Path, capsys: Captured) -> None:
    place = tmp_path / "index"
    options = ("--corpus", str(town), "--index-dir", str(place))
    answered(capsys, "index", *options)
    generation = place / "generations" / store.load(place).generation
    files = [place / "current", *(path for path in generation.rglob("*") if path.is_file())]
    assert len(files) >= 6
    for path in files:
        raw = path.read_bytes()
        middle = len(raw) // 2
        path.write_bytes(raw[:middle] + bytes([raw[middle] ^ 1]) + raw[middle + 1 :])
        said = refusal(capsys, "search", ASKED, *options)
        assert "was altered or is incomplete: " in said, path.name
        assert said.endswith("; run `qa index --rebuild` to make it anew"), path.name
        path.write_bytes(raw)
    files[1].write_bytes(b"")
    assert "was altered" in refusal(capsys, "index", *options)
    assert answered(capsys, "index", "--rebuild", *options).startswith("2 added,")
    assert BRIDGE in answered(capsys, "search", ASKED, *options)


def test_an_index_of_which_a_file_is_gone(town: Path, tmp_path: Path, capsys: Captured) -> None:
    place = tmp_path / "index"
    options = ("--corpus", str(town), "--index-dir", str(place))
    answered(capsys, "index", *options)
    shutil.rmtree(place / "generations")
    assert "was altered or is incomplete: " in refusal(capsys, "ask", ASKED, *options)
    assert answered(capsys, "index", "--rebuild", *options).startswith("2 added,")


def test_an_index_folder_below_a_file(town: Path, capsys: Captured) -> None:
    place = town / "mayor.txt" / "index"
    message = (
        f"the index folder {place} cannot be written (Not a directory); expected a writable folder with free space; "
        "make room or name another folder with --index-dir"
    )
    assert refusal(capsys, "index", "--corpus", str(town), "--index-dir", str(place)) == message
    assert (town / "mayor.txt").read_text() == f"{MAYOR}\n"


@needs_permissions
def test_an_index_folder_that_may_not_be_written(town: Path, tmp_path: Path, capsys: Captured) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    said = refusal(capsys, "index", "--corpus", str(town), "--index-dir", str(locked / "index"))
    assert said.startswith(f"the index folder {locked / 'index'} cannot be written (Permission denied); ")


@needs_permissions
def test_an_index_that_may_only_be_read_still_answers(town: Path, tmp_path: Path, capsys: Captured) -> None:
    place = tmp_path / "index"
    options = ("--corpus", str(town), "--index-dir", str(place))
    answered(capsys, "index", *options)
    for path in (place, *place.rglob("*")):
        path.chmod(0o500 if path.is_dir() else 0o400)
    assert BRIDGE in answered(capsys, "search", ASKED, *options)
    (town / "new.txt").write_text("Otra noticia.\n")
    assert "cannot be written (Permission denied)" in refusal(capsys, "search", ASKED, *options)


def test_the_folder_of_articles_for_an_index_folder(town: Path, capsys: Captured) -> None:
    message = f"'{town}' is the folder of articles; expected another folder for the index; name one with --index-dir"
    assert refusal(capsys, "index", "--corpus", str(town), "--index-dir", str(town)) == message
    assert sorted(path.name for path in town.iterdir()) == ["bridge.txt", "mayor.txt"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no json\n", "a.jsonl line 1 is not JSON; expected one answer a line; mend the line"),
        (b'{"citations": []}\n[]\n', "a.jsonl line 2 is no answer; expected an object with citations; mend the line"),
    ],
)
def test_answers_that_are_none(content: bytes, message: str, town: Path, capsys: Captured) -> None:
    Path("a.jsonl").write_bytes(content)
    assert refusal(capsys, "verify", "a.jsonl", "--corpus", str(town)) == message


def test_answers_that_cannot_be_read(town: Path, capsys: Captured) -> None:
    options = ("--corpus", str(town))
    assert refusal(capsys, "verify", "none.jsonl", *options).startswith("none.jsonl cannot be read (")
    Path("b.jsonl").write_bytes(b"\xff")
    assert refusal(capsys, "verify", "b.jsonl", *options).startswith("b.jsonl cannot be read (")


def test_settings_that_cannot_be_used(capsys: Captured) -> None:
    Path("qa.toml").write_text("top_k = 0\n")
    message = "qa.toml sets top_k to '0'; expected a whole number from 1 to 50; give one in that range"
    assert refusal(capsys, "ask", GIFT) == message
