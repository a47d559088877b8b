"""An index made with other parts than those in use is refused, whichever part it is, and so is each file of one.

Parts are the embedding model, the lengths of passages, the form of the files, and the rules by which texts, passages,
terms and scores are made. Rules are exchanged by appending a line to a copy of the program, which then runs by itself.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import permutations
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from index import store
from index.errors import IndexDamagedError
from tests.commands import ROOT, with_package
from tests.torture.mutations import files_below, state
from tests.torture.trials import trials

ARTICLE = (
    "Titular del día\n"
    "Los norcoreanos enseñaron las armas al Sr. Serguéi. «Fue un éxito. Volveré», dijo él en el puerto de Pyongyang.\n"
    "China calla por ahora, según dicen; nadie, que se sepa, quiere hablar de ello a media voz.\n"
    "Otra historia que empieza así…\nY otra más, de la que nada se dice...\n"
)
DO_THIS = "; run `qa index --rebuild` to make it anew"
OTHER_SCHEMA = "another schema"
BASE = {"digest": "d1", "dimension": 32, "most": 80, "least": 20}
"""Parts that are given to the program."""


class Parts(NamedTuple):
    """The parts that differ from those in use, and lines that are appended to modules of the program."""

    name: str
    given: Mapping[str, Any] = {}  # is not altered
    appended: Mapping[str, str] = {}


def rule(name: str, module: str, line: str) -> Parts:
    return Parts(name, appended={f"index/{module}.py": line})


# The first few are those of a sample.
ALL = (
    Parts("the program as it is"),
    Parts("another model of the same name and dimension", {"digest": "d2"}),
    Parts("longer passages", {"most": 81}),
    rule(OTHER_SCHEMA, "manifest", "SCHEMA = 77"),
    rule("another weight of frequency", "lexical", "_K1 = 1.5"),
    Parts("another model with shorter vectors", {"digest": "d3", "dimension": 16}),
    Parts("passages joined less", {"least": 19}),
    rule("another weight of length", "lexical", "_B = 0.75"),
    rule("rules of another name", "spanish", "NORMALISATION = 'es-0'"),
    rule("plurals as they are", "spanish", "_SHORT_PLURAL = re.compile('(?!)')"),
    rule("one more function word", "spanish", "_MORE_STOPWORDS |= {'limusina'}"),
    rule("no nouns among function words", "spanish", "_NOUNS = frozenset()"),
    rule("other stems", "spanish", "_stemmer = cache(lambda: __import__('Stemmer').Stemmer('portuguese'))"),
    rule("accents kept", "spanish", "fold = str.lower"),
    rule("fewer abbreviations", "spanish", "_ABBREVIATIONS -= {'sr'}"),
    rule("quotations divided", "spanish", "_LONGEST_QUOTED_CHARACTERS = 5"),
    rule("no countries", "countries", "level = str"),
    rule("other teasers", "chunker", "_FEWEST_TEASERS = 1"),
    rule("cut off in other words", "chunker", "_CUT_OFF = re.compile('…$')"),
    rule("no headings", "chunker", "_SENTENCE_ENDS += 'o'"),
    rule("longer sentences kept whole", "chunker", "_LONGEST_SENTENCE = 9"),
    rule(
        "texts decoded otherwise",
        "corpus",
        "_decode = decode\ndef decode(raw): return _decode(raw.replace(b'n', b'm'))",
    ),
    rule(
        "other plain text",
        "plain",
        "_plain = plain\ndef plain(written): return _plain(written.replace('\\u00ad', '-'))",
    ),
)
# What only questions feel, nothing of which is stored.
OF_QUESTIONS = (
    rule("another share of kin", "lexical", "_KIN_SHARE = 0.1"),
    rule("no related words", "lexical", "related = lambda term, english: frozenset()"),
    rule("other asides", "spanish", "_ASIDES |= {'limusina'}"),
)
HEEDLESS = rule("nothing compared", "build", "_described = lambda *parts: {}")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("articles")
    (folder / "a.txt").write_text(ARTICLE)
    return folder


def program(folder: Path, parts: Parts) -> Path:
    """A copy of what makes indexes, with the lines appended."""
    shutil.copytree(ROOT / "index", folder / "index", ignore=shutil.ignore_patterns("adapters", "__pycache__"))
    for file in ("tests/__init__.py", "tests/fakes.py", "tests/torture/__init__.py", "tests/torture/updating.py"):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / file, folder / file)
    for file, line in parts.appended.items():
        with (folder / file).open("a") as module:
            module.write(f"\n{line}\n")
    return folder


class Maker:
    """A copy of the program with parts of its own, and the index that it made."""

    def __init__(self, place: Path, parts: Parts, corpus: Path) -> None:
        self.name, self.index_dir = parts.name, place / "index"
        self._folder = program(place / "program", parts)
        self._given = {**BASE, **parts.given, "corpus": str(corpus)}
        [(outcome, self.generation)] = self.update([self.index_dir])
        assert outcome == "loaded", self.generation

    def update(self, index_dirs: Sequence[Path]) -> list[tuple[str, str]]:
        """What came of bringing each index up to date."""
        done = subprocess.run(
            [sys.executable, "-m", "tests.torture.updating", json.dumps(self._given)],
            cwd=self._folder,
            env=with_package({"PYTHONPATH": str(self._folder), "OMP_NUM_THREADS": "1"}),
            input="".join(json.dumps(str(each)) + "\n" for each in index_dirs),
            capture_output=True,
            text=True,
            check=True,
        )
        return [(outcome, said) for outcome, said in map(json.loads, done.stdout.splitlines())]

    @property
    def files(self) -> dict[str, bytes]:
        folder = self.index_dir / "generations" / self.generation
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files_below(folder)}


@pytest.fixture(scope="module")
def makers(tmp_path_factory: pytest.TempPathFactory, corpus: Path) -> list[Maker]:
    parts = ALL[: trials(5, len(ALL))]
    return [Maker(tmp_path_factory.mktemp("parts"), each, corpus) for each in parts]


def test_every_pair_of_parts_is_refused(makers: list[Maker], figure: Callable[[str], None]) -> None:
    index_dirs = [maker.index_dir for maker in makers]
    before = [state(each) for each in index_dirs]
    taken, unclear = [], []
    for maker in makers:
        for other, (outcome, said) in zip(makers, maker.update(index_dirs), strict=True):
            if outcome == "loaded":
                taken.append((maker.name, other.name))
            elif not (said.startswith("IndexMismatchError: ") and said.endswith(DO_THIS)):
                unclear.append(said)
    pairs = len(makers) * (len(makers) - 1)
    figure(f"{len(makers)} parts: {pairs + len(makers) - len(taken)} of {pairs} pairs refused")
    assert taken == [(maker.name, maker.name) for maker in makers]
    assert unclear == []
    assert [state(each) for each in index_dirs] == before, "an index of others was altered"


def test_every_file_of_an_index_made_with_other_parts_is_refused(
    makers: list[Maker], figure: Callable[[str], None]
) -> None:
    exchanged = 0
    for maker, other in permutations(makers, 2):
        if maker.name == OTHER_SCHEMA:
            continue  # refused with its own files as well
        for file, raw in other.files.items():
            path = maker.index_dir / "generations" / maker.generation / file
            whole = path.read_bytes()
            if raw == whole:
                continue
            path.write_bytes(raw)
            with pytest.raises(IndexDamagedError, match=f"altered or is incomplete: {file}.*{DO_THIS}"):
                store.load(maker.index_dir)
            path.write_bytes(whole)
            exchanged += 1
    assert exchanged >= (len(makers) - 1) ** 2
    figure(f"{exchanged} files put into an index made with other parts, all refused")


def test_what_only_questions_feel_makes_no_index_useless(makers: list[Maker], tmp_path: Path, corpus: Path) -> None:
    for number, parts in enumerate(OF_QUESTIONS[: trials(1, len(OF_QUESTIONS))]):
        maker = Maker(tmp_path / str(number), parts, corpus)
        assert maker.update([makers[0].index_dir]) == [("loaded", makers[0].generation)], parts.name


def test_a_program_that_compares_nothing_is_seen(makers: list[Maker], tmp_path: Path, corpus: Path) -> None:
    heedless = Maker(tmp_path, HEEDLESS, corpus)
    outcomes = [outcome for outcome, _ in heedless.update([maker.index_dir for maker in makers])]
    assert outcomes.count("loaded") == len(makers) - 1, "only the other schema is told by what reads it"
