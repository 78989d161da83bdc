"""What a running module says and does about its own version: it may be on trial."""

import os
from typing import Mapping, NamedTuple, Optional

from neurorave_device import __version__
from neurorave_device.update.versions import (
    FOLDER_VARIABLE,
    confirm,
    parsed,
    read_versions,
    write_versions,
)


class Standing(NamedTuple):
    """Which version plays, whether it is `on_trial`, and an `update` that does not play, '' where there is none.

    `why` says why the update is not taken; where it is '' the next start tries it.
    """

    version: str
    on_trial: bool = False
    update: str = ""
    why: str = ""


def standing(environment: Mapping[str, str] = os.environ) -> Standing:
    """Return how it stands with the versions now; as often as one likes, unlike `greeting`."""
    folder = environment.get(FOLDER_VARIABLE, "")
    if not folder:
        return Standing(__version__)
    state = read_versions(folder)
    if state.trial == __version__:
        return Standing(__version__, True)
    if state.trial:
        return Standing(__version__, False, state.trial)
    # Older ones that were refused are nothing to go on to any more.
    playing = parsed(__version__) or ()
    newer = [(parsed(version) or (), version) for version in state.refused]
    newer = [found for found in newer if found[0] > playing]
    if not newer:
        return Standing(__version__)
    update = max(newer)[1]
    return Standing(__version__, False, update, state.refused[update])


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
