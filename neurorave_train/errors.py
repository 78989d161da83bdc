"""Failures that are not the user's fault but deserve a sentence, not a traceback."""

from typing import Optional


class RunFailure(Exception):
    """A run that broke off (full disk, lost file), told in one sentence; exit status 1."""


def missing_package(error: ModuleNotFoundError) -> Optional[str]:
    """The sentence on a package that is not installed; None where the fault is one of our own modules."""
    package = (error.name or "").split(".")[0]
    if package in ("", "neurorave_train", "neurorave_device"):
        return None
    return (
        f"the package {package} is not installed; run `make setup-train` "
        "(or pip install 'neurorave[train]')."
    )
