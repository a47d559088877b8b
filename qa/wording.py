"""How questions are worded: whether one says what it is about, and the words in it that say so.

A question in Spanish or English goes in; pure rules on its words. Accents count where they tell words apart; nothing is
known of what was said before.
"""

import re
from typing import Literal

from index import countries
from index.spanish import analyse, fold, function_words, is_english

Dependence = Literal["none", "perhaps", "surely"]

_MOST_FRAGMENT_WORDS = 6
_MOST_WORDS_OF_A_REST = 3
"""A question with more words that it may be about says what it is about."""

WH = (
    r"(?:qu[ée]|qui[ée]n(?:es)?|cu[áa]ndo|d[óo]nde|ad[óo]nde|c[óo]mo|cu[áa]nt[oa]s?|cu[áa]l(?:es)?"
    r"|what|who|whom|whose|when|where|why|how(?: many| much| long)?|which)"
)
PREPOSITION = (
    r"(?:a|al|de|en|con|por|para|según|segun|desde|hasta|sobre|contra|ante|entre|hacia"
    r"|to|with|from|by|for|in|on|at)"
)
_AND = r"(?:(?:y|e|and|pero|but|entonces|so|o|or)\b[\s,]*)?"
LEADING = re.compile(rf"^[\s¿¡(]*{_AND}[¿\s]*(?:{PREPOSITION}\s+)?{WH}\b[\s,]*", re.IGNORECASE)
INNER = re.compile(rf"[,;]?\s*¿\s*(?:{PREPOSITION}\s+)?{WH}\b", re.IGNORECASE)
CONJUNCTION = re.compile(r"^[\s¿¡(]*(?:y|e|and|pero|but|entonces|what about|how about)\b[\s,¿]*", re.IGNORECASE)
# Words that point back to a person or place, unless one was named before them in the same question. With their accents:
# «él» is a person, «el» is not.
_PRONOUN = re.compile(
    r"\b(?:él|ella|ellos|ellas|allí|allá|ahí|ambos|ambas|he|she|they|him|them|his|her|their|its|ones|both)\b"
    r"|(?<!is )(?<!are )(?<!was )(?<!were )\bthere\b"
    r"|\b(?:segun|según|con|de|para|por|a) el\s*\??$"
    r"|\bsus?\b",
    re.IGNORECASE,
)
# Words that point back to what was said.
_TIME = r"(?:años?|mes(?:es)?|semanas?|lunes|martes|mi[ée]rcoles|jueves|viernes|year|month|week)\b"
_DEMONSTRATIVE = re.compile(
    rf"\b(?:ello|eso|esto|aquello|it|those|this)\b(?! (?:{_TIME}|true|said|expected|likely|possible))"
    # "that agreement", not "said that North Korea ..."
    r"|(?<!\bsaid )(?<!\bsay )(?<!\bsays )(?<!\bthink )(?<!\bthinks )(?<!\btrue )\bthat\b(?=\s*\??$| (?-i:[a-z]))"
    # «dicha visita», not «ha dicho».
    r"|(?<!\bha )(?<!\bhan )(?<!\bhe )(?<!\bhabía )(?<!\bhabían )\bdich[oa]s?\s+\w+"
    rf"|\b(?:es[ae]s?|esos|est[eo]s?|estas|aquel(?:la|los|las)?)\s+(?!{_TIME}|con\b|que\b|de\b)\w+"
    # Without its accent «está» looks like it.
    rf"|\b{PREPOSITION}\s+esta\s+(?!{_TIME})\w+",
    re.IGNORECASE,
)
_CLITIC = re.compile(
    rf"^[\s¿(]*{_AND}[¿\s]*(?:{PREPOSITION}\s+)?"
    # «¿Quién los acusa?», but «¿Qué usan los rusos?»
    rf"(?:(?:{WH}\s+)?(?:no\s+)?(?:se\s+)?(?:l[oe]s?\s+(?!que\b|mism[oa]\b|m[áa]s\b|mejor\b|peor\b)"
    r"|las?\s+(?=\w+(?:ó|aron|ieron|aban?|[íi]an?|ar[áa]n?)\b|ha\b|han\b|hab))"
    r"|(?:qu[ée]|cu[áa]l)\s+\w+\s+(?:no\s+)?(?:se\s+)?l(?:o|es?)\s+)"
    r"(?:ha\w*\s+|hab[íi]a\w*\s+)?(\w+)",
    re.IGNORECASE,
)
# «¿A quién le escribió?» asks whom «le» stands for.
_TO_WHOM = re.compile(rf"^[\s¿]*{_AND}[¿\s]*a qui[ée]n(?:es)? les?\b", re.IGNORECASE)
_VERB = re.compile(r"(?:ó|aron|ieron|aba|aban|ía|ían|ará|arán|erá|a|an|e|en|o|ado|ido|cho|sto)$")
_CIRCUMSTANCE = re.compile(
    rf"^[\s¿(]*{_AND}[¿\s]*(?:(?:cu[áa]ndo|d[óo]nde|ad[óo]nde|c[óo]mo|por qu[ée])\b"
    rf"|(?:{PREPOSITION}\s+)?(?:qu[ée]|cu[áa]l|cu[áa]nt[oa]s?)\s+(?:d[íi]as?|mes(?:es)?|años?|fechas?|horas?|veces)\b"
    rf"|{PREPOSITION}\s+(?:qui[ée]n(?:es)?|qu[ée](?:\s+\w+)?)\b)",
    re.IGNORECASE,
)
_PREPOSITIONED = re.compile(
    rf"\b(?:{PREPOSITION}|del)\s+(?:(?:el|la|los|las|un|una|su|sus|todo|toda)\s+)*[\w-]+", re.IGNORECASE
)
_NOUN = re.compile(
    r"\b(?:el|l[ao]s?|un[oa]?s?|algun[oa]s|much[oa]s|poc[oa]s|otr[oa]s|tod[oa]s|vari[oa]s|cada|ning[úu]n[oa]?)\s+\w+"
    r"|\b[A-ZÁÉÍÓÚÑÜ]\w+"
)
_MORE = re.compile(r"\b(?:algo|nada|qu[ée]|what|anything) (?:m[áa]s|else)\b", re.IGNORECASE)
_OTHERS = re.compile(r"\b(?:alguien|qui[ée]n(?:es)?|d[óo]nde|who|anyone|where) (?:m[áa]s|else)\b", re.IGNORECASE)
# Verbs and nouns that say nothing of what a question is about.
_LIGHT = frozenset(
    "dijo dice dijeron decir dicho afirmo aseguro declaro conto cuenta explico hizo hace hacer hicieron hecho "
    "paso pasa ocurrio ocurre sucedio sucede fue fueron era es son sera seria ser estaba esta estuvo tuvo tiene "
    "tienen tener hubo hay lugar celebro produjo eso cosa cosas exactamente motivo razon causa fin mas otra otro "
    "otros otras vez said say says told happen happened happens take place took else reason exactly more other "
    "time so then".split()
)
_COPULAS = frozenset("es son era eran fue fueron sera is are was were does did do".split())
_CAPITAL = r"[A-ZÁÉÍÓÚÑÜ][\w'-]*"
# «Consejo de Seguridad de la ONU» is one name, «Putin de Trump» are two.
_BODY = (
    r"(?:Agencia|Asamblea|Asuntos|Banco|Casa|Comit[ée]|Consejo|Corte|Departamento|D[íi]a|Fuerzas|Gobierno|Ministerio|Ministr[oa]"
    r"|Organizaci[óo]n|Partido|Pen[íi]nsula|Relaciones|Rep[úu]blica|Seguridad|Tribunal|Uni[óo]n|Universidad)"
)
_NAME = re.compile(
    rf"\b(?:{_BODY}\s+(?:de|del|de la)\s+(?={_CAPITAL}))*{_CAPITAL}(?:\s+del (?:Norte|Sur|Este|Oeste)\b|\s+{_CAPITAL})*"
)


def dependence_of(question: str) -> Dependence:
    """Whether a question leaves out what it is about.

    >>> dependence_of("¿Y la primera?"), dependence_of("¿Qué cargo ocupa?"), dependence_of("¿Quién es Peskov?")
    ('surely', 'perhaps', 'none')
    """
    if fragment_of(question) is not None or not content_words(question) or asks_more(question):
        return "surely"
    if _OTHERS.search(question) or points_to_event(question) or _points_to_someone(question):
        return "surely"
    if any(not is_country(question[start:end]) for start, end in name_spans(question)):
        return "none"
    if not is_english(question) and _lacks_subject(question):
        return "surely"
    told = set(analyse(question)) & countries.words() or len(content_words(question)) > _MOST_WORDS_OF_A_REST
    return "none" if told else "perhaps"


def asks_more(question: str) -> bool:
    """Whether what was answered already is not wanted again: «¿Qué más dijo?»."""
    return _MORE.search(question) is not None


def points_to_event(question: str) -> bool:
    """Whether a question points back to what was said, not only to somebody: «eso», «esa visita», «¿Quién lo dijo?»."""
    return _DEMONSTRATIVE.search(question) is not None or _points_by_clitic(question)


def _points_to_someone(question: str) -> bool:
    found = _PRONOUN.search(question)
    if found is None:
        return False
    before = question[: found.start()]
    if found.group().lower() in ("su", "sus"):
        # «¿Qué hacen los bálticos en sus fronteras?» has said whose, «¿Cuándo abrió su tienda?» has not.
        # The first word has its capital from where it stands: «¿Era su hermana?»
        opening = before.lstrip(" ¿")
        stated = LEADING.sub("", opening[:1].lower() + opening[1:], count=1)
        return _NOUN.search(stated) is None and len(content_words(stated)) <= 1
    return not name_spans(before)


def _lacks_subject(question: str) -> bool:
    """Whether a Spanish question for a circumstance («¿Qué días estuvo en Rusia?») names nobody who did it.

    Spanish leaves a known subject out; then nothing but the verb stands in the question without a preposition.
    """
    found = _CIRCUMSTANCE.match(question)
    if found is None:
        return False
    rest = _PREPOSITIONED.sub(" ", question[found.end() :])
    return _NOUN.search(rest) is None and len(content_words(rest)) <= 1


def _points_by_clitic(question: str) -> bool:
    """«¿Quién lo dijo?» points back; «¿Qué le regaló a Kim?» names whom it points to, «¿Cuándo la ONU...?» does not."""
    found = _CLITIC.search(question)
    if found is None or not _VERB.search(found.group(1).lower()) or _TO_WHOM.search(question):
        return False
    return not re.search(r"\b(?:a|al)\s+\w+", question[found.end() :])


def fragment_of(question: str) -> str | None:
    """What follows «¿Y ...?» where that is no question of its own: «la primera», «en 2000», «Shoigu»."""
    found = CONJUNCTION.match(question)
    rest = question[found.end() :] if found else question
    words = re.findall(r"\w+", rest)
    if LEADING.match(rest) or not words or len(words) > _MOST_FRAGMENT_WORDS:
        return None
    if found is None and not (len(words) <= 3 and re.match(r"\s*¿?\s*(?:el|la|los|las|en)\b", rest, re.IGNORECASE)):
        return None
    return rest.strip(" ?¿!.,")


def content_words(text: str) -> list[str]:
    """Words of a text that it may be about, in order."""
    words = re.findall(r"[\w-]+", text)
    return [word for word in words if fold(word) not in function_words() | _LIGHT and not re.fullmatch(WH, word, re.I)]


def statement_of(question: str) -> str:
    """A question without the words that ask, and without its marks: «le regaló Putin a Kim»."""
    stripped = INNER.sub(" ", LEADING.sub("", question, count=1))
    words = re.sub(r"[¿?()]", " ", stripped).split()
    while words and fold(words[0]) in _COPULAS:
        words.pop(0)
    return " ".join(words).strip(" ,;.")


def name_spans(text: str, opening: bool = False) -> list[tuple[int, int]]:
    """Where the names of a text stand, those of several words whole.

    Its first word counts only with `opening`: it has its capital from there, as in «¿Apoya Kim la guerra?».

    >>> name_spans("¿Qué le dijo Corea del Norte a Kim Jong-un?")
    [(13, 28), (31, 42)]
    """
    first = re.search(r"\w+", text)
    begin = first.end() if first and not opening else 0
    found = (match.span() for match in _NAME.finditer(text, begin))
    return [span for start, end in found for span in _without_article(text, start, end)]


def _without_article(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """A name without the function word that a sentence began with («El Kremlin»), if anything is left («Según»)."""
    first, _, rest = text[start:end].partition(" ")
    if fold(first) not in function_words() | {"segun"}:
        return [(start, end)]
    return _without_article(text, end - len(rest), end) if rest else []


def is_country(name: str) -> bool:
    """Whether a name is that of a country or body, whatever its form."""
    terms = set(analyse(name))
    return bool(terms) and terms <= countries.words()


def is_person(name: str) -> bool:
    """Whether a name may be somebody's: it is no country's and begins unlike a body's («Consejo de Seguridad»)."""
    return not is_country(name) and re.match(rf"{_BODY}\b", name) is None
