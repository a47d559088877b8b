"""Debian's pages as articles: what is prose in them, what is Spanish, how many passages it makes."""

import gzip
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from eval.bench import markup, packages, roff
from eval.bench.corpus import articles, is_spanish_prose, made_corpus, passages_of, prose
from index.errors import CorpusError

SPANISH = (
    "La orden que se describe en esta página muestra los archivos de una carpeta en el orden de sus nombres, y con la "
    "opción larga también el tamaño de cada uno, la fecha del último cambio y el usuario al que pertenece, de modo que "
    "se vea todo en una sola línea"
)
ENGLISH = (
    "The command that is described in this page shows the files of a folder in the order of their names, and with the "
    "long option the size of each of them as well, the date of the last change and the user that it belongs to, so "
    "that all of it can be seen in a single line"
)


def spanish(number: int) -> str:
    return f"{SPANISH}, número {number}."


# --- Roff ---


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("Una línea\ny otra.", ["Una línea y otra."]),
        ("Una.\n.PP\nDos.\n\nTres.\n.SH TÍTULO\nCuatro.", ["Una.", "Dos.", "Tres.", "Cuatro."]),
        ('.\\" Un comentario\nTexto. \\" otro comentario', ["Texto."]),
        ("Con \\fBnegrita\\fP, \\f(CWfija\\fR y \\f[I]cursiva\\f[].", ["Con negrita, fija y cursiva."]),
        ('.BR ls (1)\nmuestra\n.I los archivos\n.B "de la" carpeta', ["ls(1) muestra los archivos de la carpeta"]),
        ("a\\-b\\ c \\(Fod\\(Fc \\e \\&.x \\(em y\\~z", ["a-b c «d» \\ .x — y z"]),
        ("\\s-1PEQUEÑO\\s0 y \\*(lqcitado\\*(rq", ["PEQUEÑO y “citado”"]),
        ("Antes.\n.nf\nint main(void);\n.fi\nDespués.", ["Antes.", "Después."]),
        (".de XX\nno es texto\n..\nTexto.", ["Texto."]),
        (".TS\nl l.\nuno\tdos\n.TE\nTexto.", ["Texto."]),
        (".Dd 1 de enero\n.Sh NOMBRE\nUna página de BSD.", []),
        ("'br\n.\nTexto.", ["Texto."]),
        ("", []),
    ],
)
def test_the_prose_of_a_manual_page(source: str, expected: list[str]) -> None:
    assert roff.paragraphs(source) == expected


# --- HTML ---


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("<p>Una <b>orden</b>\n de <a href='x'>prueba</a>.</p>", ["Una orden de prueba."]),
        ("<ul><li>Uno<li>Dos</ul><td>Tres</td>", ["Uno", "Dos", "Tres"]),
        ("<p>Antes<pre>$ ls</pre>después</p>", ["Antes", "después"]),
        ("<head><title>No</title><style>p {}</style></head><body>Sí<script>if (a < b) {}</script></body>", ["Sí"]),
        ("&iquest;Qu&eacute;&#63;&nbsp;&amp; m&aacute;s", ["¿Qué? & más"]),
        ("uno<br/>dos", ["uno", "dos"]),
        ("<pre><b>código</pre>texto", ["texto"]),
    ],
)
def test_the_prose_of_a_page_of_html(source: str, expected: list[str]) -> None:
    assert markup.paragraphs(source) == expected


# --- What is taken ---


def test_only_long_paragraphs_of_spanish_are_taken() -> None:
    assert is_spanish_prose(SPANISH)
    assert not is_spanish_prose(ENGLISH)
    assert not is_spanish_prose(SPANISH[:150])
    assert not is_spanish_prose("stdio fprintf FILE errno EINVAL int char void NULL size struct " * 5)


def test_a_paragraph_is_taken_once_whatever_its_blanks_and_capitals() -> None:
    again = SPANISH.upper().replace(" ", "  ")
    assert list(prose([SPANISH, ENGLISH, again, spanish(1)])) == [SPANISH, spanish(1)]


def test_articles_have_ten_paragraphs_and_stop_when_there_are_passages_enough() -> None:
    texts = [spanish(number) for number in range(100)]
    made = list(articles(texts, 25))
    assert [article.splitlines() for article in made] == [texts[:10], texts[10:20], texts[20:25]]
    assert sum(len(passages_of(article)) for article in made) == 25
    assert len(list(articles(texts[:12], 25))) == 2


# --- Packages ---


def page(folder: Path, name: str, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())


class FakeDebian:
    """Stands for apt-get and dpkg-deb: packages of one version with a manual page each."""

    def __init__(self, paragraphs: int = 12) -> None:
        self.paragraphs = paragraphs
        self.downloads: list[str] = []

    def __call__(self, command: Sequence[str], cwd: Path, **_: object) -> subprocess.CompletedProcess[str]:
        if command[0] == "apt-get":
            self.downloads.append(command[-1])
            (cwd / f"{command[-1]}_1.2_all.deb").write_bytes(b"")
        if "--extract" in command:
            man = cwd / command[-1] / "usr/share/man/es/man1"
            text = "\n.PP\n".join(f"{command[-1]}: {spanish(number)}" for number in range(self.paragraphs))
            page(man, "a.1.gz", text)
        return subprocess.CompletedProcess(command, 0, "1.2-3\n" if "--field" in command else "", "")


@pytest.fixture
def debian(monkeypatch: pytest.MonkeyPatch) -> FakeDebian:
    found = FakeDebian()
    monkeypatch.setattr("eval.bench.packages.subprocess.run", found)
    return found


def test_a_corpus_is_made_once(debian: FakeDebian, tmp_path: Path) -> None:
    first = made_corpus(tmp_path, 20)
    assert first.passages == 20
    assert first.made_of == {name: "1.2-3" for name, _ in packages.SOURCES}
    assert sum(len(passages_of(path.read_text())) for path in first.folder.iterdir()) == 20
    kept = {path: path.read_bytes() for path in first.folder.iterdir()}
    assert debian.downloads == [name for name, _ in packages.SOURCES]
    assert made_corpus(tmp_path, 20) == first
    assert made_corpus(tmp_path, 10).passages == 10
    assert len(debian.downloads) == len(packages.SOURCES)
    assert {path: path.read_bytes() for path in first.folder.iterdir()} == kept


def test_packages_without_text_enough_are_told_and_no_half_corpus_is_kept(debian: FakeDebian, tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(CorpusError, match=r"hold 24 passages; expected at least 90"):
            made_corpus(tmp_path, 90)


def test_pages_are_read_in_order_and_links_not_at_all(tmp_path: Path) -> None:
    man = tmp_path / "es" / "man1"
    page(man, "b.1.gz", "B.")
    page(man, "a.1.gz", "A.")
    page(tmp_path / "es", "z.html", "<p>Z.</p>")
    page(tmp_path / "es", "changelog.gz", "no")
    (man / "c.1.gz").symlink_to(man / "a.1.gz")
    package = packages.Package("p", "1", tmp_path / "es")
    assert list(packages.paragraphs(package)) == ["A.", "B.", "Z."]


@pytest.mark.parametrize(
    ("errors", "reason"),
    [("W: as root\nE: Unable to locate package manpages-es\n", "E: Unable to locate"), ("", "apt-get ended with 100")],
)
def test_a_package_that_cannot_be_had_is_told_in_one_line(
    errors: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(command: Sequence[str], **_: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 100, "", errors)

    monkeypatch.setattr("eval.bench.packages.subprocess.run", refuse)
    with pytest.raises(CorpusError, match=reason) as caught:
        made_corpus(tmp_path, 5)
    assert "\n" not in str(caught.value)


def test_a_system_without_apt_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CorpusError, match=r"manpages-es cannot be had \(apt-get: No such file"):
        made_corpus(tmp_path, 5)
