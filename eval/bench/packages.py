"""Debian's packages of Spanish documentation -> their pages, unpacked into a folder; nothing is installed."""

import gzip
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.bench import markup, roff
from index.errors import CorpusError

SOURCES = (
    ("manpages-es", "usr/share/man/es"),
    ("manpages-es-dev", "usr/share/man/es"),
    ("debian-reference-es", "usr/share/debian-reference"),
    ("maint-guide-es", "usr/share/doc/maint-guide-es"),
    ("aptitude-doc-es", "usr/share/doc/aptitude/html/es"),
    ("debian-edu-doc-es", "usr/share/doc/debian-edu-doc-es"),
    ("libreoffice-help-es", "usr/share/libreoffice/help/es/text"),
    ("lilypond-doc-html-es", "usr/share/doc/lilypond/html/Documentation"),
)
"""Packages with the folder in each that holds its pages, in the order in which they are read."""


@dataclass(frozen=True, slots=True)
class Package:
    """An unpacked package, and the folder with its pages."""

    name: str
    version: str
    pages: Path


def fetch(folder: Path, sources: Sequence[tuple[str, str]] = SOURCES) -> list[Package]:
    """Downloads what does not lie in the folder yet, and unpacks it there.

    Raises `CorpusError` where a package cannot be had, as on other systems or without a network.
    """
    return [_fetched(name, pages, folder) for name, pages in sources]


def _fetched(name: str, pages: str, folder: Path) -> Package:
    folder.mkdir(parents=True, exist_ok=True)
    if not list(folder.glob(f"{name}_*.deb")):
        _run(name, ["apt-get", "download", name], folder)
    archives = sorted(folder.glob(f"{name}_*.deb"))
    if not archives:
        raise _missing(name, "nothing was downloaded")
    version = _run(name, ["dpkg-deb", "--field", archives[-1].name, "Version"], folder).strip()
    _run(name, ["dpkg-deb", "--extract", archives[-1].name, name], folder)
    return Package(name, version, folder / name / pages)


def _run(name: str, command: list[str], folder: Path) -> str:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except OSError as error:
        raise _missing(name, f"{command[0]}: {error.strerror}") from error
    if done.returncode != 0:
        faults = [line for line in done.stderr.splitlines() if not line.startswith("W:")]
        raise _missing(name, faults[-1].strip() if faults else f"{command[0]} ended with {done.returncode}")
    return done.stdout


def _missing(name: str, reason: str) -> CorpusError:
    return CorpusError(
        f"the Debian package {name} cannot be had ({reason})",
        "a Debian system with a network and lists of packages",
        "run `apt-get update`, or name rows that need no corpus with --only",
    )


def paragraphs(package: Package) -> Iterator[str]:
    """The paragraphs of all pages of a package, in the order of their names."""
    for path in sorted(package.pages.rglob("*")):
        # A link leads to a page that is read anyway.
        if path.is_symlink() or not path.is_file():
            continue
        if path.suffix == ".html":
            yield from markup.paragraphs(path.read_text(encoding="utf-8", errors="replace"))
        elif path.suffix == ".gz" and path.parent.name.startswith("man"):
            yield from roff.paragraphs(gzip.decompress(path.read_bytes()).decode("utf-8", errors="replace"))
