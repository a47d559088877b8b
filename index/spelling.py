"""Words as people type them -> words as the articles write them.

The texts of a corpus and a question go in; the question comes out with lost accents and capitals restored and with
small typing errors mended. A word is taken for an error only if neither the articles nor a dictionary know it: «madre»
stays «madre» where the articles have only a «padre».
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from index.spanish import fold, function_words, is_english, stem

_WORD = re.compile(r"[^\W\d_]+")
_LEAST_CHARACTERS = 4
_LEAST_NAME_CHARACTERS = 5

# Letters that Spanish ears take for one another, and transcriptions of foreign names with them. Applied in order.
_SOUNDS = (
    ("ll", "i"), ("qu", "k"), ("gu(?=[ei])", "g"), ("c(?=[ei])", "s"), ("g(?=[ei])", "j"), ("h", ""), ("[vw]", "b"),
    ("z", "s"), ("[cq]", "k"), ("^j", "i"), ("y", "i"), (r"m(?=[pb]|$)", "n"), (r"(.)\1+", r"\1"),
)  # fmt: skip
# Blanks only to the end of a line: to go through many empty lines from each of them takes the square of the time.
_SENTENCE_START = re.compile(r"(?:^|[.!?…:\n])[^\S\n]*[«“\"'¿¡(]*([^\W\d_]+)")


@dataclass(frozen=True, slots=True)
class Mended:
    """A question in the articles' spelling. `corrected` says that a word was taken for another, not only accented."""

    question: str
    corrected: bool


class Spelling:
    """The written forms of a corpus, by their folded form."""

    def __init__(self, texts: Iterable[str]) -> None:
        total: Counter[str] = Counter()
        opening: Counter[str] = Counter()
        for text in texts:
            total.update(_WORD.findall(text))
            opening.update(_SENTENCE_START.findall(text))
        self._forms: dict[str, Counter[str]] = defaultdict(Counter)
        for word, count in (total - opening).items():
            self._forms[fold(word)][word] = count
        # A capital at the beginning of a sentence says nothing of the word; it counts where it stands nowhere else.
        for word in opening:
            if fold(word) not in self._forms:
                self._forms[fold(word)][word.lower()] = opening[word]

    def mend(self, question: str) -> Mended:
        """Each word of a question as the articles write it, where they have it or one that it is an error for."""
        english, careless = is_english(question), question[1:] == question[1:].lower()
        question = unicodedata.normalize("NFC", question)
        mended = _WORD.sub(lambda found: self._written(found.group(), english, careless), question)
        return Mended(mended, fold(mended) != fold(question))

    def _written(self, word: str, english: bool, careless: bool) -> str:
        folded = fold(word)
        if folded in function_words():
            return word
        if folded not in self._forms:
            meant = self._meant(word, english)
            return word if meant is None else self._form(meant)
        form = self._form(folded)
        if word in self._forms[folded] or word.lower() in self._forms[folded]:
            return word
        # Accents that were typed are meant («anunció» is not «anuncio»), capitals that were not typed only where the
        # question has some; and an English word is not the Spanish one that it looks like.
        if form != form.lower():
            return form if careless or word != word.lower() else word
        if word.lower() != folded or english:
            return word
        return form if word[0].islower() else form[0].upper() + form[1:]

    def _meant(self, word: str, english: bool) -> str | None:
        """The folded word that a mistyped one stands for; None where it may be right, or nothing is near."""
        folded, is_name = fold(word), word != word.lower()
        if len(folded) < _LEAST_CHARACTERS or {stem(word.lower()), stem(folded)} & self._stems:
            return None
        near = self._nearest(folded, is_name)
        return None if near is None or _in_dictionary(word.lower(), english or is_name) else near

    def _nearest(self, folded: str, is_name: bool) -> str | None:
        """The known word with the fewest errors to a folded one, first by sound, then by letters, then by frequency.

        For a name only another name that sounds like it will do, or a long one that nearly does: «Thomas» is not
        «todas», nor «John» «Jong».
        """
        from rapidfuzz.distance import OSA
        from rapidfuzz.process import extract_iter

        sound = _sound(folded)
        most = 1 if not is_name or len(folded) >= _LEAST_NAME_CHARACTERS else 0
        found = []
        # What sounds nearly alike may be written with one more difference (Labrof, Lavrov).
        for known, typed, _ in extract_iter(folded, self._known, scorer=OSA.distance, score_cutoff=2):
            heard = min(typed, OSA.distance(sound, _sound(known)))
            # Hardly anybody mistypes the first sound: «surcoreanas» are no «norcoreanas».
            if heard > most or sound[:1] != _sound(known)[:1] or (is_name and self._form(known).islower()):
                continue
            found.append((heard, typed, -sum(self._forms.get(known, {}).values()), known))
        return min(found)[-1] if found else None

    @cached_property
    def _stems(self) -> frozenset[str]:
        return frozenset(stem(form.lower()) for forms in self._forms.values() for form in forms)

    @cached_property
    def _known(self) -> list[str]:
        return [word for word in {*self._forms, *function_words()} if len(word) >= _LEAST_CHARACTERS]

    def _form(self, folded: str) -> str:
        forms = self._forms.get(folded, {folded: 1})
        return min(forms, key=lambda each: (-forms[each], each))


def _sound(folded: str) -> str:
    """A folded word in letters that differ only where Spanish ears hear a difference.

    >>> _sound("labrov"), _sound("lavrov")
    ('labrob', 'labrob')
    """
    for pattern, letter in _SOUNDS:
        folded = re.sub(pattern, letter, folded)
    return folded


def _in_dictionary(word: str, english: bool) -> bool:
    """Whether a lower-case word is Spanish, in whatever form, or also whether it is English."""
    from simplemma import is_known

    return is_known(word, lang=("es", "en") if english else "es")
