"""The base of every management command that operators run."""

from synclogs.commands.base import OperatorCommand, join_sentences
from synclogs.commands.reporters import reporter_for
from synclogs.commands.result import CommandResult, ExitCode, UsageError

__all__ = ["CommandResult", "ExitCode", "OperatorCommand", "UsageError", "join_sentences", "reporter_for"]
