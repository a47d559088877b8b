"""A large corpus indexed from nothing, over embedding its passages alone; and indexed again after a small change."""

import shutil
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from eval.bench.bare import BareModel
from eval.bench.corpus import passages_of
from eval.bench.ground import Ground
from eval.bench.pairs import Pairs, alternated, seconds_of
from eval.bench.rows import Row, ratio_row
from index import build
from index.chunker import ChunkerSettings
from index.embedder import Embedder

_PAIRS = 2
_MOST_TIMES, _MOST_TIMES_AGAIN = 1.15, 0.03
_CHANGED_SHARE = 0.01
_WARMING_TEXTS = 64


def indexing(ground: Ground) -> list[Row]:
    """From nothing, over `SentenceTransformer.encode` of the same texts, the longest first; both models are loaded."""
    texts = sorted({each.text for each in ground.stored.passages}, key=lambda text: (-len(text), text))
    bare = BareModel(ground.embedder)
    bare.encode(texts[-_WARMING_TEXTS:])
    ground.embedder.encode_many(texts[-_WARMING_TEXTS:])
    ours = partial(_from_nothing, ground)
    pairs = alternated(ours, partial(seconds_of, partial(bare.encode, texts)), ground.runs(_PAIRS))
    titles = ("an index from nothing", "SentenceTransformer.encode of its passages")
    return [ratio_row("indexing", _MOST_TIMES, titles, pairs, details={"passages": len(texts)})]


def _from_nothing(ground: Ground) -> float:
    with TemporaryDirectory(dir=ground.folder) as folder:
        return seconds_of(partial(_updated, ground.corpus.folder, Path(folder) / "index", ground.embedder))


def reindexing(ground: Ground) -> list[Row]:
    """After one passage in a hundred has changed, over the same corpus from nothing just before."""
    total = len(ground.stored.passages)
    ground.embedder.encode_many(["Una frase."] * _WARMING_TEXTS)
    pairs, embedded = Pairs(), list[int]()
    for _ in range(ground.runs(_PAIRS)):
        again, whole, count = changed_and_whole(ground.corpus.folder, ground.embedder, ground.folder)
        if count < _CHANGED_SHARE * total:
            raise RuntimeError(f"{count} of {total} passages were embedded again, fewer than were changed")
        pairs += Pairs((again,), (whole,))
        embedded.append(count)
    titles = ("the index after 1 % of its passages changed", "the same index from nothing")
    details = {"passages": total, "embedded": embedded}
    return [ratio_row("reindexing", _MOST_TIMES_AGAIN, titles, pairs, details=details)]


def changed_and_whole(corpus: Path, embedder: Embedder, aside: Path) -> tuple[float, float, int]:
    """Seconds of an update after a change and of the whole index before it, and how many texts were embedded again.

    The corpus is copied, and the copy changed. There is nothing to be taken by turns: the one needs the other.
    """
    with TemporaryDirectory(dir=aside) as folder:
        articles, index = Path(folder) / "articles", Path(folder) / "index"
        shutil.copytree(corpus, articles)
        whole = seconds_of(partial(_updated, articles, index, embedder))
        change(sorted(articles.iterdir()), _CHANGED_SHARE)
        changes: list[build.Changes] = []
        again = seconds_of(lambda: changes.append(_updated(articles, index, embedder)))
    return again, whole, changes[0].embedded


def _updated(articles: Path, index: Path, embedder: Embedder) -> build.Changes:
    return build.update(articles, index, embedder, ChunkerSettings())[1]


def change(files: Iterable[Path], share: float) -> int:
    """Rewrites paragraphs of files until that share of all passages, at least, is another; their number.

    Every file gives one paragraph before any gives a second, so that the changes lie in many files.
    """
    paths = list(files)
    texts = [path.read_text(encoding="utf-8").splitlines() for path in paths]
    before = [set(passages_of("\n".join(lines))) for lines in texts]
    changed, wanted = [0] * len(paths), share * sum(map(len, before))
    for line in range(max(map(len, texts))):
        for number, lines in enumerate(texts):
            if sum(changed) >= wanted:
                return sum(changed)
            if line < len(lines):
                lines[line] = f"Corregido: {lines[line]} Así quedó."
                article = "".join(f"{each}\n" for each in lines)
                paths[number].write_text(article, encoding="utf-8")
                changed[number] = len(set(passages_of(article)) - before[number])
    return sum(changed)
