"""A line of a conversation -> the questions that it asks, each complete in itself.

Earlier turns go in beside it. A question that says what it is about is left as it is, whatever was said before; one
that leaves it out («¿Y la primera?», «¿Quién lo dijo?», «¿Qué cargo tiene?») is completed from the turn before, by
rules on its words. Nothing here knows of models; how well the articles hold a wording is asked of `coverage`.
"""

import re
from collections.abc import Callable, Sequence

from index.plain import plain
from index.spanish import analyse, fold
from qa.intent import ORDINALS, is_greeting, is_overview
from qa.types import Turn
from qa.wording import (
    CONJUNCTION,
    LEADING,
    PREPOSITION,
    WH,
    content_words,
    dependence_of,
    fragment_of,
    is_country,
    is_person,
    name_spans,
    points_to_event,
    statement_of,
)

MOST_PARTS = 3
"""So many questions in one line are answered one by one; what is beyond stays with the last."""
_LEAST_COVERAGE = 0.75
"""A question without a name that the articles hold to this share is taken as complete. The development turns do not
tell one value from another (eval/LOG.md); this one leaves what is well held alone."""

Coverage = Callable[[str], float]
"""The share of a question's terms, by rarity, that the passage which holds most of them holds."""

_ACCENTED = r"(?:qué|quién(?:es)?|cuándo|dónde|adónde|cómo|cuánt[oa]s?|cuál(?:es)?)"
_PLAIN = r"(?:quien(?:es)?|cuando|donde|adonde|cuant[oa]s|cual(?:es)?)"
_JOINED = re.compile(
    rf"[,;]?\s+(?:y|e|and)\s+(?=(?:(?:{PREPOSITION}\s+)?{_ACCENTED}"
    rf"|(?:{PREPOSITION}\s+)?{_PLAIN}|(?:{PREPOSITION})\s+que|por que"
    r"|(?:(?:to|with|from|by|for|in|on|at)\s+)?(?:what|who|whom|when|where|why|how|which))\b)",
    re.IGNORECASE,
)

_QUOTED = re.compile(r"[«“\"]")
# «¿Cuántos soldados [y cuántas armas envió?]»
_NO_VERB = re.compile(
    rf"^[\s¿]*(?:{PREPOSITION}\s+)?(?:cu[áa]nt[oa]s?|(?<!por )qu[ée]|how many|which|what)\s+\w+$", re.IGNORECASE
)
_ASKING_LAST = re.compile(rf"\s{WH}$", re.IGNORECASE)
# «¿Quién es Choe Son Hui?» is about her, «¿Quién es el portavoz?» about whom it is answered with.
_WHO_IS = re.compile(
    r"\b(?:qui[ée]n(?:es)?|who)\s+(?:es|son|era|eran|fue|is|are|was|were)\s+"
    r"(?:(?!de\b|del\b|of\b|en\b|in\b)\w+\s+){0,3}?(?-i:[A-ZÁÉÍÓÚÑÜ])",
    re.IGNORECASE,
)
_ORDINAL = re.compile(rf"\b(?:{'|'.join(ORDINALS)})\b")
_YEAR = re.compile(r"\b(?:1[89]|20)\d\d\b")
_DAY = re.compile(r"\b\d{1,2} de \w+")
_MONTH = re.compile(
    r"\b(?:enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre|january|february"
    r"|march|april|may|june|july|august|september|october|november|december)\b"
)


def divide(line: str) -> list[str]:
    """The questions in one line, in order, none of them changed but for what two of them share; greetings left out.

    >>> divide("¿Cuándo y dónde se reunieron?")
    ['¿Cuándo se reunieron?', '¿dónde se reunieron?']
    """
    if _QUOTED.search(line) and re.search(r"\w", line):  # what is quoted is not asked
        return [line]
    sentences = [each.strip() for each in re.split(r"(?<=[?!])\s*(?=[¿¡\w])", line) if re.search(r"\w", each)]
    parts = [part for each in sentences if not is_greeting(each) for part in _joined(each)]
    parts = parts or [line] * bool(sentences)
    return [*parts[: MOST_PARTS - 1], " ".join(parts[MOST_PARTS - 1 :])] if len(parts) > MOST_PARTS else parts


def _joined(sentence: str) -> list[str]:
    """A sentence divided where «y» or "and" joins two questions; «y quién» after a statement joins none."""
    pieces = [piece.strip() for piece in _JOINED.split(sentence)]
    if len(pieces) == 1 or not LEADING.match(sentence) or any(_NO_VERB.search(piece) for piece in pieces[:-1]):
        return [sentence]
    rests = [LEADING.sub("", piece, count=1).strip(" ¿?") for piece in pieces]
    # «¿Qué se sabe de cómo [y cuándo llegó?]» asks once, «¿Cuándo y dónde?» leaves out what.
    if any(rest and _ASKING_LAST.search(f" {rest}") for rest in rests[:-1]) or not (rests[0] or rests[-1]):
        return [sentence]
    marked = "¿" in sentence or "?" in sentence
    parts = [f"{'¿' * ('¿' in sentence)}{piece.strip('¿? ')}{'?' * marked}" for piece in pieces]
    if not rests[0]:  # «¿Cuándo y dónde se reunieron?»
        parts[0] = f"{parts[0].rstrip('?')} {rests[1]}{'?' * marked}"
    return parts


def completed(question: str, turns: Sequence[Turn], coverage: Coverage) -> str | None:
    """The question with what it leaves out, from the turn before; None where it leaves nothing out.

    Where it may or may not stand for itself, it is completed only if the articles hold it better then.
    """
    if not turns:
        return None
    dependence = dependence_of(question)
    if dependence == "none":
        return None
    before = turns[-1]
    substituted = _substituted(question, before)
    if substituted is not None:
        return substituted
    wording = _with_carried(question, before)
    if wording is None or dependence == "surely":
        return wording
    alone = coverage(question)
    if alone >= _LEAST_COVERAGE or (not alone and not CONJUNCTION.match(question)):
        return None
    return wording if coverage(wording) > alone else None


def _substituted(question: str, before: Turn) -> str | None:
    """The question before with the fragment in the place of its like: one name, ordinal or date for another."""
    fragment = fragment_of(question)
    if fragment is None:
        return None
    if is_overview(before.question):
        return _other_overview(fragment)
    asked = before.understood or before.question
    renewed = asked
    for pattern in (_ORDINAL, _YEAR, _DAY, _MONTH):
        # Folding keeps every letter in its place.
        new, old = pattern.search(fold(fragment)), pattern.search(fold(renewed))
        if new and old:
            renewed = renewed[: old.start()] + fragment[new.start() : new.end()] + renewed[old.end() :]
    renewed = _renamed(fragment, renewed)
    return renewed if renewed != asked else None


def _other_overview(fragment: str) -> str | None:
    """«¿Y el segundo?» after an overview asks for another one."""
    named = re.search(rf"\d+|{_ORDINAL.pattern}", fold(fragment))
    if named is None:
        return None
    number = ORDINALS.get(named.group(), named.group())
    return "resume el último artículo" if number == -1 else f"resume el artículo {number}"


def _renamed(fragment: str, asked: str) -> str:
    """The question with the fragment's one name in the place of another of its sort; as it is where there is none."""
    spans = name_spans(fragment, opening=True)
    if len(spans) != 1:
        return asked
    name = fragment[spans[0][0] : spans[0][1]]
    others = [(start, end) for start, end in name_spans(asked) if fold(asked[start:end]) != fold(name)]
    alike = [(start, end) for start, end in others if is_country(asked[start:end]) == is_country(name)]
    if not alike and len(others) != 1:
        return asked
    chosen = _place_for(fragment[: spans[0][0]], alike or others, asked)
    replaced = asked[chosen[0] : chosen[1]]
    renewed, last = "", 0
    for start, end in name_spans(asked):
        # «¿Qué busca Rusia en Corea?» «¿Y Corea?»: the two change places.
        swapped = replaced if fold(asked[start:end]) == fold(name) else asked[start:end]
        renewed += asked[last:start] + (name if (start, end) == chosen else swapped)
        last = end
    return renewed + asked[last:]


def _place_for(leading: str, spans: Sequence[tuple[int, int]], asked: str) -> tuple[int, int]:
    """«¿Y a Trump?» takes the place of whom it was done to, «¿Y Shoigu?» that of who did it."""
    word = fold(leading).split()[-1:]
    words_before = {span: fold(asked[: span[0]]).split()[-1:] for span in spans}
    same = [span for span in spans if word and words_before[span] == word]
    bare = [span for span in spans if words_before[span] not in (["a"], ["con"], ["de"], ["to"], ["with"])]
    return (same or bare or list(spans))[0]


def _with_carried(question: str, before: Turn) -> str | None:
    """The question and, in parentheses, the words that it leaves out, unless it has them all."""
    carried = _carried(question, before)
    said = {fold(word) for word in re.findall(r"[\w-]+", question)}
    return f"{question.rstrip()} ({carried})" if {fold(word) for word in content_words(carried)} - said else None


def _carried(question: str, before: Turn) -> str:
    """Whom or what the turn before was about: who it was answered with, whom it named, or all that it said."""
    asked = before.understood or before.question
    about = statement_of(asked)
    answered = _answered_name(before) if _asks_who(asked) and not _WHO_IS.search(asked) else ""
    if not content_words(question) or points_to_event(question):
        return f"{about}, {answered}" if answered else about
    named = [asked[start:end] for start, end in name_spans(asked) if is_person(asked[start:end])]
    return answered or ", ".join(dict.fromkeys(named)) or about


def _asks_who(question: str) -> bool:
    return re.search(r"\b(?:quien(?:es)?|who|whom)\b|\bcomo se llama", fold(question)) is not None


def _answered_name(turn: Turn) -> str:
    """The first name in the answer that the question does not hold: whom a question for a person was answered with."""
    if not turn.citations:
        return ""
    quote, asked = plain(turn.citations[0].quote)[0], set(analyse(turn.understood or turn.question))
    for start, end in name_spans(quote, opening=True):
        terms = set(analyse(quote[start:end]))
        # The first word of a sentence has its capital from there.
        opens = start == len(quote) - len(quote.lstrip("«“\"'¿¡(")) and " " not in quote[start:end]
        if terms and not opens and not terms & asked and is_person(quote[start:end]):
            return quote[start:end]
    return ""
