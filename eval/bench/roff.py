"""A manual page in roff -> its paragraphs of prose, each on one line. Pure.

No more than prose is wanted: listings, tables and macros that define something are left out, fonts are forgotten. Pages
in the mdoc macros, whose sentences are made of macro calls, give nothing.
"""

import re

_FONTS = frozenset("B I R SM SB BI BR IB IR RB RI".split())
_WITHIN = frozenset('br ft nh hy ad na ie if el ll ns \\"'.split())
"""Requests that end no paragraph."""
_LEFT_OUT = {"nf": "fi", "EX": "EE", "TS": "TE", "de": ".", "ig": ".", "de1": ".", "am": "."}
"""Requests that begin what is left out, each with the one that ends it."""
_NAMED = {
    "aq": "'", "dq": '"', "lq": "“", "rq": "”", "oq": "‘", "cq": "’", "Fo": "«", "Fc": "»", "em": "—", "en": "–",
    "hy": "-", "co": "©", "rs": "\\", "ga": "`", "ha": "^", "ti": "~", "bv": "|", "mu": "×", "+-": "±", "de": "°",
}  # fmt: skip
_ESCAPE = re.compile(
    r'\\(?:"(?P<comment>.*)|[f*mF]?\[(?P<long>[^\]]*)\]|[f*]?\((?P<two>..)|f.|s[-+]?\d+|[hvw]\'[^\']*\'|[*n](?P<one>.)|(?P<sign>.)|$)'
)
_SIGNS = {"-": "-", " ": " ", "~": " ", "0": " ", "e": "\\", "\\": "\\", ".": ".", "'": "´", "`": "`"}
_ARGUMENT = re.compile(r'"((?:[^"]|"")*)"?|(\S+)')


def paragraphs(source: str) -> list[str]:
    """The paragraphs of a page in order.

    >>> paragraphs(".SH NOMBRE\\nls \\\\- lista\\n.I archivos\\n.PP\\nOtro \\\\fBpárrafo\\\\fP.")
    ['ls - lista archivos', 'Otro párrafo.']
    """
    lines = source.splitlines()
    if any(line.startswith(".Dd") for line in lines):
        return []
    found: list[list[str]] = [[]]
    until = ""
    for line in lines:
        request, arguments = _request(line)
        if until:
            until = "" if request == until else until
        elif request in _LEFT_OUT:
            until = _LEFT_OUT[request]
            found.append([])
        elif request in _FONTS:
            found[-1].append(_joined(request, arguments))
        elif request is None:
            found[-1].append(_plain(line))
        elif request not in _WITHIN:
            found.append([])
        if not line.strip():
            found.append([])
    return [text for part in found if (text := " ".join(" ".join(part).split()))]


def _request(line: str) -> tuple[str | None, str]:
    """The name of the request or macro that a line calls, and what follows it; no name where it is text."""
    if not line.startswith((".", "'")):
        return None, line
    name, _, arguments = line[1:].strip().partition(" ")
    return name or '\\"', arguments


def _joined(request: str, arguments: str) -> str:
    """The words of a font macro; those of two fonts by turns (`.BR ls (1)`) stand without blanks between them."""
    words = [_plain(quoted.replace('""', '"') or bare) for quoted, bare in _ARGUMENT.findall(arguments)]
    return ("" if len(request) == 2 and request not in ("SM", "SB") else " ").join(words)


def _plain(line: str) -> str:
    return _ESCAPE.sub(_meant, line)


def _meant(found: re.Match[str]) -> str:
    name = found["long"] or found["two"]
    if name:
        return "" if found[0][1] in "fmF" else _NAMED.get(name, "")
    return _SIGNS.get(found["sign"] or "", "")
