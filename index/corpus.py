"""A folder of articles -> Documents.

Files go in, decoded texts come out, and everything that is not served is named with a reason. Nothing here knows of
passages or of an index.
"""

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from index.errors import CorpusError
from index.types import Document, Skipped

MAX_FILE_BYTES = 20 * 1024 * 1024
# A file without an extension may well be an article; what is binary among them is found by its bytes.
TEXT_SUFFIXES = (".txt", ".text", ".md", "")
CACHE_TAG = "CACHEDIR.TAG"
"""A folder that holds a file of this name is a cache (https://bford.info/cachedir/), such as an index."""

_UTF8_MARK, _UTF16_MARKS = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")
# Single-byte text has no other control characters; formats that are not text nearly always do.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f]")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_SHOWN_REASONS = 3


class NotTextError(Exception):
    """The bytes of a file are no text that can be served; the message says why in a few words."""


@dataclass(frozen=True, slots=True)
class FileStat:
    """A file as it lies in the folder: `size` in bytes, time of its last change in nanoseconds."""

    file: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Scan:
    """What a folder holds by the look of it, nothing opened: files that may be articles, and those that are not."""

    root: Path
    files: tuple[FileStat, ...]
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True)
class Corpus:
    """The articles of a folder, in order of their names. `files` are all that were read or tried."""

    root: Path
    files: tuple[FileStat, ...]
    documents: tuple[Document, ...]
    skipped: tuple[Skipped, ...]


def load(root: Path) -> Corpus:
    """Every article below the folder; `CorpusError` if there is none."""
    return gather(scan(root), {})


def scan(root: Path) -> Scan:
    """Lists the folder recursively, sorted by relative path.

    Hidden files and caches are passed over in silence. Links are not followed, so nothing outside the folder is
    served and nothing inside it twice. Raises `CorpusError` if there is no such folder.
    """
    _require_folder(root)
    judged = sorted(_walk(root), key=lambda found: found.file)
    files = tuple(found for found in judged if isinstance(found, FileStat))
    return Scan(root, files, tuple(found for found in judged if isinstance(found, Skipped)))


def gather(found: Scan, known: Mapping[FileStat, Document | Skipped]) -> Corpus:
    """Reads the files of a scan, except those `known` from an earlier reading with the same size and time.

    A file that cannot be served is skipped with its reason. Raises `CorpusError` if none is left.
    """
    outcomes = [known.get(file) or _attempt(found.root, file.file) for file in found.files]
    documents = tuple(outcome for outcome in outcomes if isinstance(outcome, Document))
    unread = tuple(outcome for outcome in outcomes if isinstance(outcome, Skipped))
    skipped = tuple(sorted((*found.skipped, *unread), key=lambda each: each.file))
    if not documents:
        raise _nothing_readable(found.root, skipped)
    return Corpus(found.root, found.files, documents, skipped)


def read(root: Path, file: str) -> Document:
    """One article of the folder. Raises `NotTextError` if it holds no text, `OSError` if it cannot be read."""
    raw = (root / file).read_bytes()
    text, encoding = decode(raw)
    sha256 = hashlib.sha256(raw).hexdigest()
    identity = hashlib.sha256(f"{file}\0{sha256}".encode()).hexdigest()[:12]
    return Document(identity, file, sha256, encoding, text)


def decode(raw: bytes) -> tuple[str, str]:
    r"""Text and the codec that gives it: `raw.decode(codec) == text`, newlines as they stand.

    Raises `NotTextError` for what no codec can read, for binary data, and for white space alone.

    >>> decode(b"\xef\xbb\xbfSe\xc3\xbal"), decode(b"Se\xfal")
    (('Seúl', 'utf-8-sig'), ('Seúl', 'cp1252'))
    """
    encoding = _encoding(raw)
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        reason = "binary data" if encoding == "cp1252" else f"starts as {encoding} but is not valid"
        raise NotTextError(reason) from error
    if "\0" in text or (encoding == "cp1252" and _CONTROLS.search(text)):
        raise NotTextError("binary data")
    if not text.strip():
        raise NotTextError("empty")
    return text, encoding


def _encoding(raw: bytes) -> str:
    if raw.startswith(_UTF8_MARK):
        return "utf-8-sig"
    if raw.startswith(_UTF16_MARKS):
        return "utf-16"
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _require_folder(root: Path) -> None:
    if not root.exists():
        raise CorpusError(f"no folder '{root}'", "a folder of articles", "name one with --corpus")
    if not root.is_dir():
        raise CorpusError(f"'{root}' is a file", "a folder of articles", "name its folder with --corpus")
    if not os.access(root, os.R_OK | os.X_OK):
        raise CorpusError(f"no permission to read '{root}'", "a readable folder", "change its permissions")


def _walk(root: Path) -> Iterator[FileStat | Skipped]:
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        try:
            entries = list(os.scandir(folder))
        except OSError as error:
            yield Skipped(_shown(_relative(root, folder) + "/"), _why(error))
            continue
        if folder != root and any(entry.name == CACHE_TAG for entry in entries):
            continue
        for entry in entries:
            path = folder / entry.name
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                waiting.append(path)
            else:
                yield _judge(path, _relative(root, path))


def _judge(path: Path, file: str) -> FileStat | Skipped:
    try:
        found = path.lstat()
    except OSError as error:
        return Skipped(_shown(file), _why(error))
    reason = _objection(path, file, found)
    return Skipped(_shown(file), reason) if reason else FileStat(file, found.st_size, found.st_mtime_ns)


def _objection(path: Path, file: str, found: os.stat_result) -> str:
    if _UNPRINTABLE.search(file):
        return "name with bytes that are not UTF-8 or with control characters"
    if stat.S_ISLNK(found.st_mode):
        return "a link, not followed"
    if not stat.S_ISREG(found.st_mode):
        return "not a regular file"
    if path.suffix.lower() not in TEXT_SUFFIXES:
        return f"extension {path.suffix} (read are .txt, .text, .md and none)"
    if found.st_size > MAX_FILE_BYTES:
        return f"larger than {MAX_FILE_BYTES // 1024**2} MiB"
    # Asked here and not only on reading, so that a change of permissions is seen without opening any file.
    return "" if os.access(path, os.R_OK) else "no permission to read"


def _attempt(root: Path, file: str) -> Document | Skipped:
    try:
        return read(root, file)
    except NotTextError as error:
        return Skipped(file, str(error))
    except OSError as error:
        return Skipped(file, _why(error))


def _nothing_readable(root: Path, skipped: tuple[Skipped, ...]) -> CorpusError:
    reasons = "; ".join(f"{each.file}: {each.reason}" for each in skipped[:_SHOWN_REASONS])
    more = f"; and {len(skipped) - _SHOWN_REASONS} more" if len(skipped) > _SHOWN_REASONS else ""
    found = f"nothing readable in '{root}' ({reasons}{more})" if skipped else f"no files in '{root}'"
    return CorpusError(found, "a folder with text files", "add articles or name another folder with --corpus")


def _relative(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()


def _shown(file: str) -> str:
    # Backslashes stand for what a terminal must not receive and UTF-8 cannot hold.
    return _UNPRINTABLE.sub(lambda found: ascii(found.group())[1:-1], file)


def _why(error: OSError) -> str:
    return f"cannot be read: {error.strerror or error}"
