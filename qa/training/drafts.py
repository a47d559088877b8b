"""A draft, the plain text in which passages are written <-> `Passage`s, with every offset found.

    @ salud-01 | agencia | Perú | El título
    La alcaldesa Ruth Quispe abrió el martes la posta.
    Otro párrafo.

    who | ¿Quién abrió la posta? | Who opened the health post? | Ruth Quispe
    ~when | cuando abrio la posta | When did the health post open? | el martes
    yes | ¿Abrió la posta? | Did the health post open? | abrió el martes
    list | ¿...? | ...? | first item ;; second item
    !how_many | ¿Cuánto costó la posta? | How much did the post cost? | abrió el martes

`~` before the kind: as people type; `!`: a near miss (`~!` and `!~` are both). For `yes`, `no` and near misses the last
field is any piece of the sentence that decides or tempts. A piece that occurs more than once is given with its
surroundings and the answer in double brackets: `cobró [[12]] euros`. The topic is the id's part before the number.
"""

import random
import re
from collections.abc import Sequence

from index.spanish import sentences
from qa.training.passages import Passage, Question, Span

_HEAD = "@ "
_FIELD = re.compile(r"\s+\|\s+")
_ASKED = re.compile(r"([~!]*)(\w+) \| ")
ITEM_SEPARATOR = " ;; "
_MARKED = re.compile(r"\[\[(.+?)\]\]")
_NUMBER = re.compile(r"-\d+$")
_DECIDED = ("yes", "no")


class DraftError(ValueError):
    """Something in a draft that cannot be read; the message names the passage and what is wrong."""


def passages_of(draft: str) -> tuple[list[Passage], list[str]]:
    """The passages of a draft as far as they can be read, and a message for everything that cannot."""
    passages, faults = [], []
    for block in re.split(r"^(?=@ )", draft.replace("\r\n", "\n"), flags=re.MULTILINE):
        if not block.startswith(_HEAD):
            if block.strip():
                faults.append(f"before the first passage: {block.strip()[:60]}")
            continue
        try:
            passage, its_faults = _passage(block)
        except DraftError as error:
            faults.append(str(error))
            continue
        passages.append(passage)
        faults.extend(its_faults)
    return passages, faults


def draft_of(passage: Passage) -> str:
    """The draft that is read as this passage, its questions with the same ids; to mend it by hand and add it again."""
    order = _order(passage.id, len(passage.questions))
    lines = dict(zip(order, (_line(question, passage.text) for question in passage.questions), strict=True))
    head = " | ".join((f"{_HEAD}{passage.id}", passage.style, passage.country, passage.title))
    return "\n".join([head, passage.text, "", *(lines[number] for number in sorted(lines)), ""])


def _line(question: Question, text: str) -> str:
    marks = "~" * question.typed + "!" * question.is_near_miss
    spans = question.answers or (question.tempting,)
    place = ITEM_SEPARATOR.join(_piece(span, text) for span in spans if span)
    return f"{marks}{question.yes_no or question.kind} | {question.question} | {question.question_en} | {place}"


def _piece(span: Span, text: str) -> str:
    """A piece that stands once: the span itself, or in double brackets with so much around it that it does."""
    start, end = span.start, span.end
    while text.count(text[start:end]) > 1:
        # Whole words on both sides, never beyond the paragraph: a draft has one line for a question.
        start = max(text.rfind(" ", 0, max(0, start - 1)), text.rfind("\n", 0, start)) + 1
        end = min((place for place in (text.find(" ", end + 1), text.find("\n", end)) if place > 0), default=len(text))
    if (start, end) == (span.start, span.end):
        return span.text
    return f"{text[start : span.start]}[[{span.text}]]{text[span.end : end]}"


def _order(identity: str, count: int) -> list[int]:
    """Where the questions 1, 2 ... of a passage stand in its draft, from 0."""
    # Authors write near misses last, and a second reader must not know them by their place.
    places = list(range(count))
    random.Random(identity).shuffle(places)
    return places


def _passage(block: str) -> tuple[Passage, list[str]]:
    head, *lines = [line.strip() for line in block.split("\n")]
    fields = _FIELD.split(head.removeprefix(_HEAD).strip())
    if len(fields) != 4:
        raise DraftError(f"{head}: expected «@ id | style | country | title»")
    identity, style, country, title = fields
    text = "\n".join(line for line in lines if line and not _ASKED.match(line))
    questions, faults = [], []
    asked = [line for line in lines if _ASKED.match(line)]
    for number, place in enumerate(_order(identity, len(asked)), 1):
        try:
            questions.append(_question(f"{identity}-{number}", asked[place], text))
        except DraftError as error:
            faults.append(f"{identity}: {error}: {asked[place]}")
    return Passage(identity, _NUMBER.sub("", identity), style, country, title, text, tuple(questions)), faults


def _question(identity: str, line: str, text: str) -> Question:
    marks, kind, question, question_en, place = _fields(line)
    decided = kind if kind in _DECIDED else ""
    kind = "yes_no" if decided else kind
    typed = "~" in marks
    if "!" in marks:
        tempting = _sentence(place, text)
        return Question(identity, kind, question, question_en, (), tempting, typed=typed)
    if decided:
        answers: Sequence[Span] = [_sentence(place, text)]
    elif kind == "list":
        answers = [_span(item, text) for item in place.split(ITEM_SEPARATOR)]
    else:
        answers = [_span(place, text)]
    return Question(identity, kind, question, question_en, tuple(answers), None, decided, typed)


def _fields(line: str) -> tuple[str, ...]:
    marks, kind = _ASKED.match(line).groups()  # type: ignore[union-attr]  # the line was found by it
    fields = _FIELD.split(line)
    if len(fields) != 4 or not all(fields):
        raise DraftError("expected «kind | question | question in English | answer»")
    return marks, kind, *fields[1:]


def _span(piece: str, text: str) -> Span:
    """Where the piece, or what it has in double brackets, stands in the text; the one place."""
    marked = _MARKED.search(piece)
    plain = _MARKED.sub(r"\1", piece)
    count = text.count(plain)
    if count != 1:
        raise DraftError(f"«{plain}» stands {count} times in the passage")
    if not marked:
        return Span(plain, text.index(plain))
    return Span(marked.group(1), text.index(plain) + marked.start())


def sentence_with(piece: str, text: str) -> str:
    """The sentence of the text in which the piece stands. Raises `DraftError` unless there is just one such place.

    >>> sentence_with("abrió", "La posta abrió. Nadie vino.")
    'La posta abrió.'
    """
    return _sentence(piece, text).text


def _sentence(piece: str, text: str) -> Span:
    span = _span(piece, text)
    for start, end in sentences(text):
        if start <= span.start and span.end <= end:
            return Span(text[start:end], start)
    raise DraftError(f"«{span.text}» is not within one sentence")
