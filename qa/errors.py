"""Faults of the answering half that a user can mend; see `index.errors`."""

from index.errors import UserError


class QuestionError(UserError):
    """The question is empty or too long to be one."""


class ModelError(UserError):
    """The reading model is missing, damaged, or not of a kind that can be used."""


class ContextError(UserError):
    """The model's context cannot hold even one passage beside the question."""


class SettingsError(UserError):
    """A flag, environment variable or line of `qa.toml` has a value that cannot be used."""


class AnswersError(UserError):
    """A file of answers cannot be read as one."""


class ChatError(UserError):
    """A command of the chat cannot be carried out."""


class QuestionsError(UserError):
    """A file of questions, or the file for their answers, cannot be used."""
