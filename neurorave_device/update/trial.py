"""What a running module says and does about its own version: it may be on trial."""

import os
from typing import Mapping, Optional

from neurorave_device import __version__
from neurorave_device.update.versions import FOLDER_VARIABLE, confirm, read_versions, write_versions


def greeting(environment: Mapping[str, str] = os.environ) -> Optional[str]:
    """Return what the player should know of the versions at the start, None where there is nothing; says it once."""
    folder = environment.get(FOLDER_VARIABLE, "")
    if not folder:
        return None
    state = read_versions(folder)
    told = [state.notice] if state.notice else []
    if state.trial == __version__:
        told.append("version %s is on trial; it stays once it has played for 30 s" % __version__)
    if state.notice:
        try:
            write_versions(folder, state._replace(notice=""))
        except OSError:
            # Then it is said again the next time.
            pass
    return "; ".join(told) or None


def played_well(environment: Mapping[str, str] = os.environ) -> Optional[str]:
    """Confirm this version where it is on trial; return the sentence about it, None where there is nothing to say."""
    folder = environment.get(FOLDER_VARIABLE, "")
    if not folder:
        return None
    state = read_versions(folder)
    if state.trial != __version__:
        return None
    try:
        write_versions(folder, confirm(state, __version__))
    except OSError as error:
        return "%s: version %s cannot be confirmed (%s), the next start tries it again" % (
            folder,
            __version__,
            error.strerror or error,
        )
    return "version %s has played well and stays" % __version__
