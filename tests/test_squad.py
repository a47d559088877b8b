"""A SQuAD-format file as articles and questions: what is asked, what is cited as gold, what is taken away."""

import json
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.metrics import is_met
from eval.squad import (
    SquadSet,
    Within,
    own_paragraph,
    read_squad,
    read_wording,
    sampled,
    without_answer,
    without_the_answer,
    without_the_article,
    write_corpus,
)
from eval.types import Evidence, Question
from index.corpus import load
from index.fusion import SPANISH_DENSE_WEIGHT
from index.plain import plain
from index.types import Hit
from qa.answer import Assistant
from qa.errors import QuestionsError
from qa.settings import Settings
from tests.fake_model import FakeModel
from tests.fakes import FakeEmbedder

BRIDGE = "El puente de San Pablo se abrió en 1902. Lo diseñó la ingeniera Marta Ruiz."
CHURCH = "La catedral de Cuenca la empezó el maestro Juan Gil. La obra duró ochenta años."
CUP = "El equipo de Teruel ganó la final de balonmano. Marta Ruiz entregó la copa."
CROWD = "La final se jugó en 1902 ante tres mil personas."


def asked(identity: str, question: str, *answers: tuple[str, int]) -> dict[str, Any]:
    """A question of a file, with its answers and where they begin."""
    return {
        "id": identity,
        "question": question,
        "answers": [{"text": text, "answer_start": start} for text, start in answers],
    }


def paragraph(context: str, *questions: dict[str, Any]) -> dict[str, Any]:
    return {"context": context, "qas": list(questions)}


TINY = {
    "version": "2.0",
    "data": [
        {
            "title": "Cuenca",
            "paragraphs": [
                paragraph(
                    BRIDGE,
                    asked("bridge-who", "¿Quién diseñó el puente de San Pablo?", ("Marta Ruiz", 64)),
                    asked("bridge-when", "¿Cuándo se abrió el puente de San Pablo?", ("1902", 35), ("en 1902", 32)),
                    asked("bridge-cost", "¿Cuánto costó el puente de San Pablo?") | {"is_impossible": True},
                ),
                paragraph(CHURCH, asked("church", "¿Qué maestro empezó la catedral de Cuenca?", ("Juan Gil", 43))),
            ],
        },
        {
            "title": "Balonmano",
            "paragraphs": [
                paragraph(CUP, asked("cup", "¿Qué equipo ganó la final?", ("Teruel", 13), ("El equipo de Teruel", 0))),
                paragraph(CROWD, asked("crowd", "¿Ante cuántas personas se jugó la final?", ("tres mil", 30))),
            ],
        },
    ],
}
ENGLISH = {
    "bridge-who": "Who designed the San Pablo bridge?",
    "bridge-when": "When was the San Pablo bridge opened?",
    "church": "Which master began the cathedral of Cuenca?",
    "cup": "Which team won the final?",
    "crowd": "How many people watched the final?",
}
MORE = {
    "data": [
        {"title": "Cuenca", "paragraphs": [paragraph("Cuenca tiene un museo de arte.")]},
        {
            "title": "Ciclismo",
            "paragraphs": [paragraph("Acudieron 3.000 personas.", asked("no", "¿Quién?", ("3.000", 10)))],
        },
    ]
}


def written(folder: Path, content: object, name: str = "squad.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return path


@pytest.fixture
def tiny(tmp_path: Path) -> SquadSet:
    return read_squad(written(tmp_path, TINY))


@pytest.fixture
def larger(tmp_path: Path) -> SquadSet:
    return read_squad(written(tmp_path, TINY), written(tmp_path, MORE, "more.json"))


def question_of(given: SquadSet, identity: str) -> Question:
    return next(each for each in given.questions if each.id == identity)


# --- what is read


def test_each_paragraph_is_a_file_of_its_article(tiny: SquadSet) -> None:
    found = [(each.file, each.article, each.text) for each in tiny.paragraphs.values()]
    assert found == [
        ("q000-000.txt", "Cuenca", BRIDGE),
        ("q000-001.txt", "Cuenca", CHURCH),
        ("q001-000.txt", "Balonmano", CUP),
        ("q001-001.txt", "Balonmano", CROWD),
    ]
    assert list(tiny.paragraphs) == [file for file, _, _ in found]


def test_questions_have_their_answers_and_the_sentences_that_hold_them(tiny: SquadSet) -> None:
    assert [each.id for each in tiny.questions] == ["bridge-who", "bridge-when", "church", "cup", "crowd"]
    first, when, church, cup, crowd = tiny.questions
    assert first == Question(
        "bridge-who",
        "test",
        "squad",
        "es",
        "¿Quién diseñó el puente de San Pablo?",
        True,
        (("Marta Ruiz",),),
        (Evidence("q000-000.txt", 41, 75, "Lo diseñó la ingeniera Marta Ruiz."),),
    )
    # Two ways to mark an answer are alternatives of one group, and of one sentence they are one piece of evidence.
    assert (when.answers, cup.answers) == ((("1902", "en 1902"),), (("Teruel", "El equipo de Teruel"),))
    assert when.evidence == (Evidence("q000-000.txt", 0, 40, "El puente de San Pablo se abrió en 1902."),)
    assert cup.evidence == (Evidence("q001-000.txt", 0, 47, "El equipo de Teruel ganó la final de balonmano."),)
    assert church.evidence == (Evidence("q000-001.txt", 0, 52, "La catedral de Cuenca la empezó el maestro Juan Gil."),)
    assert crowd.evidence == (Evidence("q001-001.txt", 0, 48, CROWD),)
    assert tiny.files == {
        "bridge-who": "q000-000.txt",
        "bridge-when": "q000-000.txt",
        "church": "q000-001.txt",
        "cup": "q001-000.txt",
        "crowd": "q001-001.txt",
    }


def test_what_is_marked_impossible_is_not_asked(tiny: SquadSet) -> None:
    assert "bridge-cost" not in tiny.files
    assert "bridge-cost" not in [each.id for each in tiny.questions]


def test_an_answer_over_two_sentences_has_both_as_evidence(tmp_path: Path) -> None:
    both = "Juan Gil. La obra"
    item = asked("a", "¿Qué?", (both, CHURCH.index(both)), ("ochenta", 66))
    read = read_squad(written(tmp_path, {"data": [{"paragraphs": [paragraph(CHURCH, item)]}]}))
    assert read.questions[0].answers == ((both, "ochenta"),)
    assert read.questions[0].evidence == (
        Evidence("q000-000.txt", 0, len(CHURCH), CHURCH),
        Evidence("q000-000.txt", 53, len(CHURCH), "La obra duró ochenta años."),
    )


@pytest.mark.parametrize("start", [0, 63, 65, -11, 10_000, -1])
def test_an_answer_that_does_not_stand_where_it_is_marked_shows_no_place(tmp_path: Path, start: int) -> None:
    item = asked("a", "¿Quién?", ("Marta Ruiz", start))
    read = read_squad(written(tmp_path, {"data": [{"paragraphs": [paragraph(BRIDGE, item)]}]}))
    assert (read.questions[0].answers, read.questions[0].evidence) == ((("Marta Ruiz",),), ())


def test_distractors_bring_paragraphs_and_no_questions(tiny: SquadSet, larger: SquadSet) -> None:
    assert (larger.questions, larger.files) == (tiny.questions, tiny.files)
    added = {file: each for file, each in larger.paragraphs.items() if file not in tiny.paragraphs}
    assert {file: (each.article, each.text) for file, each in added.items()} == {
        "d000-000.txt": ("Cuenca", "Cuenca tiene un museo de arte."),
        "d001-000.txt": ("Ciclismo", "Acudieron 3.000 personas."),
    }
    assert {file: each for file, each in larger.paragraphs.items() if file in tiny.paragraphs} == tiny.paragraphs


def test_articles_without_a_title_are_articles_of_their_own(tmp_path: Path) -> None:
    item = asked("a", "¿Qué equipo?", ("Teruel", 13))
    nameless: dict[str, Any] = {"data": [{"paragraphs": [paragraph(CUP, item)]}, {"paragraphs": [paragraph(CHURCH)]}]}
    nameless["data"].append({"title": None, "paragraphs": [paragraph(BRIDGE)]})
    read = read_squad(written(tmp_path, nameless), written(tmp_path, nameless, "more.json"))
    assert len({each.article for each in read.paragraphs.values()}) == len(read.paragraphs) == 6
    kept = without_the_article(read, read.questions[0])
    assert kept == {"q001-000.txt", "q002-000.txt"}


# --- the files


def test_the_files_hold_the_paragraphs_to_the_last_character(larger: SquadSet, tmp_path: Path) -> None:
    write_corpus(larger.paragraphs, tmp_path / "deep" / "corpus")
    read = {each.file: each.text for each in load(tmp_path / "deep" / "corpus").documents}
    assert read == {file: each.text for file, each in larger.paragraphs.items()}


@pytest.mark.parametrize("marks", ["\ufeff", "\ufeff\ufeff"])
def test_a_byte_order_mark_shifts_no_evidence(tmp_path: Path, marks: str) -> None:
    start = len(marks) + CUP.index("Teruel")
    item = asked("a", "¿Qué equipo?", ("Teruel", start))
    given = read_squad(written(tmp_path, {"data": [{"paragraphs": [paragraph(marks + CUP, item)]}]}))
    write_corpus(given.paragraphs, tmp_path / "corpus")
    text = load(tmp_path / "corpus").documents[0].text
    evidence = given.questions[0].evidence
    assert evidence == (Evidence("q000-000.txt", 0, 47, "El equipo de Teruel ganó la final de balonmano."),)
    assert text[evidence[0].start : evidence[0].end] == evidence[0].quote
    assert given.paragraphs["q000-000.txt"].text == text


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), min_size=1, max_size=3))
def test_whatever_a_paragraph_holds_the_corpus_has_it_or_leaves_it_out(
    tmp_path_factory: pytest.TempPathFactory, contexts: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    contexts = [*contexts, CUP]
    items = [paragraph(CUP, asked("a", "¿Qué?", ("Teruel", 13))), *map(paragraph, contexts)]
    given = read_squad(written(folder, {"data": [{"paragraphs": items}]}))
    write_corpus(given.paragraphs, folder / "corpus")
    texts = {each.file: each.written for each in load(folder / "corpus").documents}
    for file, each in given.paragraphs.items():
        # What the corpus leaves out is white space, what cannot be seen, and binary data.
        assert texts.get(file) == each.text or not plain(each.text)[0].strip() or "\0" in each.text


# --- which questions


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        (None, [0, 1, 2, 3, 4, 5, 6]),
        (7, [0, 1, 2, 3, 4, 5, 6]),
        (100, [0, 1, 2, 3, 4, 5, 6]),
        (1, [0]),
        (2, [0, 3]),  # 0 and 7 // 2
        (3, [0, 2, 4]),  # 0, 7 // 3, 14 // 3
        (6, [0, 1, 2, 3, 4, 5]),
    ],
)
def test_a_sample_is_spread_over_the_file(most: int | None, expected: list[int]) -> None:
    questions = [Question(str(number), "test", "squad", "es", "¿Qué?", True) for number in range(7)]
    assert [each.id for each in sampled(questions, most)] == [str(number) for number in expected]


@given(st.integers(1, 60), st.integers(1, 70))
def test_a_sample_has_as_many_as_it_may_and_none_twice(count: int, most: int) -> None:
    questions = [Question(str(number), "test", "squad", "es", "¿Qué?", True) for number in range(count)]
    places = [int(each.id) for each in sampled(questions, most)]
    assert len(places) == min(count, most)
    assert places == sorted(set(places))
    gaps = [after - before for before, after in pairwise(places)]
    assert max(gaps, default=0) - min(gaps, default=0) <= 1


def test_english_wording_is_taken_by_id(tiny: SquadSet, tmp_path: Path) -> None:
    path = written(tmp_path, {**ENGLISH, "other": "Whose?"}, "english.json")
    wording = read_wording(path, tiny.questions)
    assert {each.id: wording[each.id] for each in tiny.questions} == ENGLISH
    # Only those that are asked must be there.
    some = written(tmp_path, {"cup": ENGLISH["cup"]}, "some.json")
    assert read_wording(some, [question_of(tiny, "cup")])["cup"] == ENGLISH["cup"]
    with pytest.raises(QuestionsError, match=r"some\.json has no question bridge-who; expected every id; "):
        read_wording(some, tiny.questions)
    with pytest.raises(QuestionsError, match=r"null\.json has no question cup; "):
        read_wording(written(tmp_path, {**ENGLISH, "cup": None}, "null.json"), tiny.questions)


# --- what is no such file


def article(*paragraphs: object) -> dict[str, Any]:
    return {"data": [{"title": "t", "paragraphs": list(paragraphs)}]}


GOOD = asked("a", "¿Qué equipo?", ("Teruel", 13))
ANOTHER_FORM = r"squad\.json is not in SQuAD format; expected articles, paragraphs, questions; name another"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", r"squad\.json cannot be read as JSON \("),
        (b"", r"squad\.json cannot be read as JSON \("),
        (b'{"data": "Se\xfal"}', r"squad\.json cannot be read as JSON \("),
        (b"[" * 200_000, r"squad\.json cannot be read as JSON \("),
        (json.dumps(article(paragraph("half \ud800", GOOD))).encode(), r"squad\.json cannot be read as JSON \("),
        ([], r"squad\.json holds no JSON object; "),
        ("data", r"squad\.json holds no JSON object; "),
        ({}, ANOTHER_FORM),
        ({"data": []}, ANOTHER_FORM),
        ({"data": {"title": "t", "paragraphs": []}}, ANOTHER_FORM),
        ({"data": ["t"]}, ANOTHER_FORM),
        ({"data": [{"title": "t"}]}, ANOTHER_FORM),
        ({"data": [{"paragraphs": {"context": CUP, "qas": [GOOD]}}]}, ANOTHER_FORM),
        (article(CUP), ANOTHER_FORM),
        (article({"qas": [GOOD]}), ANOTHER_FORM),
        (article({"context": None, "qas": [GOOD]}), ANOTHER_FORM),
        (article({"context": CUP}), ANOTHER_FORM),
        (article({"context": CUP, "qas": GOOD}), ANOTHER_FORM),
        (article({"context": CUP, "qas": ["¿Qué equipo?"]}), ANOTHER_FORM),
        (article(paragraph(CUP, {**GOOD, "id": 7})), ANOTHER_FORM),
        (article(paragraph(CUP, {**GOOD, "question": None})), ANOTHER_FORM),
        (article(paragraph(CUP, {"id": "a", "question": "¿Qué?"})), ANOTHER_FORM),
        (article(paragraph(CUP, {**GOOD, "answers": {"text": ["Teruel"], "answer_start": [13]}})), ANOTHER_FORM),
        (article(paragraph(CUP, {**GOOD, "answers": ["Teruel"]})), ANOTHER_FORM),
        (article(paragraph(CUP, {**GOOD, "answers": [{"text": 7, "answer_start": 13}]})), ANOTHER_FORM),
        (article(paragraph(CUP, {**GOOD, "answers": [{"text": "Teruel", "answer_start": "13"}]})), ANOTHER_FORM),
        ({"data": [article(paragraph(CUP, GOOD))]}, ANOTHER_FORM),
        (article(paragraph(CUP, GOOD), paragraph(CHURCH, GOOD)), r"squad\.json has the id a twice; "),
        (article(), r"squad\.json has no question with an answer; "),
        (article(paragraph(CUP, {**GOOD, "answers": []})), r"squad\.json has no question with an answer; "),
    ],
)  # fmt: skip
def test_a_file_of_another_form_is_named(tmp_path: Path, content: object, message: str) -> None:
    path = tmp_path / "squad.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    with pytest.raises(QuestionsError, match=message):
        read_squad(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    good = written(tmp_path, TINY)
    for call in (
        lambda path: read_squad(path),
        lambda path: read_squad(good, path),
        lambda path: read_wording(path, ()),
    ):
        for path, reason in ((tmp_path / "none.json", "No such file"), (tmp_path, "Is a directory")):
            with pytest.raises(QuestionsError, match=reason) as caught:
                call(path)
            assert str(caught.value).startswith(f"{path} cannot be read as JSON (")


def test_distractors_may_be_without_questions_but_not_of_another_form(tmp_path: Path) -> None:
    good, other = written(tmp_path, TINY), written(tmp_path, article(paragraph(CUP)), "other.json")
    assert len(read_squad(good, other).paragraphs) == 5
    with pytest.raises(QuestionsError, match=r"bad\.json is not in SQuAD format"):
        read_squad(good, written(tmp_path, {"data": [1]}, "bad.json"))


# --- what is taken away


def test_the_readers_own_paragraph_is_the_only_one_left(larger: SquadSet) -> None:
    assert [own_paragraph(larger, each) for each in larger.questions] == [
        frozenset((larger.files[each.id],)) for each in larger.questions
    ]


@pytest.mark.parametrize(
    ("identity", "near", "off"),
    [
        # CUP names Marta Ruiz too; of the near ones CHURCH is of the same article, and any distractor may be.
        ("bridge-who", {"q000-001", "q001-001", "d000-000", "d001-000"}, {"q001-001"}),
        # CROWD says 1902 too.
        ("bridge-when", {"q000-001", "q001-000", "d000-000", "d001-000"}, {"q001-000"}),
        ("church", {"q000-000", "q001-000", "q001-001", "d000-000", "d001-000"}, {"q001-000", "q001-001"}),
        (
            "cup",
            {"q000-000", "q000-001", "q001-001", "d000-000", "d001-000"},
            {"q000-000", "q000-001"},
        ),
        # «tres mil» stands in a distractor as 3.000.
        ("crowd", {"q000-000", "q000-001", "q001-000", "d000-000"}, {"q000-000", "q000-001"}),
    ],
)
def test_what_is_left_without_the_answer_and_without_the_article(
    larger: SquadSet, identity: str, near: set[str], off: set[str]
) -> None:
    question = question_of(larger, identity)
    assert without_the_answer(larger, question) == {f"{name}.txt" for name in near}
    assert without_the_article(larger, question) == {f"{name}.txt" for name in off}


def test_the_twin_asks_the_same_and_has_no_answer(tiny: SquadSet) -> None:
    question = question_of(tiny, "cup")
    twin = without_answer(question, "near_miss")
    assert (twin.id, twin.question, twin.lang, twin.split) == ("cup", question.question, "es", "test")
    assert (twin.type, twin.why_unanswerable) == ("near_miss", "near_miss")
    assert (twin.answerable, twin.answers, twin.evidence) == (False, (), ())


WORDS = (
    "El la Seúl seul tres mil 3.000 3000 cinco 5 15/01/2024 15 de enero 2024 un plan plano Kim Un 7 % € «sí»".split()
)


@st.composite
def sets(draw: st.DrawFn) -> dict[str, Any]:
    """Articles whose words recur, each paragraph with questions that its own words answer."""
    articles = []
    for number in range(draw(st.integers(1, 3))):
        paragraphs = [] if number else [paragraph(CUP, GOOD)]
        for place in range(draw(st.integers(1, 3))):
            words = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=8))
            questions = []
            for count in range(draw(st.integers(0, 2))):
                first = draw(st.integers(0, len(words) - 1))
                last = draw(st.integers(first, len(words) - 1))
                start = len(" ".join([*words[:first], ""]))
                answer = " ".join(words[first : last + 1])
                questions.append(asked(f"{number}-{place}-{count}", "¿Qué?", (answer, start)))
            paragraphs.append(paragraph(" ".join(words), *questions))
        articles.append({"title": f"t{number % 2}", "paragraphs": paragraphs})
    return {"data": articles}


@given(sets())
def test_no_paragraph_that_is_left_holds_an_answer_and_none_goes_needlessly(
    tmp_path_factory: pytest.TempPathFactory, content: dict[str, Any]
) -> None:
    given = read_squad(written(tmp_path_factory.mktemp("sets"), content))
    for question in given.questions:
        own = given.paragraphs[given.files[question.id]]
        held = {
            file
            for file, each in given.paragraphs.items()
            if any(is_met([answer], each.text) for group in question.answers for answer in group)
        }
        near, off = without_the_answer(given, question), without_the_article(given, question)
        assert near == given.paragraphs.keys() - held - {own.file}
        assert off == {file for file in near if given.paragraphs[file].article != own.article}


# --- the search over what is left


class Town:
    """The larger set as an index, and the search within some of its files."""

    def __init__(self, folder: Path, given: SquadSet) -> None:
        self.given = given
        self.embedder = FakeEmbedder()
        self._folder = folder
        self.index = self.assistant_of(given.paragraphs).index()

    def assistant_of(self, files: Iterable[str], top_k: int = 5) -> Assistant:
        """An assistant over a corpus of just these files."""
        place = self._folder / " ".join(sorted(file.removesuffix(".txt") for file in files))
        write_corpus({file: self.given.paragraphs[file] for file in files}, place / "corpus")
        return Assistant(Settings(place / "corpus", place / "index", top_k=top_k), self.embedder, FakeModel())

    def hits(self, question: str, files: frozenset[str] | None, top_k: int = 5) -> Sequence[Hit]:
        within = Within(self.embedder, top_k)
        within.files = files
        return within(question, self.index)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    folder = tmp_path_factory.mktemp("town")
    return Town(folder, read_squad(written(folder, TINY), written(folder, MORE, "more.json")))


def found(hits: Sequence[Hit]) -> list[tuple[str, float, int, str]]:
    return [(hit.passage.text, round(hit.score, 5), hit.rank, hit.origin) for hit in hits]


QUESTION = "¿Quién entregó la copa de la final en Cuenca?"
ALL_BUT_CUP = frozenset(("q000-000.txt", "q000-001.txt", "q001-001.txt", "d000-000.txt"))


def test_within_all_files_it_is_the_search_itself(town: Town) -> None:
    plain = town.assistant_of(town.given.paragraphs, top_k=3).search(QUESTION)
    assert found(town.hits(QUESTION, None, 3)) == found(plain)
    assert found(town.hits(QUESTION, frozenset(town.given.paragraphs), 3)) == found(plain)
    assert len(plain) == 3


def test_scores_are_as_if_there_were_no_other_files(town: Town) -> None:
    names = {each.id: each.file for each in town.index.documents}
    texts = [each.text for each in town.index.passages]
    kept = [place for place, each in enumerate(town.index.passages) if names[each.document_id] in ALL_BUT_CUP]
    words = town.index.lexical.scores(QUESTION)
    cosines = town.index.dense.scores(town.embedder.encode([QUESTION])[0])
    best_of_kept = max(words[place] for place in kept)
    assert 0 < best_of_kept < words.max()  # CUP holds the words best, and what it holds must not count
    expected = sorted(
        ((words[at] / best_of_kept + SPANISH_DENSE_WEIGHT * cosines[at], texts[at]) for at in kept), reverse=True
    )
    hits = town.hits(QUESTION, ALL_BUT_CUP)
    assert [hit.passage.text for hit in hits] == [text for _, text in expected]
    assert [hit.score for hit in hits] == pytest.approx([float(score) for score, _ in expected], abs=1e-5)


def test_where_words_say_nothing_it_is_the_search_over_a_corpus_of_these_files(town: Town) -> None:
    alone = town.assistant_of(ALL_BUT_CUP)
    assert len(alone.files) == 4
    for question in ("¿Zzyzx qwfp?", "¿Wuthering heights xylo?"):
        assert not town.index.lexical.scores(question).any()
        assert found(town.hits(question, ALL_BUT_CUP)) == found(alone.search(question))


def test_the_weights_of_words_are_those_of_the_whole_corpus(town: Town) -> None:
    # «1902» stands in two files of six, and in one of the two that are left: rarer by far if these were all.
    two = frozenset(("q000-000.txt", "q000-001.txt"))
    assert town.index.lexical.inverse_document_frequency("1902") == pytest.approx(np.log(1 + 4.5 / 2.5))
    assert town.assistant_of(two).index().lexical.inverse_document_frequency("1902") == pytest.approx(
        np.log(1 + 1.5 / 1.5)
    )
    assert [hit.passage.text for hit in town.hits("1902", two)] == [BRIDGE, CHURCH]


@pytest.mark.parametrize("choice", [own_paragraph, without_the_answer, without_the_article])
def test_what_is_removed_is_never_found(town: Town, choice: Callable[[SquadSet, Question], frozenset[str]]) -> None:
    names = {each.id: each.file for each in town.index.documents}
    for question in town.given.questions:
        files = choice(town.given, question)
        hits = town.hits(question.question, files)
        assert {names[hit.passage.document_id] for hit in hits} == files  # five hits at most, and no more are left
        assert [hit.rank for hit in hits] == list(range(1, len(files) + 1))


def test_the_files_can_be_set_anew_and_may_be_none(town: Town) -> None:
    within = Within(town.embedder, 2)
    assert len(within(QUESTION, town.index)) == 2
    within.files = frozenset()
    assert list(within(QUESTION, town.index)) == []
    within.files = frozenset(("q001-000.txt",))
    assert [hit.passage.text for hit in within(QUESTION, town.index)] == [CUP]
    within.files = None
    assert len(within(QUESTION, town.index)) == 2
