"""Faults that a user can mend, as three short statements: what was found, what was expected, what to do.

Commands turn a `UserError` into one line on standard error and exit status 1. Everything else is a programming
mistake and crashes.
"""


class UserError(Exception):
    """Something outside the program is not as it must be.

    >>> str(UserError("no folder 'notes'", "a folder of articles", "name one with --corpus"))
    "no folder 'notes'; expected a folder of articles; name one with --corpus"
    """

    def __init__(self, found: str, expected: str, action: str) -> None:
        super().__init__(f"{found}; expected {expected}; {action}")
        self.found = found
        self.expected = expected
        self.action = action


class CorpusError(UserError):
    """The folder of articles is missing, empty, or holds nothing readable."""


class IndexDamagedError(UserError):
    """A stored index does not match the digests it was written with."""


class IndexMismatchError(UserError):
    """A stored index was made with another embedding model, chunker or schema than the one in use."""


class EmbedderError(UserError):
    """The embedding model cannot be loaded."""
