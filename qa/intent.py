"""What a line typed by a user asks for: a fact, an overview, or nothing (a greeting). Pure rules on folded text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from index.spanish import fold
from index.types import Document
from qa.errors import QuestionError

MOST_QUESTION_CHARACTERS = 2000
_LEAST_STEM_CHARACTERS = 4

_GREETING = re.compile(
    r"(?:hola|buenas|buenos dias|buenas tardes|buenas noches|que tal|saludos|gracias|muchas gracias|mil gracias|"
    r"adios|hasta luego|chao|hi|hello|hey|thanks|thank you|bye|ayuda|help)"
    r"(?:[\s,.!¡?¿]+(?:hola|buenas|que tal|consta|gracias|amigo|todos|a todos|there))*"
)
_OVERVIEW = re.compile(
    r"\b(?:resum(?:e|en|ir|eme|ime|a)|resumen(?:es)?|summar(?:y|ize|ise)|sintesis|overview)\b"
    r"|\bde que (?:trata|tratan|va|van|habla|hablan)\b"
    r"|\bque (?:dicen|cuentan|tratan) (?:los|estos|las|estas) (?:articulos|noticias)\b"
    r"|\bwhat (?:are|is) (?:the|these|this|that) (?:\w+ )?(?:articles?|texts?|news|story|stories)(?: \d+)? about\b"
    r"|\bwhat is article \d+ about\b"
)
ORDINALS = {
    "primer": 1, "primero": 1, "primera": 1, "segundo": 2, "segunda": 2, "tercer": 3, "tercero": 3, "tercera": 3,
    "cuarto": 4, "cuarta": 4, "quinto": 5, "quinta": 5, "ultimo": -1, "ultima": -1, "first": 1, "second": 2, "third": 3,
    "fourth": 4, "fifth": 5, "last": -1,
}  # fmt: skip
_ARTICLE = re.compile(
    r"\b(?:articulo|noticia|texto|article|story|documento)\s+(?:numero\s+|n\.?º?\s*)?(\d+)\b"
    rf"|\b({'|'.join(ORDINALS)})\s+(?:articulo|noticia|texto|article|story|documento)\b"
    rf"|\b(?:articulo|noticia|texto|documento)\s+({'|'.join(ORDINALS)})\b"
)
# «La noticia sobre el viaje» is one of the articles; which one, the search must say.
_TOPIC = re.compile(
    r"\b(?:articulo|noticia|texto|documento|article|story)\s+"
    r"(?:que\s+(?:habla|trata|va|informa)\s+(?:de|del|sobre|acerca de)|sobre|acerca de|about|on)\s+(?P<topic>\w.*)"
)
# «¿De qué tratan?» asks about the articles, «¿De qué trata el acuerdo?» about the agreement.
_ABOUT = re.compile(
    r"\b(?:articulos?|noticias?|textos?|documentos?|articles?)\b"
    r"|\b(?:de que (?:trata|va|habla)n?(?: todo)?(?: esto)?|resumen)$"
)
_YEAR = re.compile(r"(?<![\d.,])(1[5-9]\d{2}|20\d{2}|21\d{2})(?![\d.,]*\d)")


@dataclass(frozen=True, slots=True)
class Intent:
    """What is wanted. An overview names the documents it is of; the other kinds name none.

    With a `topic` it is of the one among them that speaks of it.
    """

    kind: Literal["question", "overview", "greeting"]
    documents: tuple[Document, ...] = ()
    topic: str = ""


def checked(question: str) -> str:
    """The question without white space around it; `QuestionError` if nothing or too much is left."""
    stripped = " ".join(question.split())
    if not any(character.isalnum() for character in stripped):
        raise QuestionError(
            "an empty question", "a question in words", 'ask one, for example: qa ask "¿Quién es Peskov?"'
        )
    if any("\ud800" <= character <= "\udfff" for character in stripped):
        raise QuestionError("a question that is not text", "a question in UTF-8", "convert it first")
    if len(stripped) > MOST_QUESTION_CHARACTERS:
        raise QuestionError(
            f"a question of {len(stripped)} characters", f"at most {MOST_QUESTION_CHARACTERS}", "shorten it"
        )
    return stripped


def intent_of(question: str, documents: Sequence[Document]) -> Intent:
    """Whether a line is a greeting, asks for an overview (of which articles), or for a fact.

    Articles are numbered from 1 in the order of their file names; a file name, or its beginning, names one too.
    """
    folded = fold(question).strip(" ¡!¿?.,")
    if is_greeting(question):
        return Intent("greeting")
    if not _OVERVIEW.search(folded):
        return Intent("question")
    named = _named(folded, documents)
    if named is not None:
        return Intent("overview", (named,))
    topic = _TOPIC.search(fold(question))
    if topic is not None:
        # Folding keeps every letter in its place.
        return Intent("overview", tuple(documents), question[topic.start("topic") :].strip(' ?!.»"'))
    # "resume la postura de Rusia" asks for a fact; only the articles themselves are summed up.
    return (
        Intent("overview", tuple(documents))
        if _ABOUT.search(folded) or len(folded.split()) <= 2
        else Intent("question")
    )


def is_greeting(line: str) -> bool:
    """Whether a line greets, thanks or takes leave and asks nothing."""
    return _GREETING.fullmatch(fold(line).strip(" ¡!¿?.,")) is not None


def is_overview(question: str) -> bool:
    """Whether a line has the words that ask for a summary, of whatever."""
    return _OVERVIEW.search(fold(question)) is not None


def _named(folded: str, documents: Sequence[Document]) -> Document | None:
    for document in documents:
        file = fold(document.file)
        stem = file.rsplit(".", 1)[0]
        # "a.txt" has a name that is also a word: without its ending only a longer one is a name.
        if _stands_in(file, folded) or (len(stem) >= _LEAST_STEM_CHARACTERS and _stands_in(stem, folded)):
            return document
    found = _ARTICLE.search(folded)
    if found is None:
        return None
    digits, before, after = found.groups()
    # "003" is how a file begins; "3" is the third article.
    beginning = [each for each in documents if digits and len(digits) > 1 and each.file.startswith(digits)]
    number = int(digits) if digits else ORDINALS[before or after]
    if beginning:
        return beginning[0]
    if number == -1:
        return documents[-1]
    if not 1 <= number <= len(documents):
        raise QuestionError(f"article {number}", f"one of 1 to {len(documents)}", "name one that exists")
    return documents[number - 1]


def _stands_in(name: str, folded: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", folded) is not None


def absent_years(question: str, documents: Sequence[Document]) -> list[str]:
    """Years that the question names and no article does: nothing can be on record about them."""
    years = dict.fromkeys(_YEAR.findall(question))
    return [year for year in years if not any(year in document.text for document in documents)]
