import hashlib
import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index import corpus
from index.corpus import (
    FileStat,
    NotTextError,
    decode,
    gather,
    load,
    read,
    scan,
)
from index.errors import CorpusError
from index.files import MAX_FILE_BYTES, NotServedError, read_bytes
from index.skips import MAX_NAMED, summed_up
from index.types import Document, Skipped

ARTICLE = "El señor Peña llegó a Seúl.\r\nSe fue el día 5.\n"
# What text editors write: no NUL, and something besides white space. Surrogates cannot be encoded.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")).filter(str.strip)


def put(root: Path, files: dict[str, bytes]) -> Path:
    for file, raw in files.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_bytes(raw)
    return root


def reasons(root: Path) -> dict[str, str]:
    return {each.file: each.reason for each in load(root).skipped}


@pytest.mark.parametrize(
    ("raw", "encoding"),
    [
        (ARTICLE.encode(), "utf-8"),
        (b"\xef\xbb\xbf" + ARTICLE.encode(), "utf-8-sig"),
        (b"\xff\xfe" + ARTICLE.encode("utf-16-le"), "utf-16"),
        (b"\xfe\xff" + ARTICLE.encode("utf-16-be"), "utf-16"),
        (ARTICLE.encode("cp1252"), "cp1252"),
        ("«Así», dijo —y se fue… 5 €".encode("cp1252"), "cp1252"),
    ],
)
def test_each_encoding_is_recognised_and_its_mark_is_no_text(raw: bytes, encoding: str) -> None:
    text, found = decode(raw)
    assert found == encoding
    assert raw.decode(found) == text
    assert not text.startswith("\ufeff")


@given(TEXTS, st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_decoding_gives_back_what_was_encoded(text: str, encoding: str) -> None:
    raw = text.encode(encoding)
    decoded, found = decode(raw)
    assert raw.decode(found) == decoded
    # A text that itself begins with a mark, or with what looks like one, is the one that loses it.
    if not text.startswith("\ufeff"):
        assert decoded == text


@given(st.binary())
def test_any_bytes_are_text_that_can_be_found_again_or_refused(raw: bytes) -> None:
    try:
        text, encoding = decode(raw)
    except NotTextError:
        return
    assert raw.decode(encoding) == text
    assert text.strip()


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "empty"),
        (b" \r\n\t\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"\xff\xfe", "empty"),
        (b"texto\x00", "binary data"),
        (b"\x7fELF\x02\x01\x01\xe9", "binary data"),
        (b"Se\xfal \x1b[31m", "binary data"),
        (b"Se\xfal \x81", "binary data"),
        ("a".encode("utf-32"), "binary data"),
        (b"\xff\xfea", "starts as utf-16 but is not valid"),
        (b"\xff\xfe\x00\xd8", "starts as utf-16 but is not valid"),
        (b"\xef\xbb\xbf\xff", "starts as utf-8-sig but is not valid"),
    ],
)
def test_what_is_no_text_is_refused_with_its_reason(raw: bytes, reason: str) -> None:
    with pytest.raises(NotTextError, match=f"^{reason}$"):
        decode(raw)


def test_every_byte_that_cp1252_leaves_undefined_is_refused() -> None:
    for byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D):
        with pytest.raises(NotTextError):
            decode(b"Corea \xe1 " + bytes([byte]))


def test_document_carries_digest_path_and_an_id_of_both(tmp_path: Path) -> None:
    raw = ARTICLE.encode("cp1252")
    put(tmp_path, {"a/x.txt": raw, "b/x.txt": raw})
    first, second = read(tmp_path, "a/x.txt"), read(tmp_path, "b/x.txt")
    digest = hashlib.sha256(raw).hexdigest()
    assert (first.file, first.sha256, first.encoding, first.written) == ("a/x.txt", digest, "cp1252", ARTICLE)
    assert first.id == hashlib.sha256(f"a/x.txt\0{digest}".encode()).hexdigest()[:12]
    assert second.id != first.id


def test_folder_is_read_recursively_in_order_of_paths(tmp_path: Path) -> None:
    files = ["a/b.txt", "a.txt", "z.md", "B.TXT", "nota", "a/c.text"]
    put(tmp_path, dict.fromkeys(files, b"Hola."))
    assert [document.file for document in load(tmp_path).documents] == sorted(files)


def test_hidden_files_and_caches_are_passed_over_in_silence(tmp_path: Path) -> None:
    put(tmp_path, {"a.txt": b"Hola.", ".b.txt": b"Hola.", ".git/c.txt": b"Hola.", "index/current": b"{}"})
    put(tmp_path, {f"index/{corpus.CACHE_TAG}": b"Signature"})
    found = load(tmp_path)
    assert [document.file for document in found.documents] == ["a.txt"]
    assert found.skipped == ()


def test_what_is_not_served_is_named_and_the_rest_is_served(tmp_path: Path) -> None:
    put(tmp_path, {"a.txt": b"Hola.", "b.txt": b"\0", "c.pdf": b"%PDF", "d.txt": b" \n"})
    os.mkfifo(tmp_path / "e.txt")
    with socket.socket(socket.AF_UNIX) as listener:
        # The path of a socket must be short, which that of a test folder is not.
        here = Path.cwd()
        os.chdir(tmp_path)
        listener.bind("f.txt")
        os.chdir(here)
    assert [document.file for document in load(tmp_path).documents] == ["a.txt"]
    assert reasons(tmp_path) == {
        "b.txt": "binary data",
        "c.pdf": "extension .pdf (read are .txt, .text, .md and none)",
        "d.txt": "empty",
        "e.txt": "not a regular file",
        "f.txt": "not a regular file",
    }


def test_links_are_not_followed(tmp_path: Path) -> None:
    outside = put(tmp_path / "outside", {"secret.txt": b"Secreto."})
    root = put(tmp_path / "root", {"a.txt": b"Hola."})
    (root / "file.txt").symlink_to(outside / "secret.txt")
    (root / "folder").symlink_to(outside)
    (root / "loop").symlink_to(root)
    assert [document.file for document in load(root).documents] == ["a.txt"]
    assert reasons(root) == dict.fromkeys(["file.txt", "folder", "loop"], "a link, not followed")


def test_a_linked_corpus_folder_is_a_corpus_folder(tmp_path: Path) -> None:
    put(tmp_path / "root", {"a.txt": b"Hola."})
    (tmp_path / "link").symlink_to(tmp_path / "root")
    assert len(load(tmp_path / "link").documents) == 1


def test_too_large_a_file_is_skipped_unopened(tmp_path: Path) -> None:
    put(tmp_path, {"a.txt": b"Hola."})
    with (tmp_path / "b.txt").open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    assert reasons(tmp_path) == {"b.txt": "larger than 20 MiB"}


def test_names_that_a_terminal_cannot_show_are_skipped_under_a_printable_one(tmp_path: Path) -> None:
    put(tmp_path, {"a.txt": b"Hola.", "salto\n.txt": b"Hola.", "\x1b[31m.txt": b"Hola.", "Año 1.txt": b"Hola."})
    (tmp_path / os.fsdecode(b"caf\xe9.txt")).write_bytes(b"Hola.")
    assert [document.file for document in load(tmp_path).documents] == ["Año 1.txt", "a.txt"]
    assert set(reasons(tmp_path)) == {"salto\\n.txt", "\\x1b[31m.txt", "caf\\udce9.txt"}
    assert all(each.file.isprintable() and each.reason.isprintable() for each in load(tmp_path).skipped)


def test_a_name_too_long_to_be_shown_is_shortened(tmp_path: Path) -> None:
    put(tmp_path, {"a.txt": b"Hola.", f"{'b/' * 200}c.pdf": b"%PDF"})
    [skipped] = load(tmp_path).skipped
    assert skipped.file == f"{'b/' * 75}…{'b/' * 72}c.pdf"


def test_of_many_files_skipped_for_like_reasons_the_first_are_named_and_the_rest_is_counted(tmp_path: Path) -> None:
    put(tmp_path, {"a.txt": b"Hola."} | {f"{number:03}.txt": b"" for number in range(100)})
    put(tmp_path, {f"b/c.x{number:03}": b"" for number in range(21)})
    told = scan(tmp_path).skipped
    assert [each for each in told if each.reason == "empty"] == [Skipped(f"{n:03}.txt", "empty") for n in range(20)]
    assert [each for each in told if each.files > 1] == [Skipped("./", "80 files not named here: empty", 80)]
    assert Skipped("b/c.x019", "extension .x019 (read are .txt, .text, .md and none)") in told
    other = "1 files not named here: other extensions (read are .txt, .text, .md and none)"
    assert Skipped("./", other, 1) in told
    assert sum(each.files for each in told) == 121


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["binary data", "empty"])), max_size=200))
def test_what_is_told_of_files_does_not_depend_on_the_order_in_which_they_are_found(
    found: list[tuple[str, str]],
) -> None:
    skipped = [Skipped(f"{name}{number}.txt", reason) for number, (name, reason) in enumerate(found)]
    told = summed_up(skipped)
    assert told == summed_up(reversed(skipped)) == summed_up(sorted(skipped, key=lambda each: each.reason))
    assert sum(each.files for each in told) == len(skipped)
    for reason in ("binary data", "empty"):
        names = sorted(each.file for each in skipped if each.reason == reason)
        assert [each.file for each in told if each.reason == reason] == names[:MAX_NAMED]


def test_beyond_so_many_files_the_last_in_order_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "MAX_FILES", 2)
    put(tmp_path, dict.fromkeys(["b.txt", "a/z.txt", "c.txt", "d.txt", "e.txt"], b"Hola."))
    found = scan(tmp_path)
    assert [each.file for each in found.files] == ["a/z.txt", "b.txt"]
    assert found.skipped == (Skipped("./", "3 files beyond the first 2 in order of names", 3),)


def test_beyond_so_many_bytes_the_largest_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "MAX_CORPUS_BYTES", 1024**2)
    put(tmp_path, {"a.txt": b"a" * 900_000, "b.txt": b"b" * 900_001, "c.txt": b"c" * 100_000, "d.txt": b"d"})
    found = scan(tmp_path)
    assert [each.file for each in found.files] == ["a.txt", "c.txt", "d.txt"]
    assert found.skipped == (Skipped("b.txt", "one of the largest, beyond 1 MiB in all"),)


@pytest.mark.parametrize("file", ["../outside.txt", "a/../../outside.txt", "/etc/passwd", "", ".", "a//b.txt", "a\0"])
def test_what_is_no_name_of_a_file_in_the_folder_is_not_opened(file: str, tmp_path: Path) -> None:
    put(tmp_path, {"root/a/b.txt": b"Hola.", "outside.txt": b"Secreto."})
    assert read_bytes(tmp_path / "root", "a/b.txt") == b"Hola."
    with pytest.raises(NotServedError, match="not a name of a file in the folder"):
        read_bytes(tmp_path / "root", file)


def test_nothing_is_read_through_a_link_nor_of_what_is_too_large(tmp_path: Path) -> None:
    root = put(tmp_path / "root", {"a/b.txt": b"Hola."})
    (root / "file").symlink_to("a/b.txt")
    (root / "folder").symlink_to("a")
    with (root / "large").open("wb") as large:
        large.truncate(MAX_FILE_BYTES + 1)
    for file, reason in {
        "file": "a link, not followed",
        "large": "larger than 20 MiB",
        "a": "not a regular file",
    }.items():
        with pytest.raises(NotServedError, match=reason):
            read_bytes(root, file)
    with pytest.raises(NotADirectoryError):
        read_bytes(root, "folder/b.txt")


def test_where_folders_cannot_be_opened_the_same_is_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = put(tmp_path / "root", {"a/b.txt": b"Hola.", "c.pdf": b"%PDF"})
    put(tmp_path / "outside", {"secret.txt": b"Secreto."})
    (root / "file.txt").symlink_to("../outside/secret.txt")
    (root / "folder").symlink_to("../outside")
    expected = load(root)
    # As on Windows.
    monkeypatch.setattr(os, "supports_dir_fd", frozenset())
    monkeypatch.setattr(os, "supports_fd", frozenset())
    assert load(root) == expected
    with pytest.raises(NotServedError, match="a link, not followed"):
        read_bytes(root, "file.txt")
    with pytest.raises(NotServedError, match="outside of the folder"):
        read_bytes(root, "folder/secret.txt")


def test_without_permission_a_file_or_folder_is_skipped(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    put(tmp_path, {"a.txt": b"Hola.", "b.txt": b"Hola.", "c/d.txt": b"Hola."})
    (tmp_path / "b.txt").chmod(0)
    (tmp_path / "c").chmod(0)
    try:
        assert reasons(tmp_path) == {"b.txt": "no permission to read", "c/": "cannot be read: Permission denied"}
    finally:
        (tmp_path / "c").chmod(0o700)


def test_a_file_that_vanishes_after_the_scan_is_skipped(tmp_path: Path) -> None:
    put(tmp_path, {"a.txt": b"Hola.", "b.txt": b"Hola."})
    found = scan(tmp_path)
    (tmp_path / "b.txt").unlink()
    assert gather(found, {}).skipped == (Skipped("b.txt", "cannot be read: No such file or directory"),)


def test_known_files_are_not_read_again(tmp_path: Path) -> None:
    put(tmp_path, {"a.txt": b"Hola.", "b.txt": b"\0"})
    found = scan(tmp_path)
    first = gather(found, {})
    put(tmp_path, {"a.txt": b"Otra."})
    known: dict[FileStat, Document | Skipped] = {
        found.files[0]: first.documents[0],
        found.files[1]: Skipped("b.txt", "remembered"),
    }
    assert gather(found, known).documents == first.documents
    assert gather(found, known).skipped == (Skipped("b.txt", "remembered"),)


def test_scan_tells_size_and_time(tmp_path: Path) -> None:
    put(tmp_path, {"a.txt": b"Hola."})
    os.utime(tmp_path / "a.txt", ns=(1, 1234567890))
    assert scan(tmp_path).files == (FileStat("a.txt", 5, 1234567890),)


def test_folders_without_articles_are_errors_that_say_why(tmp_path: Path) -> None:
    put(tmp_path, {"file.txt": b"Hola.", "bad/a.txt": b"", "bad/b.pdf": b"x"})
    (tmp_path / "empty").mkdir()
    with pytest.raises(CorpusError, match=r"no folder '.*missing'; expected a folder of articles; name one with"):
        load(tmp_path / "missing")
    with pytest.raises(CorpusError, match=r"file\.txt' is a file"):
        load(tmp_path / "file.txt")
    with pytest.raises(CorpusError, match=r"no files in '.*empty'"):
        load(tmp_path / "empty")
    with pytest.raises(CorpusError, match=r"nothing readable in '.*bad' \(a\.txt: empty; b\.pdf: extension \.pdf"):
        load(tmp_path / "bad")


def test_an_error_names_three_skipped_files_and_counts_the_rest(tmp_path: Path) -> None:
    put(tmp_path, {f"{number}.txt": b"" for number in range(5)})
    with pytest.raises(CorpusError, match=r"2\.txt: empty; and 2 more\)"):
        load(tmp_path)
