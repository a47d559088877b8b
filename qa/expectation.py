"""What kind of thing a question asks for, and whether a sentence holds such a thing. Pure rules on folded text."""

import re
from collections.abc import Callable

from index.spanish import fold
from qa.wording import INNER, LEADING, PREPOSITION

KINDS = ("date", "number", "person", "place", "reason", "manner")

_KINDS = (
    (
        "reason",
        r"\bpor que\b|\bpara que\b|\bcon que (?:fin|objetivo|proposito|intencion)|\ba que se debe|\bmotivo|\brazon"
        r"|\bwhy\b",
    ),
    (
        "date",
        r"\bcuando\b|\b(?:que|cual) (?:dia|mes|ano|siglo|hora)|\bwhen\b"
        r"|\b(?:que|cual(?:es)?) (?:(?:es|era|fue|son|eran|fueron) )?(?:las? )?fechas?\b"
        r"|\bwhat (?:year|date|day|month|time)",
    ),
    ("number", r"\bcuant[oa]s?\b|\bporcentaje\b|\bedad\b|\bhow (?:many|much|long|old)\b|\bnumero de\b"),
    ("person", r"\bquien(?:es)?\b|\bwho(?:m|se)?\b|\bcomo se llama|\bque (?:persona|lider|presidente|ministr)"),
    ("place", r"\bdonde\b|\b(?:que|cual) (?:\w+ )?(?:ciudad|pais|lugar|region)|\bwhere\b|\bwhat (?:city|country)"),
    ("manner", r"\bcomo\b|\bde que (?:manera|modo|forma)|\bhow\b"),
)
_MONTH = (
    "(?:enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|setiembre|octubre|noviembre|diciembre|"
    "january|february|march|april|may|june|july|august|september|october|november|december)"
)
_WEEKDAY = "(?:lunes|martes|miercoles|jueves|viernes|sabado|domingo)"
_DAY = rf"\b{_WEEKDAY}\b|\b\d{{1,2}}(?: al? \d{{1,2}})? de {_MONTH}\b"
_YEAR = r"\b(?:1[0-9]|20|21)\d{2}\b"
_NUMERAL = (
    r"(?:\d[\d.,]*|un[oa]?|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|once|doce|trece|catorce|quince|veinte|treinta|"
    r"cuarenta|cincuenta|sesenta|setenta|ochenta|noventa|cien|ciento|cientos|mil|miles|millon|millones|docenas?|decenas|"
    r"centenares|mitad|tercio|doble|triple|segund[oa]|tercera?|primera?|vari[oa]s|much[oa]s|numeros[oa]s)"
)
_MONEY = r"\b(?:dolar|euro|peso|rublo|libra|yen|yuan|won)(?:es|s)?\b|[$€%]|\bpor ciento\b"
_AGE = rf"\b{_NUMERAL} anos\b"
_TIME_SPAN = rf"\b{_NUMERAL} (?:segundo|minuto|hora|dia|semana|mes|ano|decada|siglo)"
_CAUSE = (
    r"\b(?:porque|debido|ya que|pues|causa|motivo|razon|gracias a|para|por|en respuesta|represalia|a cambio|al \w+r|"
    r"con el fin|objetivo|destinad[oa]s?|tras)\b"
)
_MANNER = r"\b(?:mediante|a traves|con|por|asi|como|\w+mente|\w+ndo|en (?:su|un|una|tren|avion|barco|coche))\b"
_PLACE = re.compile(r"\b(?:en|a|desde|hacia|de|por)\s+(?:el|la|los|las)?\s*([A-ZÁÉÍÓÚÑ]\w+)")
_COUNTED = re.compile(r"\b(?:cuant[oa]s|how many)\s+(\w{3})")

# The finer kinds of dates and numbers: what the question says, what the sentence must then hold.
_FINER = (
    ("date", r"\bhoras?\b|\btime\b", r"\b\d{1,2}[:.]\d{2}\b|\blas (?:\d{1,2}|\w+) (?:horas|de la)"),
    ("date", r"\bdias?\b|\bfecha exacta\b|\bday\b", _DAY),
    ("date", r"\bmes(?:es)?\b|\bmonth\b", rf"\b{_MONTH}\b"),
    ("date", r"\banos?\b|\byear\b", _YEAR),
    ("number", r"\bedad\b|\banos (?:tiene|tenia|cumpl)|\bhow old\b", _AGE),
    ("number", r"\bcuanto (?:tiempo|dur|tard)|\bhow long\b", _TIME_SPAN),
    ("number", r"\bcuanto (?:cuesta|costo|vale|valio|gan|pag|cobr|dinero)|\bhow much\b", _MONEY),
)
_ANY_DATE = (
    rf"\b{_MONTH}\b|{_DAY}|{_YEAR}|\b(?:ayer|hoy|manana|vispera|semana|mes|meses|ano|anos|siglo|decada|principios|finales|"
    r"recientemente|proximamente|pronto)\b"
)
_PATTERNS: dict[str, str] = {"date": _ANY_DATE, "number": rf"\b{_NUMERAL}\b", "reason": _CAUSE, "manner": _MANNER}


_BEFORE = rf"(?:^|¿)[\s¿]*(?:(?:y|e|pero|and|but) )?(?:{PREPOSITION} )?"
"""What may stand before the question word, in folded text."""
_MANY = (
    r"(?:dos|tres|cuatro|cinco|two|three|four|five"
    r"|(?!(?:mas|menos|les|nos|tras|pa[ií]s|crisis|was|does|has)\b)\w{3,}s)\b"
)
_BEGINS_MANY = re.compile(rf"{_BEFORE}(?:cuales\b|quienes\b|(?:que|what|which) {_MANY})")
# Within a question only the accent tells «qué» from «que».
_ASKS = re.compile(
    r"\b(?:qué|quién(?:es)?|cuándo|a?dónde|cómo|cuánt[oa]s?|cuál(?:es)?|what|who|whom|whose|when|where|why|how|which)\b"
)
# What somebody said or thinks, and what happened or was done, takes a clause.
_ASKS_CLAUSE = re.compile(
    rf"{_BEFORE}que (?:es lo que |mas )?(?:(?:ha|han|habia|le|les|se|nos) )*"
    r"(?:dij(?:o|eron)|dic(?:e|en|ho)|dec(?:ia|ian|lar[ao]|laron)|cre(?:e|en|ia|ian|yo)|opin(?:a|an|o|aba)|pi?ens(?:a|an|o|aba)"
    r"|afirm(?:a|an|o|aron|ado)|sost(?:iene|ienen|uvo)|asegur(?:a|an|o|aron|ado)|advi(?:erte|rtio)|advertido"
    r"|coment(?:a|an|o|ado)|explic(?:a|an|o|ado)|pas(?:a|o|ado|ara|aria)|ocurr(?:e|io|ido|ira)|suced(?:e|io|ido|era)"
    r"|hac(?:e|en|ia|ian)|hizo|hicieron|hecho|hara|haria)\b"
    r"|\bwhat (?:did|does|do|has|have|had|would|will) .*\b(?:say|said|think|believe|claim|do|done)\b|\bwhat happen"
)
_ASKS_MANY = re.compile(rf"\b(?:quiénes\b|cuáles\b|qué {_MANY})")


def needs_sentence(question: str) -> bool:
    """Whether a few words seldom answer it: a reason, a way, several things, yes or no, what was said or happened.

    >>> needs_sentence("¿Sigue de ministro?"), needs_sentence("¿Qué países votaron?"), needs_sentence("¿Qué votó?")
    (True, True, False)
    """
    lower, folded = question.lower(), fold(question)
    asks = _ASKS.search(lower) or LEADING.match(question) or INNER.search(question)
    many = _ASKS_MANY.search(lower) or _BEGINS_MANY.search(folded)
    clause = _ASKS_CLAUSE.search(folded)
    return kind_of(question) in ("reason", "manner") or not asks or many is not None or clause is not None


def kind_of(question: str) -> str:
    """What sort of thing a question asks for: one of `KINDS`, or thing.

    >>> kind_of("¿Cuántos proyectiles?"), kind_of("¿Qué le regaló?")
    ('number', 'thing')
    """
    folded = fold(question)
    return next((kind for kind, pattern in _KINDS if re.search(pattern, folded)), "thing")


def holds_kind(kind: str, question: str, text: str, names: Callable[[str], frozenset[str]]) -> bool:
    """Whether a text holds what a question of that kind asks for; persons and places must be other than its own.

    `names` gives the folded names of a text. An age must be a number of years, a price an amount of money, a number of
    things must stand near these things.
    """
    asked, said = fold(question), fold(text)
    if kind == "person":
        return bool(names(text) - names(question))
    if kind == "place":
        return bool({fold(place) for place in _PLACE.findall(text)} - names(question))
    for finer, pattern, wanted in _FINER:
        if finer == kind and re.search(pattern, asked):
            return re.search(wanted, said) is not None
    counted = _COUNTED.search(asked)
    if kind == "number" and counted:
        # «casi cinco millones de proyectiles»: the number stands up to two words before what is counted.
        # A plural in -ces is a singular in -z (cuántas veces, la segunda vez).
        beginning = re.sub("c$", "[cz]", counted.group(1))
        return re.search(rf"\b{_NUMERAL}\s+(?:\w+\s+){{0,2}}?{beginning}", said) is not None
    return re.search(_PATTERNS[kind], said) is not None if kind in _PATTERNS else True
