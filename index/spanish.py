"""What the program knows of Spanish: words, stems, accents, sentence ends, spellings of one name.

Text goes in; index terms, folded text and spans come out. Nothing here knows of passages, files or questions.
"""

import re
import unicodedata
from bisect import bisect_left
from functools import cache, lru_cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

from index import countries

NORMALISATION = "es-3"
"""Names the rules of this module. An index made under another name is not comparable and must be made anew."""

_WORD = re.compile(r"\w+")
_SHORT_PLURAL = re.compile(r"(?<=\w\w[ao])s$")
# Interrogatives, indefinites and light verbs, which bm25s's list lacks; written without accents.
_MORE_STOPWORDS = frozenset(
    "cuanto cuanta cuantos cuantas cuyo cuya cuyos cuyas cuales adonde ademas alguien alguno alguna ningun ninguno "
    "ninguna cualquier cada mismo misma mismos mismas tan tal asi aun aunque solo segun tras mediante hacer hace "
    "hacen hizo hicieron hara haria va van ir iba iban dar da dan dio dieron daba daban vio vieron puede pueden podra "
    "podria podrian pudo pudieron llama llaman llamaba".split()
)
# Forms of verbs in the list that are oftener nouns in the news: «departamento de Estado», «en ese sentido».
_NOUNS = frozenset("estado estados sentido sentidos".split())
_ENGLISH = frozenset(
    "a about after all and any are at be been by can could did do does for from had has have he her his how in into "
    "is it its many me much of on or say said she should some than that the their them they this to was were what "
    "when where which who whom whose why will with would you your s t".split()
)
# What a question has beside the thing that it asks about.
_ASIDES = frozenset("dice dicen dijo dijeron decir dicho mas otro otra ahi alli aqui entonces exactamente".split())
_LONGEST_QUOTED_CHARACTERS = 450


def fold(text: str) -> str:
    """Lower case without accents; ñ and ü lose their marks too.

    >>> fold("Güell visitó Logroño")
    'guell visito logrono'
    """
    lowered = text.lower()
    return lowered if lowered.isascii() else lowered.translate(_FOLDED)


class _Folded(dict[int, str]):
    """For each character its letters without marks; worked out once for each that occurs."""

    def __missing__(self, character: int) -> str:
        decomposed = unicodedata.normalize("NFD", chr(character))
        return self.setdefault(character, "".join(c for c in decomposed if not unicodedata.combining(c)))


_FOLDED = _Folded()


@cache
def stopwords() -> frozenset[str]:
    """Folded Spanish function words (the list of bm25s and a few more), which no passage is about."""
    return frozenset(fold(word) for word in _listed_stopwords()) - _NOUNS | _MORE_STOPWORDS


def _listed_stopwords() -> tuple[str, ...]:
    """The list in a module of bm25s, which is read by itself: the whole library takes long to load."""
    package = find_spec("bm25s")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("No module named 'bm25s'", name="bm25s")
    spec = spec_from_file_location("bm25s_stopwords", Path(package.submodule_search_locations[0]) / "stopwords.py")
    assert spec is not None and spec.loader is not None  # a Python file has a loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    listed: tuple[str, ...] = module.STOPWORDS_SPANISH
    return listed


@cache
def function_words() -> frozenset[str]:
    """Folded function words of Spanish and English, interrogatives among them."""
    return stopwords() | _ENGLISH


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """The index term of one lower-case word: Snowball stem, accents folded after stemming, spellings levelled.

    Transliterated names differ in `y`/`i` and in the mute `u` of `gue`, `gui` (Sergei, Sergey, Serguéi). The plurals of
    short words, which Snowball leaves alone, lose their ending too.

    >>> stem("visitó"), stem("serguéi"), stem("sergey"), stem("armas")
    ('visit', 'sergei', 'sergei', 'arma')
    """
    folded = _SHORT_PLURAL.sub("", fold(_stemmer().stemWord(word)))
    levelled = re.sub(r"gu(?=[ei])", "g", folded).replace("y", "i")
    return levelled or folded


@cache
def _stemmer():  # type: ignore[no-untyped-def]  # PyStemmer has no types
    import Stemmer

    return Stemmer.Stemmer("spanish")


def analyse(text: str) -> list[str]:
    """Index terms of a text in reading order, repeats kept, function words left out.

    A hyphen divides words, so that «Kim Jong-un» and «Kim Jong Un» give the same terms.

    >>> analyse("¿Cuándo visitó Kim Jong-un los EE. UU.?")
    ['visit', 'kim', 'jong', 'eeuu']
    """
    return list(_terms(text))


@lru_cache(maxsize=128)
def _terms(text: str) -> tuple[str, ...]:
    lowered = unicodedata.normalize("NFC", text).lower()
    terms = map(_term, _WORD.findall(countries.level(lowered)))
    return tuple(term for term in terms if term)


@lru_cache(maxsize=65536)
def _term(word: str) -> str:
    """The index term of a word of levelled text, empty for a function word."""
    if fold(word) in stopwords():
        return ""
    return word if word in countries.words() else stem(word)


def akin(one: str, other: str) -> bool:
    """Whether two different index terms are of one family by their beginnings.

    The stemmer cuts related words at different places. Both must begin alike for four letters and as long as the
    shorter of them; the longer may go on for three more.

    >>> akin("entrev", "entrevist"), akin("reun", "reunion"), akin("mes", "mesa")
    (True, True, False)
    """
    shorter, longer = (one, other) if len(one) <= len(other) else (other, one)
    return len(shorter) >= 4 and len(longer) - len(shorter) <= 3 and longer != shorter and longer.startswith(shorter)


def question_terms(question: str) -> list[str]:
    """Index terms of a question, each once, in its order; the function words of an English one are left out.

    So are verbs of saying and the like where anything else is asked about: whether a text has «dijo» or «afirmó» says
    nothing.

    >>> question_terms("What did Putin give to Kim?")
    ['putin', 'giv', 'kim']
    """
    terms = dict.fromkeys(analyse(question))
    if is_english(question):
        return [term for term in terms if term not in _english_stems()]
    return [term for term in terms if term not in _aside_stems()] or list(terms)


@cache
def _aside_stems() -> frozenset[str]:
    return frozenset(map(stem, _ASIDES))


@cache
def _english_stems() -> frozenset[str]:
    return frozenset(map(stem, _ENGLISH))


@lru_cache(maxsize=64)
def is_english(question: str) -> bool:
    """Whether a question is in English rather than Spanish, by its function words.

    >>> is_english("What did Putin give Kim in February?"), is_english("¿Qué le regaló Putin a Kim?")
    (True, False)
    """
    words = [fold(word) for word in _WORD.findall(question.lower())]
    english = sum(word in _ENGLISH for word in words)
    spanish = sum(word in stopwords() for word in words)
    return english > spanish


_LOOK_CHARACTERS = 24
_END = re.compile(r"(?<![.!?…])[.!?…]++[\"'»”’)\]]*(?=\s)")
_ABBREVIATIONS = frozenset(
    "art av cap cía dr dra ee etc excmo fig gral ing lic núm p pág ph prof sr sra srta sres st sto sta ud uds uu "
    "vol vs ej mr mrs ms jr sen rep gob tte cnel ltd inc s a c d i".split()
)


def sentences(text: str) -> list[tuple[int, int]]:
    """Spans of the sentences of a text, white space around them left out; a newline always ends one.

    A full stop after an abbreviation or an initial ends none, nor does one inside a quotation that the same
    paragraph closes soon after: half a quotation is no evidence of anything.

    >>> [("El Sr. Paz vino. Se fue.")[a:b] for a, b in sentences("El Sr. Paz vino. Se fue.")]
    ['El Sr. Paz vino.', 'Se fue.']
    """
    spans = []
    for line in re.finditer(r"[^\r\n]+", text):
        start = line.start()
        for end in [*_ends(line.group(), line.start()), line.end()]:
            stripped = text[start:end].strip()
            if stripped:
                first = text.index(stripped[0], start)
                spans.append((first, first + len(stripped)))
            start = end
    return spans


def _ends(line: str, offset: int) -> list[int]:
    quotations = sorted(_quotations(line))
    ends = []
    for found in _END.finditer(line):
        # Few characters on either side decide, so that a long line takes time in proportion to its length.
        following = line[found.end() : found.end() + _LOOK_CHARACTERS].lstrip()
        before = line[max(0, found.start() - _LOOK_CHARACTERS) : found.start()]
        if not _opens_sentence(following) or _is_abbreviation(before, found.group(), following):
            continue
        nearest = bisect_left(quotations, (found.end(), 0)) - 1
        if nearest < 0 or quotations[nearest][1] <= found.end():
            ends.append(offset + found.end())
    return ends


def _opens_sentence(following: str) -> bool:
    first = following.lstrip("¿¡«“\"'‘([—–-•")[:1]
    return first.isupper() or first.isdigit() or not first


def _is_abbreviation(before: str, ending: str, following: str) -> bool:
    if not ending.startswith(".") or len(ending) > 1:
        return False
    word = re.search(r"([^\W\d_]+)$", before)
    if word is None:
        return False
    if word.group().lower() == "no":
        return following[:1].isdigit()
    return (len(word.group()) == 1 and word.group().isupper()) or word.group().lower() in _ABBREVIATIONS


def _quotations(line: str) -> list[tuple[int, int]]:
    pairs = re.finditer(r"«[^«»]*»|“[^“”]*”|\"[^\"]*\"", line)
    return [p.span() for p in pairs if p.end() - p.start() <= _LONGEST_QUOTED_CHARACTERS]
