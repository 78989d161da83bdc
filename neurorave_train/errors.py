"""Failures that are not the user's fault but deserve a sentence, not a traceback."""


class RunFailure(Exception):
    """A run that broke off (full disk, lost file), told in one sentence; exit status 1."""
