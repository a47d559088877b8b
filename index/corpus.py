"""A folder of articles -> Documents.

Files go in, decoded texts come out, and everything that is not served is told with a reason. A folder may be hostile:
only regular files of it are opened, whatever takes their place meanwhile, and neither their size nor their number takes
more memory or time than the limits below say. Nothing here knows of passages or of an index.
"""

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from index.errors import CorpusError
from index.files import FOLDER_FLAGS, ROOT_FLAGS, UNPRINTABLE, NotServedError, read_bytes, require_servable
from index.plain import plain
from index.skips import READ_ARE, WHOLE, First, Skips, shown
from index.types import Document, Skipped

# Text, passages and vectors are held in memory, where a corpus takes some ten times its size. This much is what 8 GiB
# can serve, and 100,000 articles of the usual 5 KiB come to it.
MAX_CORPUS_BYTES = 512 * 1024**2
MAX_FILES = 100_000
# A file without an extension may well be an article; what is binary among them is found by its bytes.
TEXT_SUFFIXES = (".txt", ".text", ".md", "")
CACHE_TAG = "CACHEDIR.TAG"
"""A folder that holds a file of this name is a cache (https://bford.info/cachedir/), such as an index."""

_UTF8_MARK, _UTF16_MARKS = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")
# Single-byte text has no other control characters; formats that are not text nearly always do.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f]")
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
    served and nothing inside it twice. Beyond `MAX_FILES` the last in order are left out, beyond `MAX_CORPUS_BYTES` the
    largest: articles are small. Raises `CorpusError` if there is no such folder.
    """
    _require_folder(root)
    found: First[tuple[str, int, int]] = First(MAX_FILES)
    skips = Skips()
    _walk(root, found, skips)
    first, beyond = found.close()
    if beyond:
        skips.add(WHOLE, f"{beyond:,} files beyond the first {MAX_FILES:,} in order of names", beyond)
    files = []
    for file, size, mtime_ns in first:
        reason = _refusal(os.path.join(root, file))
        if reason:
            skips.add(file, reason)
        else:
            files.append(FileStat(file, size, mtime_ns))
    return Scan(root, _fitting(files, skips), skips.told())


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
    raw = read_bytes(root, file)
    text, encoding = decode(raw)
    sha256 = hashlib.sha256(raw).hexdigest()
    identity = hashlib.sha256(f"{file}\0{sha256}".encode()).hexdigest()[:12]
    document = Document(identity, file, sha256, encoding, *plain(text))
    if not document.text.strip():
        raise NotTextError("empty")
    return document


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


def _walk(root: Path, found: First[tuple[str, int, int]], skips: Skips) -> None:
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        try:
            waiting += _judge(root, folder, found, skips)
        except OSError as error:
            skips.add(folder, _why(error))


def _judge(root: Path, folder: str, found: First[tuple[str, int, int]], skips: Skips) -> list[str]:
    """Tells the files of a folder apart and returns its folders. Names are relative to the root, folders end in `/`."""
    if folder and os.path.lexists(os.path.join(root, folder, CACHE_TAG)):
        return []
    folders = []
    with _entries(root, folder) as entries:
        for entry in entries:
            name = entry.name
            if name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                folders.append(f"{folder}{name}/")
                continue
            judged = _judged(entry, folder + name)
            if isinstance(judged, str):
                skips.add(folder + name, judged)
            else:
                found.add(judged)
    return folders


@contextmanager
def _entries(root: Path, folder: str) -> Iterator[Iterator[os.DirEntry[str]]]:
    """What a folder holds; `OSError` where a link took its place."""
    if os.scandir not in os.supports_fd:
        with os.scandir(os.path.join(root, folder)) as entries:
            yield entries
        return
    # With a slash at its end a link would be followed.
    place, flags = (os.path.join(root, folder[:-1]), FOLDER_FLAGS) if folder else (root, ROOT_FLAGS)
    descriptor = os.open(place, flags)
    try:
        with os.scandir(descriptor) as entries:
            yield entries
    finally:
        os.close(descriptor)


def _judged(entry: os.DirEntry[str], file: str) -> tuple[str, int, int] | str:
    """Name, size and time of a file that may be an article, or why it is none; what costs least is asked first."""
    if not file.isprintable() and UNPRINTABLE.search(file):
        return "name with bytes that are not UTF-8 or with control characters"
    try:
        if entry.is_file(follow_symlinks=False):
            suffix = _suffix(entry.name)
            if suffix.lower() not in TEXT_SUFFIXES:
                return f"extension {shown(suffix)} {READ_ARE}"
        found = entry.stat(follow_symlinks=False)
        require_servable(found)
    except NotServedError as error:
        return str(error)
    except OSError as error:
        return _why(error)
    return (file, found.st_size, found.st_mtime_ns) if found.st_size else "empty"


def _suffix(name: str) -> str:
    """The ending as `Path.suffix` gives it, for a name that does not begin with a full stop."""
    place = name.rfind(".")
    return name[place:] if 0 < place < len(name) - 1 else ""


def _refusal(path: str) -> str:
    """Why a file may not be read. Asked without opening it, so that a change of permissions is seen by a scan."""
    if os.access(path, os.R_OK):
        return ""
    try:
        os.lstat(path)
    except OSError as error:
        return _why(error)
    return "no permission to read"


def _fitting(files: list[FileStat], skips: Skips) -> tuple[FileStat, ...]:
    """The files without the largest of them, where they are too many bytes."""
    excess = sum(file.size for file in files) - MAX_CORPUS_BYTES
    left_out = set()
    for file in sorted(files, key=lambda each: (-each.size, each.file)) if excess > 0 else ():
        if excess <= 0:
            break
        excess -= file.size
        left_out.add(file)
        skips.add(file.file, f"one of the largest, beyond {MAX_CORPUS_BYTES // 1024**2} MiB in all")
    return tuple(file for file in files if file not in left_out)


def _attempt(root: Path, file: str) -> Document | Skipped:
    try:
        return read(root, file)
    except (NotTextError, NotServedError) as error:
        return Skipped(file, str(error))
    except OSError as error:
        return Skipped(file, _why(error))


def _nothing_readable(root: Path, skipped: tuple[Skipped, ...]) -> CorpusError:
    named = sorted(skipped, key=lambda each: each.files)[:_SHOWN_REASONS]
    reasons = "; ".join(f"{each.file}: {each.reason}" for each in named)
    rest = sum(each.files for each in skipped) - sum(each.files for each in named)
    more = f"; and {rest:,} more" if rest else ""
    found = f"nothing readable in '{root}' ({reasons}{more})" if skipped else f"no files in '{root}'"
    return CorpusError(found, "a folder with text files", "add articles or name another folder with --corpus")


def _why(error: OSError) -> str:
    return f"cannot be read: {error.strerror or error}"
