from pathlib import Path

import pytest

from qa.errors import SettingsError
from qa.settings import Settings, resolve


def write(folder: Path, text: str | bytes) -> Path:
    (folder / "qa.toml").write_bytes(text.encode() if isinstance(text, str) else text)
    return folder


def refusal(folder: Path, flags: dict[str, object] | None = None, environment: dict[str, str] | None = None) -> str:
    with pytest.raises(SettingsError) as caught:
        resolve(flags or {}, environment or {}, folder)
    return str(caught.value)


def test_without_anything_the_defaults_hold(tmp_path: Path) -> None:
    assert resolve({}, {}, tmp_path) == Settings(Path("seeds"), None, "", "", "auto", 5, None)


def test_the_file_is_stronger_than_the_defaults(tmp_path: Path) -> None:
    write(tmp_path, 'corpus = "noticias"\ntop_k = 7\nreader = "composing"\nthreads = 2\n')
    assert resolve({}, {}, tmp_path) == Settings(Path("noticias"), None, "", "", "composing", 7, 2)


def test_the_environment_is_stronger_than_the_file_and_flags_than_both(tmp_path: Path) -> None:
    write(tmp_path, 'top_k = 7\nmodel = "a.gguf"\nembedder = "uno"\n')
    environment = {"QA_TOP_K": "8", "QA_MODEL": "b.gguf", "QA_INDEX_DIR": "aqui", "TOP_K": "9"}
    flags = {"top_k": "3", "model": None}
    assert resolve(flags, environment, tmp_path) == Settings(
        index_dir=Path("aqui"), embedder="uno", model="b.gguf", top_k=3
    )


def test_every_setting_can_come_from_the_environment(tmp_path: Path) -> None:
    environment = {
        "QA_CORPUS": "c",
        "QA_INDEX_DIR": "i",
        "QA_EMBEDDER": "e",
        "QA_MODEL": "m",
        "QA_READER": "copying",
        "QA_TOP_K": "50",
        "QA_THREADS": "1",
    }
    assert resolve({}, environment, tmp_path) == Settings(Path("c"), Path("i"), "e", "m", "copying", 50, 1)


def test_an_empty_variable_or_line_counts_as_not_given(tmp_path: Path) -> None:
    write(tmp_path, 'model = ""\n')
    assert resolve({}, {"QA_CORPUS": "", "QA_TOP_K": ""}, tmp_path) == Settings()


def test_an_empty_flag_is_a_mistake(tmp_path: Path) -> None:
    message = "the command line sets corpus to ''; expected a text that is not empty; give one"
    assert refusal(tmp_path, {"corpus": ""}) == message


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/somewhere")
    assert resolve({"corpus": "~/noticias"}, {}, tmp_path).corpus == Path("/somewhere/noticias")


def test_the_home_of_nobody_is_refused(tmp_path: Path) -> None:
    message = "the command line sets corpus to '~nobody-here/x'; expected a folder; write its path in full"
    assert refusal(tmp_path, {"corpus": "~nobody-here/x"}) == message


def test_an_unknown_key_is_named_with_those_that_exist(tmp_path: Path) -> None:
    write(tmp_path, "topk = 3\n")
    names = "corpus, index_dir, embedder, model, reader, top_k, threads"
    assert refusal(tmp_path) == f"qa.toml sets 'topk'; expected one of {names}; correct its name"


def test_an_unknown_reader_is_refused(tmp_path: Path) -> None:
    message = "the environment sets reader to 'free'; expected auto or copying or composing; choose one of these"
    assert refusal(tmp_path, environment={"QA_READER": "free"}) == message


@pytest.mark.parametrize("value", ["0", "51", "abc", "-1", "5.0", " 5", "²", "9" * 50])
def test_a_number_out_of_its_range_is_refused(tmp_path: Path, value: str) -> None:
    message = f"the command line sets top_k to '{value}'; expected a whole number from 1 to 50; give one in that range"
    assert refusal(tmp_path, {"top_k": value}) == message


def test_a_number_of_thousands_of_digits_is_refused_and_shown_in_part(tmp_path: Path) -> None:
    message = f"sets top_k to '{'9' * 60}…'; expected a whole number from 1 to 50; give one in that range"
    assert refusal(tmp_path, {"top_k": "9" * 5000}) == f"the command line {message}"


@pytest.mark.parametrize("value", ["true", "3.0", "[3]"])
def test_another_type_for_a_number_is_refused(tmp_path: Path, value: str) -> None:
    write(tmp_path, f"top_k = {value}\n")
    assert "expected a whole number from 1 to 50" in refusal(tmp_path)


@pytest.mark.parametrize("value", ["3", '["a"]', r'"a\u0000b"'])
def test_what_is_no_path_is_refused(tmp_path: Path, value: str) -> None:
    write(tmp_path, f"corpus = {value}\n")
    assert refusal(tmp_path).endswith("expected a text that is not empty; give one")


def test_a_broken_file_is_refused_with_the_place(tmp_path: Path) -> None:
    write(tmp_path, "top_k 3\n")
    where = "Expected '=' after a key in a key/value pair (at line 1, column 7)"
    assert refusal(tmp_path) == f"qa.toml cannot be read ({where}); expected a TOML file; correct or remove it"


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    write(tmp_path, b'model = "\xff"\n')
    assert refusal(tmp_path).startswith("qa.toml cannot be read (")
