"""Standard output and standard error that no text can act through, whatever wrote it.

Text enters, from articles, models, other libraries or a traceback; what leaves acts on no terminal. The lowest wall:
`render.harmless` has replaced what comes from articles before, and says more plainly where.
"""

import codecs
import io
import re
import sys
from typing import TextIO

from qa.render import ACTIVE

# Styles, hyperlinks, and what a progress bar needs to clear its lines; a group, so that `split` keeps them.
_OWN_SEQUENCES = re.compile(
    "(\x1b\\[[0-9;]*m|\x1b\\[[0-9]*[AK]|\x1b\\[\\?25[hl]|\x1b\\]8;[^;\x00-\x1f\x7f]*;[^\x00-\x1f\x7f]*\x1b\\\\|\r)"
)
_REPLACEMENT = "\ufffd"


class GuardedOutput(io.TextIOWrapper):
    """A text stream on which only text, tabs and newlines go through; to a terminal also what our own lines need.

    All else that a terminal would act on becomes U+FFFD, also where a sequence is divided between writes.
    """

    def write(self, text: str, /) -> int:
        """Writes the text made harmless; gives its length as it came."""
        pieces = _OWN_SEQUENCES.split(text) if self.isatty() else [text]
        # A sequence of ours stands at every second place.
        pieces[::2] = [ACTIVE.sub(_REPLACEMENT, piece) for piece in pieces[::2]]
        super().write("".join(pieces))
        return len(text)


def guard_outputs() -> None:
    """Puts both outputs behind the guard; what they cannot encode becomes a question mark instead of a failure.

    The C locale names no encoding: there the articles' usual one, UTF-8, is the best guess.
    """
    sys.stdout, sys.stderr = _guarded(sys.stdout), _guarded(sys.stderr)


def _guarded(stream: TextIO) -> TextIO:
    if not isinstance(stream, io.TextIOWrapper):  # closed, or not the process's own
        return stream
    encoding = "utf-8" if codecs.lookup(stream.encoding).name == "ascii" else stream.encoding
    return GuardedOutput(
        stream.buffer, encoding, "replace", line_buffering=stream.line_buffering, write_through=stream.write_through
    )
