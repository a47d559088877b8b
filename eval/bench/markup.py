"""An HTML page -> its paragraphs of prose, each on one line. Pure."""

from html.parser import HTMLParser

_BLOCKS = frozenset(
    "address article aside blockquote body br caption center dd div dl dt fieldset figcaption figure footer form h1 h2 "
    "h3 h4 h5 h6 header hr html li main nav ol p section table tbody td tfoot th thead tr ul".split()
)
_UNREAD = frozenset("head pre script style template title".split())


def paragraphs(source: str) -> list[str]:
    """The paragraphs in order: what stands between two elements that begin a line.

    >>> paragraphs("<p>Una <b>orden</b>.</p><pre>ls</pre><ul><li>Otra.</ul>")
    ['Una orden.', 'Otra.']
    """
    reader = _Reader()
    reader.feed(source)
    reader.close()
    return [text for part in reader.found if (text := " ".join("".join(part).split()))]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[list[str]] = [[]]
        self._unread: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag in _UNREAD:
            self._unread.append(tag)
        if tag in _BLOCKS or tag in _UNREAD:
            self.found.append([])

    def handle_endtag(self, tag: str) -> None:
        if tag in self._unread:
            # What was opened within it and not closed ends with it.
            del self._unread[self._unread.index(tag) :]
        if tag in _BLOCKS or tag in _UNREAD:
            self.found.append([])

    def handle_data(self, data: str) -> None:
        if not self._unread:
            self.found[-1].append(data)
