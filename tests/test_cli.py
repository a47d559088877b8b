"""Whole commands with the installed models: what they print where, and with which status they end."""

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from qa.cli import run
from qa.model_files import file_digest
from tests.commands import GIFT, QA, ROOT, SEEDS, qa, with_package
from tests.tiny_gguf import write_model

KEYS = [
    "schema",
    "id",
    "question",
    "understood",
    "answer",
    "abstained",
    "reason",
    "confidence",
    "citations",
    "rejected",
    "passages",
    "notices",
    "model",
    "index",
    "seconds",
]
CITATION_KEYS = ["marker", "file", "sha256", "encoding", "start", "end", "line", "quote", "answer_start", "answer_end"]
GIFT_QUOTE = "En febrero, Putin le regaló a Kim una limusina rusa de lujo, contraviniendo las sanciones de la ONU."
COMMANDS = ("ask", "chat", "batch", "search", "index", "verify", "models", "eval")
ESCAPE = "\x1b"


@pytest.fixture(autouse=True)
def in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def town(tmp_path: Path) -> Path:
    """A folder with two short articles."""
    folder = tmp_path / "town"
    folder.mkdir()
    (folder / "mayor.txt").write_text("La alcaldesa Marta Ruiz inauguró el puente nuevo sobre el río Júcar.\n")
    (folder / "baker.txt").write_text("El panadero Julián Ortega abrió su tienda en Cuenca en marzo de 2019.\n")
    return folder


def standard_input(content: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(content), encoding="utf-8")


def require_true_citations(record: dict[str, Any], corpus: Path) -> None:
    assert record["citations"]
    for citation in record["citations"]:
        text = (corpus / citation["file"]).read_bytes().decode(citation["encoding"])
        assert text[citation["start"] : citation["end"]] == citation["quote"]
        assert citation["start"] <= citation["answer_start"] < citation["answer_end"] <= citation["end"]


def test_ask_prints_the_answer_and_where_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ask", GIFT]) == 0
    out, err = capsys.readouterr()
    assert out == f"una limusina rusa de lujo [1]\n[1] 003_6b36a17d40a337a5.txt:11 «{GIFT_QUOTE}»\n"
    assert err == ""
    assert ESCAPE not in out


def test_ask_as_json_prints_one_record_with_its_keys_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ask", "--json", GIFT]) == 0
    out, err = capsys.readouterr()
    assert (out.count("\n"), err) == (1, "")
    record = json.loads(out)
    assert list(record) == KEYS
    assert (record["schema"], record["id"], record["question"]) == (1, "q1", GIFT)
    assert (record["abstained"], record["reason"], record["rejected"]) == (False, None, [])
    assert [list(citation) for citation in record["citations"]] == [CITATION_KEYS]
    assert record["citations"][0]["quote"] == GIFT_QUOTE
    require_true_citations(record, SEEDS)
    assert len(record["passages"]) == 5
    assert list(record["passages"][0]) == ["file", "start", "end", "score", "origin"]
    assert list(record["seconds"]) == ["search", "read", "total"]


def test_ask_reads_the_question_from_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs, asked = [], "resume el artículo 3"
    for content in (asked.encode() + b"\n", asked.encode("utf-16"), asked.encode("cp1252"), asked.encode("utf-8-sig")):
        monkeypatch.setattr(sys, "stdin", standard_input(content))
        assert run(["ask", "-"]) == 0
        outputs.append(capsys.readouterr().out)
    assert outputs[0].startswith("Resumen de 002_c79990d1d70106f7.txt\n")
    assert outputs == outputs[:1] * 4


def test_a_greeting_gets_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ask", "hola"]) == 0
    greeting = "Hola. Pregunte algo que puedan decir los artículos, o pida «resume el artículo 1».\n"
    assert capsys.readouterr() == (greeting, "")


def test_an_abstention_says_why_and_ends_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ask", "¿Qué hizo Putin en 1987?"]) == 0
    out, err = capsys.readouterr()
    assert err == "qa: no article mentions 1987\n"
    lines = out.splitlines()
    assert lines[:3] == ["No consta.", "La pregunta se sale de las fechas de los artículos.", "Lo más cercano:"]
    assert len(lines) == 6
    assert all(re.fullmatch(r"  00\d_[0-9a-f]{16}\.txt «.+»", line) for line in lines[3:])


def test_search_prints_passages_with_score_origin_and_place(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["search", "limusina rusa de lujo", "--top-k", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    heads = [line for line in lines if re.match(r"\d+\. ", line)]
    assert len(heads) == 2
    assert re.fullmatch(
        r"1\. 003_6b36a17d40a337a5\.txt:\d+-\d+  score \d+\.\d{3}  (lexical|dense|lexical\+dense)", heads[0]
    )
    assert "una limusina rusa de lujo" in lines[1]


def test_search_as_json_prints_one_passage_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["search", "--json", "limusina rusa de lujo", "--top-k", "3"]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [record["rank"] for record in records] == [1, 2, 3]
    for record in records:
        assert list(record) == ["rank", "file", "start", "end", "score", "origin", "text"]
        text = (SEEDS / record["file"]).read_bytes().decode()
        assert text[record["start"] : record["end"]] == record["text"]
    scores = [record["score"] for record in records]
    assert scores == sorted(scores, reverse=True)


def test_index_counts_what_changed(town: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "index"
    command = ["index", "--corpus", str(town), "--index-dir", str(place)]
    (town / "noise.txt").write_bytes(b"\0\1\2")
    warning = "qa: skipped noise.txt: binary data\n"
    assert run(command) == 0
    first = "2 added, 0 changed, 0 removed, 0 unchanged, 1 skipped\n"
    assert capsys.readouterr() == (f"{first}2 passages, 2 embedded, in {place}\n", warning)
    assert run(command) == 0
    second = "0 added, 0 changed, 0 removed, 2 unchanged, 1 skipped\n"
    assert capsys.readouterr() == (f"{second}2 passages, 0 embedded, in {place}\n", warning)
    (town / "noise.txt").unlink()
    (town / "mayor.txt").write_text("La alcaldesa Marta Ruiz ha dimitido.\n")
    (town / "baker.txt").unlink()
    (town / "coach.txt").write_text("El equipo de Teruel ganó la final.\n")
    assert run(command) == 0
    third = "1 added, 1 changed, 1 removed, 0 unchanged, 0 skipped\n"
    assert capsys.readouterr() == (f"{third}2 passages, 2 embedded, in {place}\n", "")
    assert run([*command, "--rebuild"]) == 0
    rebuilt = "2 added, 0 changed, 0 removed, 0 unchanged, 0 skipped\n"
    assert capsys.readouterr() == (f"{rebuilt}2 passages, 2 embedded, in {place}\n", "")


def test_verify_tells_true_quotations_from_false_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ask", "--json", GIFT]) == 0
    true = capsys.readouterr().out
    answers = tmp_path / "a.jsonl"
    answers.write_text(true)
    assert run(["verify", str(answers)]) == 0
    assert capsys.readouterr() == ("1 of 1 quotations hold\n", "")
    answers.write_text(true + true.replace("rusa de lujo", "rusa barata"))
    assert run(["verify", str(answers)]) == 4
    expected = f"line 2: 003_6b36a17d40a337a5.txt: never stood there ({GIFT})\n1 of 2 quotations hold\n"
    assert capsys.readouterr() == (expected, "")


def test_verify_tells_a_changed_file_and_a_missing_one(
    town: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--corpus", str(town)]
    assert run(["ask", "--json", "resume el artículo 2", *options]) == 0
    answers = tmp_path / "a.jsonl"
    answers.write_text(capsys.readouterr().out)
    (town / "mayor.txt").write_text("Otra cosa.\n")
    assert run(["verify", str(answers), *options]) == 4
    assert capsys.readouterr().out == "line 1: mayor.txt: file changed (resume el artículo 2)\n0 of 1 quotations hold\n"
    (town / "mayor.txt").unlink()
    assert run(["verify", str(answers), *options]) == 4
    assert capsys.readouterr().out == "line 1: mayor.txt: file missing (resume el artículo 2)\n0 of 1 quotations hold\n"


def test_models_shows_names_places_and_digests(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "embedder  all-MiniLM-L6-v2"
    assert (Path(lines[1].split(maxsplit=1)[1]) / "model.safetensors").is_file()
    assert re.fullmatch(r"  sha256  [0-9a-f]{64}", lines[2])
    assert lines[3] == "reader    SmolLM2-135M-Instruct.Q4_1.gguf (copying)"
    assert Path(lines[4].split(maxsplit=1)[1]).is_file()
    assert lines[5] == "  sha256  b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


def test_models_shows_what_was_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "other.gguf"
    other.write_bytes(b"abc")
    assert run(["models", "--model", str(other)]) == 0
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # SHA-256 of "abc", FIPS 180-2
    assert capsys.readouterr().out.splitlines()[3:] == [
        "reader    other.gguf (composing)",
        f"  at      {other}",
        f"  sha256  {digest}",
    ]


def test_a_model_that_has_changed_is_used_once_it_is_accepted(
    tmp_path: Path, town: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    model = str(write_model(tmp_path / "m.gguf"))
    asked = ["ask", "¿Quién inauguró el puente?", "--corpus", str(town), "--model", model]
    assert run(asked) == 0
    first = file_digest(Path(model))
    write_model(Path(model), seed=1)
    capsys.readouterr()
    assert run(asked) == 1
    assert "was altered since it was first used" in capsys.readouterr().err
    assert run(["models", "--model", model]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"  altered since it was first used, then {first}"
    assert run(["models", "--model", model, "--accept"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"  sha256  {file_digest(Path(model))}"
    assert run(asked) == 0


def test_there_must_be_a_model_to_accept(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "--accept"]) == 2
    assert "--accept needs a model: --model FILE or --embedder FOLDER" in capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_shows_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([command, "--help"]) == 0
    out = capsys.readouterr().out
    assert f"Usage: qa {command} [OPTIONS]" in out
    assert f"Example: qa {'ask --json' if command == 'verify' else command}" in " ".join(out.split())
    assert ESCAPE not in out


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    listed = re.findall(r"^  (\w+)  ", capsys.readouterr().out.split("Commands:")[1], re.MULTILINE)
    assert listed == list(COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ask", "--jsno", "x"], "No such option: --jsno (Possible options: --json)"),
        (["ask"], "Missing argument 'question'"),
        (["ask", "x", "--top-k"], "Option '--top-k' requires an argument"),
        (["ask", "x", "y"], "Got unexpected extra argument(s) (y)"),
        (["asj"], "No such command 'asj'"),
    ],
)
def test_wrong_usage_is_one_line_and_ends_with_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"qa: {message}")
    assert err.endswith("; see qa --help\n")


def test_nothing_asked_shows_the_help_and_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("Usage: qa [OPTIONS] COMMAND [ARGS]...\n")


def test_wrong_values_of_options_end_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ask", GIFT, "--top-k", "51"]) == 1
    message = "qa: the command line sets top_k to '51'; expected a whole number from 1 to 50; give one in that range\n"
    assert capsys.readouterr() == ("", message)


def test_the_version_is_that_of_the_distribution(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr() == ("qa (consta) 0.1.0\n", "")


class Interrupted(io.BytesIO):
    """Standard input at which the user presses Ctrl-C."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise KeyboardInterrupt


def test_an_interruption_ends_with_130(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Interrupted()))
    assert run(["ask", "-"]) == 130
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("records", [1, 5000])
def test_a_reader_that_goes_away_gets_no_complaint(tmp_path: Path, records: int) -> None:
    answers = tmp_path / "a.jsonl"
    answers.write_text('{"question": "x", "citations": [{}]}\n' * records)
    assert_quiet(["verify", str(answers)])


def test_a_reader_of_search_results_that_goes_away_gets_no_complaint() -> None:
    assert_quiet(["search", "Putin", "--top-k", "50"])


def assert_quiet(arguments: list[str]) -> None:
    """Runs a command whose output nobody reads any more when it comes."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*QA, *arguments], stdout=writing, stderr=subprocess.PIPE, env=with_package({}), check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


class Terminal(io.StringIO):
    """Standard output that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def shown_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> str:
    terminal = Terminal()
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "500")
    monkeypatch.setattr(sys, "stdout", terminal)
    assert run(["ask", "resume el artículo 3"]) == 0
    return terminal.getvalue()


COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3\d|9\d|4\d)(?:;\d+)*m")


def test_a_terminal_gets_colours_and_links(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = shown_on_a_terminal(monkeypatch)
    assert COLOUR.search(shown)
    assert f"{(SEEDS / '002_c79990d1d70106f7.txt').as_uri()}{ESCAPE}\\" in shown


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert not COLOUR.search(shown_on_a_terminal(monkeypatch))


def test_escape_sequences_of_articles_never_reach_the_output(
    town: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile = "El alcalde \x1b]0;malo\x07 de Vinuesa \x1b[31mplantó\x1b[0m un \x9b2J olmo \u202eviejo en la plaza."
    (town / "z\x1b[2Jz.txt").write_text("Nombre hostil.\n")
    (town / "hostile.txt").write_text(f"{hostile}\n")
    for options in ([], ["--json"]):
        assert (
            run(["ask", "¿Qué olmo hay en la plaza de Vinuesa, \x1b[31m alcalde?", "--corpus", str(town), *options])
            == 0
        )
        out, err = capsys.readouterr()
        assert "Vinuesa" in out
        for character in ("\x1b", "\x07", "\x9b", "\u202e"):
            assert character not in out + err
        assert err.startswith("qa: skipped z\\x1b[2Jz.txt: name with")
    assert json.loads(out)["citations"][0]["quote"] == hostile
    monkeypatch.setenv("COLUMNS", "40")
    assert run(["search", "olmo", "--corpus", str(town)]) == 0
    assert not re.search("[\x1b\x07\x9b\u202e]", capsys.readouterr().out)


C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
LATIN_1 = {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}


def test_without_a_locale_everything_is_utf_8(town: Path) -> None:
    options = ["--corpus", str(town)]
    plain = qa("ask", "resume el artículo 2", *options)
    assert "«La alcaldesa Marta Ruiz inauguró el puente nuevo sobre el río Júcar.» [1]\n" in plain.stdout
    bare = qa("ask", "resume el artículo 2", *options, environment=C_LOCALE)
    assert (bare.stdout, bare.stderr, bare.returncode) == (plain.stdout, "", 0)
    piped = qa("ask", "-", *options, environment=C_LOCALE, stdin="resume el artículo 2".encode())
    assert (piped.stdout, piped.returncode) == (plain.stdout, 0)


def test_records_survive_an_output_that_is_not_utf_8(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("El ministro dijo “nunca” en la ciudad de Łódź, según la agencia de prensa.\n")
    done = qa("ask", "--json", "resume el artículo 1", "--corpus", str(tmp_path), environment=LATIN_1)
    assert done.stdout.isascii()
    require_true_citations(json.loads(done.stdout), tmp_path)


def test_text_that_the_output_cannot_hold_does_not_stop_it(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("El ministro dijo “nunca” en la ciudad de Lodz, sin acentos que valgan.\n")
    done = qa("ask", "resume el articulo 1", "--corpus", str(tmp_path), environment={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0
    assert "El ministro dijo “nunca” en la ciudad" in done.stdout


def test_a_question_that_is_not_text_is_refused() -> None:
    done = subprocess.run(
        [*QA, "ask", b"\xff\xfe\xfd"], cwd=ROOT, capture_output=True, env=with_package({}), check=False
    )
    message = b"qa: a question that is not text; expected a question in UTF-8; convert it first\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", message)
