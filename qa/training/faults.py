"""What is wrong with passages of the reading corpus: each check takes passages and yields a message for every fault.

The checks know the form of a good question, not its sense: that a second reader judges.
"""

import math
import re
import subprocess
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from index.quantities import quantities
from index.spanish import fold, is_english, sentences
from qa.training.passages import DATA, KINDS, Passage, Question, Span

WORDS = (80, 200)
"""The fewest and the most words of a passage."""
LONGEST_ANSWER_WORDS = 40
DICTIONARY = "es_ES"
ACCEPTED_WORDS, WIRE_WORDS = DATA / "words.txt", DATA / "wire" / "words.txt"
"""Words that the dictionary lacks and that are right, in either part: regional, new, foreign, or of a trade."""

_PASSAGE_SHINGLE_WORDS = 8
_QUESTION_SHINGLE_CHARACTERS = 4
_ALIKE_QUESTIONS = 0.75
_WORD = re.compile(r"\w+")
_OTHER_NUMBER = re.compile(r"\d|\b(un|una|mitad|tercio|parte)\b")
"""What answers «how many» and `quantities` does not take for a quantity."""


def faults_of(passage: Passage) -> Iterator[str]:
    """The faults of one passage and of its questions, each message beginning with an id."""
    for fault in _text_faults(passage):
        yield f"{passage.id}: {fault}"
    seen: set[str] = set()
    for question in passage.questions:
        for fault in _question_faults(question, passage.text):
            yield f"{question.id}: {fault}: {question.question}"
        for wording in (question.question, question.question_en):
            if fold(wording) in seen:
                yield f"{question.id}: asked before: {wording}"
            seen.add(fold(wording))


def _text_faults(passage: Passage) -> Iterator[str]:
    text = passage.text
    words = len(text.split())
    if not WORDS[0] <= words <= WORDS[1]:
        yield f"{words} words, expected {WORDS[0]} to {WORDS[1]}"
    if not unicodedata.is_normalized("NFC", text):
        yield "not in NFC"
    if re.search(r"[^\S \n]|  | \n|\n |\n\n|[\x00-\x09\x0b-\x1f\x7f]", text) or text != text.strip():
        yield "white space beyond single spaces and newlines"
    for opening, closing in ("«»", "“”", "()", "¿?", "¡!"):
        if text.count(opening) != text.count(closing) and not text.endswith("…"):
            yield f"{text.count(opening)} {opening} but {text.count(closing)} {closing}"
    if not passage.questions:
        yield "no questions"


def _question_faults(question: Question, text: str) -> Iterator[str]:
    yield from _wording_faults(question)
    spans = [*question.answers, *filter(None, [question.tempting])]
    misplaced = [fault for span in spans for fault in _span_faults(span, text)]
    if misplaced:
        yield from misplaced
    elif question.is_near_miss:
        if question.answers or question.yes_no:
            yield "a near miss with an answer"
        yield from _sentence_faults(spans, text)
    elif not question.answers:
        yield "neither an answer nor a tempting sentence"
    else:
        yield from _answer_faults(question, text)


def _wording_faults(question: Question) -> Iterator[str]:
    if question.kind not in KINDS:
        yield f"kind {question.kind}, expected one of {', '.join(KINDS)}"
    careful = "¿" in question.question
    if question.typed:
        if careful or any(mark in question.question for mark in "áéíóú"):
            yield "typed, but with ¿ or accents"
    elif not careful or not question.question.endswith("?"):
        yield "without ¿...?"
    if not question.question_en.endswith("?"):
        yield "English without ?"
    if not is_english(question.question_en) or is_english(question.question):
        yield f"not Spanish and English, as far as can be told ({question.question_en})"


def _span_faults(span: Span, text: str) -> Iterator[str]:
    if not span.text or text[span.start : span.end] != span.text:
        yield f"«{span.text}» does not stand at {span.start}"
        return
    if span.text != span.text.strip(" \n,;:"):
        yield f"«{span.text}» begins or ends with white space or punctuation"
    before, after = text[: span.start][-1:], text[span.end :][:1]
    if (before.isalnum() and span.text[0].isalnum()) or (after.isalnum() and span.text[-1].isalnum()):
        yield f"«{span.text}» begins or ends within a word"
    if "\n" in span.text:
        yield f"«{span.text}» goes over the end of a paragraph"


def _sentence_faults(spans: Iterable[Span], text: str) -> Iterator[str]:
    whole = set(sentences(text))
    for span in spans:
        if (span.start, span.end) not in whole:
            yield f"«{span.text}» is not a whole sentence"


def _answer_faults(question: Question, text: str) -> Iterator[str]:
    spans = question.answers
    if (question.kind == "yes_no") != bool(question.yes_no) or question.yes_no not in ("", "yes", "no"):
        yield f'yes_no is "{question.yes_no}"'
    if question.kind == "yes_no":
        yield from _sentence_faults(spans, text)
        return
    if (question.kind == "list") != (len(spans) > 1):
        yield f"{len(spans)} answers for a question of kind {question.kind}"
    if any(one.end > next_one.start for one, next_one in pairwise(spans)):
        yield "items that overlap or stand in another order"
    for span in spans:
        if len(span.text.split()) > LONGEST_ANSWER_WORDS:
            yield f"an answer of {len(span.text.split())} words"
        if f" {fold(span.text)} " in f" {' '.join(_WORD.findall(fold(question.question)))} ":
            yield f"«{span.text}» is in the question"
    if question.kind == "how_many" and not (quantities(spans[0].text) or _OTHER_NUMBER.search(fold(spans[0].text))):
        yield f"no number in «{spans[0].text}»"
    if question.kind in ("who", "who_says") and not spans[0].text[0].isalnum():
        yield f"«{spans[0].text}» does not begin with a name"


def duplicates(passages: Sequence[Passage]) -> Iterator[str]:
    """Ids used twice, passages that share a run of eight words, nearly alike questions of different passages."""
    yield from _same_ids(passages)
    places: dict[tuple[str, ...], str] = {}
    told: set[tuple[str, str]] = set()
    for passage in passages:
        words = _WORD.findall(fold(passage.text))
        for shingle in zip(*(words[n:] for n in range(_PASSAGE_SHINGLE_WORDS)), strict=False):
            other = places.setdefault(shingle, passage.id)
            if other != passage.id and (other, passage.id) not in told:
                told.add((other, passage.id))
                yield f"{passage.id}: «{' '.join(shingle)}» as in {other}"
    yield from _alike_questions(passages)


def _same_ids(passages: Sequence[Passage]) -> Iterator[str]:
    seen: set[str] = set()
    for passage in passages:
        for identity in (passage.id, *(question.id for question in passage.questions)):
            if identity in seen:
                yield f"{identity}: an id used before"
            seen.add(identity)


def _alike_questions(passages: Sequence[Passage]) -> Iterator[str]:
    """Pairs of questions of different passages by the Jaccard similarity of their character shingles."""
    asked = [(passage.id, question) for passage in passages for question in passage.questions]
    shingles = [_shingles(question.question) for _, question in asked]
    for one, other in sorted(_candidates(shingles)):
        (one_passage, one_question), (passage, question) = asked[one], asked[other]
        alike = len(shingles[one] & shingles[other]) / len(shingles[one] | shingles[other])
        if passage != one_passage and alike >= _ALIKE_QUESTIONS:
            yield f"{question.id}: {question.question} is much like {one_question.id}: {one_question.question}"


def _candidates(sets: Sequence[set[str]]) -> set[tuple[int, int]]:
    """Every pair of sets that can be alike: those that share one of their rarest members.

    Two sets of a Jaccard similarity of t share one of the first (1 - t) n + 1 of n members, in any common order (prefix
    filtering, Bayardo et al. 2007, https://doi.org/10.1145/1242572.1242591).
    """
    counts = Counter(member for each in sets for member in each)
    holders: dict[str, list[int]] = defaultdict(list)
    pairs: set[tuple[int, int]] = set()
    for number, members in enumerate(sets):
        rarest = sorted(members, key=lambda member: (counts[member], member))
        for member in rarest[: math.floor((1 - _ALIKE_QUESTIONS) * len(members)) + 1]:
            pairs.update((holder, number) for holder in holders[member])
            holders[member].append(number)
    return pairs


def _shingles(question: str) -> set[str]:
    plain = " ".join(_WORD.findall(fold(question)))
    size = _QUESTION_SHINGLE_CHARACTERS
    return {plain[n : n + size] for n in range(len(plain) - size + 1)}


def accepted_words(*paths: Path) -> frozenset[str]:
    """The words that are right though the dictionary lacks them, a line each; those of both parts if no path is named.

    A file that is not there holds none.
    """
    there = (path for path in paths or (ACCEPTED_WORDS, WIRE_WORDS) if path.exists())
    return frozenset(word for path in there for word in path.read_text("utf-8").split())


def misspellings(passages: Sequence[Passage], accepted: frozenset[str]) -> Iterator[str]:
    """Words of texts and careful questions that neither hunspell's Spanish nor the accepted words have.

    Words with a capital letter or a digit are taken for names, single letters for units. Raises `FileNotFoundError`
    without hunspell.
    """
    texts = {passage.id: f"{passage.title} {passage.text}" for passage in passages}
    careful = [question for passage in passages for question in passage.questions if not question.typed]
    texts |= {question.id: question.question for question in careful}
    words = {identity: re.findall(r"\b[a-záéíóúüñ]{2,}\b", text) for identity, text in texts.items()}
    unknown = _unknown({word for its in words.values() for word in its} - accepted)
    for identity, its in words.items():
        for word in its:
            if word in unknown:
                yield f"{identity}: «{word}» is not in the dictionary"


def has_dictionary() -> bool:
    """Whether hunspell is installed with the dictionary."""
    try:
        return not subprocess.run(["hunspell", "-d", DICTIONARY, "-l"], input=b"", capture_output=True).returncode
    except FileNotFoundError:
        return False


def _unknown(words: Iterable[str]) -> set[str]:
    run = subprocess.run(
        ["hunspell", "-d", DICTIONARY, "-i", "utf-8", "-l"],
        input="\n".join(sorted(words)),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    return set(run.stdout.split())
