"""A corpus of real Spanish text in any number of passages, made from Debian's documentation once and kept."""

import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from eval.bench import packages
from index.chunker import ChunkerSettings, passages
from index.errors import CorpusError
from index.plain import plain
from index.spanish import fold, is_english, stopwords
from index.types import Document

_RULES = 1
"""Raised whenever the same packages give another corpus."""
_FEWEST_WORDS = 40
_ARTICLE_PARAGRAPHS = 10
_LEAST_FUNCTION_WORDS = 0.3
"""Share of words that are Spanish function words, from which on a paragraph is Spanish prose: listings have fewer."""
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class MadeCorpus:
    """A folder of articles, how many passages they have, and the packages they come from with their versions."""

    folder: Path
    passages: int
    made_of: Mapping[str, str]


def made_corpus(folder: Path, wanted: int) -> MadeCorpus:
    """The corpus of at least so many passages below a folder, made if it is not there whole.

    Raises `CorpusError` where the packages cannot be had or hold less text.
    """
    target, note = folder / f"corpus-{wanted}", folder / f"corpus-{wanted}.json"
    if not note.is_file() or json.loads(note.read_bytes())["rules"] != _RULES:
        found = packages.fetch(folder / "packages")
        count = _write(prose(text for package in found for text in packages.paragraphs(package)), target, wanted)
        made_of = {package.name: package.version for package in found}
        # Written last: with it the corpus is whole.
        note.write_text(json.dumps({"rules": _RULES, "passages": count, "made_of": made_of}, indent=1) + "\n")
    told = json.loads(note.read_bytes())
    return MadeCorpus(target, told["passages"], told["made_of"])


def _write(texts: Iterable[str], target: Path, wanted: int) -> int:
    """Writes the articles, the number of whose passages is given back."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    count = 0
    for number, article in enumerate(articles(texts, wanted)):
        (target / f"{number:04}.txt").write_text(article, encoding="utf-8")
        count += len(passages_of(article))
    if count < wanted:
        raise CorpusError(f"the packages hold {count} passages", f"at least {wanted}", "ask for fewer with --passages")
    return count


def prose(texts: Iterable[str]) -> Iterator[str]:
    """The long paragraphs of Spanish among texts, each once whatever its blanks and capitals."""
    seen: set[str] = set()
    for text in texts:
        known = " ".join(text.split()).casefold()
        if known not in seen and is_spanish_prose(text):
            seen.add(known)
            yield text


def is_spanish_prose(text: str) -> bool:
    """Whether a text is a paragraph of at least 40 words, and Spanish by its function words.

    >>> is_spanish_prose("La orden de la que se habla en el manual es una de las que no se usan. " * 3)
    True
    """
    words = _WORD.findall(text)
    if len(words) < _FEWEST_WORDS or is_english(text):
        return False
    return sum(fold(word) in stopwords() for word in words) >= _LEAST_FUNCTION_WORDS * len(words)


def articles(texts: Iterable[str], wanted: int) -> Iterator[str]:
    """Texts of ten paragraphs, a line each, until they have so many passages; the last may be shorter."""
    count, lines = 0, list[str]()
    for text in texts:
        lines.append(text)
        held = len(passages_of(_article(lines)))
        if len(lines) == _ARTICLE_PARAGRAPHS or count + held >= wanted:
            yield _article(lines)
            count, lines = count + held, []
        if count >= wanted:
            return
    if lines:
        yield _article(lines)


def _article(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def passages_of(text: str) -> list[str]:
    """The passages that an article is cut into."""
    return [each.text for each in passages(Document("", "", "", "", plain(text)[0]), ChunkerSettings())]
