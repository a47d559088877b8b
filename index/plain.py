"""A text as it stands in its file -> the plain text that is read, and where in the file each character of that stands.

Plain text says the same in one way only: accents composed, line ends as newlines, blanks of any width as spaces, and
nothing that cannot be seen (soft hyphens, zero-width and direction marks, control characters). So the same article
gives the same passages, vectors and answers however it was encoded and typed, while quotations are still cut from the
file as it is. Pure; knows no files.
"""

import re
import unicodedata
from itertools import accumulate

from index.types import Layout

_INVISIBLE = (
    "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    "\U000e0000-\U000e0fff"
)
_BREAKS = "\x0b\x0c\x1c-\x1e\x85\u2028\u2029"
_BLANKS = "\x1f\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_MARKS = "\u0300-\u036f"
_UNPLAIN = re.compile(
    rf"(?P<accented>[^\W\d_][{_MARKS}]+)|(?P<invisible>[{_INVISIBLE}]+)|(?P<break>\r\n?|[{_BREAKS}])|(?P<blank>[{_BLANKS}])"
)
# Most articles have none of these, which is soon seen.
_SUSPECT = re.compile(rf"[\r{_MARKS}{_INVISIBLE}{_BREAKS}{_BLANKS}]")


def plain(written: str) -> tuple[str, Layout | None]:
    r"""The plain text, and how it lies in what is written; no layout where the two are the same.

    >>> plain("Seu\u0301l\r\nli\u00admusina")[0]
    'Seúl\nlimusina'
    """
    if not _SUSPECT.search(written):
        return written, None
    parts: list[str] = []
    places: list[int] = []
    lengths: list[int] = []
    end = 0
    for each in _UNPLAIN.finditer(written):
        same, instead = written[end : each.start()], _instead(each)
        end = each.end()
        parts += same, instead
        lengths += len(same), len(instead)
        places.append(end)
    text = "".join((*parts, written[end:]))
    if text == written:
        return written, None
    # After each replacement the texts go on alike: there, offsets in one are those in the other plus a constant.
    afterwards = tuple(accumulate(lengths))[1::2]
    return text, Layout(written, afterwards, tuple(places))


def _instead(found: re.Match[str]) -> str:
    match found.lastgroup:
        case "accented":
            return unicodedata.normalize("NFC", found.group())
        case "invisible":
            return ""
        case "break":
            return "\n"
        case _:
            return " "
