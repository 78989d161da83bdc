"""Which JetPack a board has, by the release of its Linux for Tegra (L4T).

Standard library only: the installer asks too.
"""

import re
from typing import NamedTuple, Tuple

RELEASE_FILE = "/etc/nv_tegra_release"
MODEL_FILE = "/proc/device-tree/model"
# L4T 32.7 is JetPack 4.6.1 and later, with TensorRT 8.2; 32.6 had 8.0, whose one-dimensional convolutions are broken.
_OLDEST_NANO = (32, 7)
_OLDEST_ORIN = 36
ALLOWED = "JetPack 4.6.1 to 4.6.x (L4T 32.7) or JetPack 6 and newer (L4T 36)"


class JetPack(NamedTuple):
    """`release` is L4T's, such as (32, 7, 1), () where it cannot be told; `fault` is one sentence, '' where it fits."""

    release: Tuple[int, ...]
    fault: str

    @property
    def text(self) -> str:
        """The release as people write it."""
        return "L4T " + ".".join(str(number) for number in self.release)


def jetpack(release_text: str) -> JetPack:
    """Return which JetPack a board has, from the content of RELEASE_FILE, '' where there is none."""
    found = re.search(r"R(\d+) \(release\), REVISION: (\d+)(?:\.(\d+))?", release_text)
    if found is None:
        return JetPack((), "this is no board with JetPack (%s says nothing of it)" % RELEASE_FILE)
    release = tuple(int(number) for number in found.groups() if number is not None)
    fits = release[0] >= _OLDEST_ORIN or (release[0] == 32 and release[:2] >= _OLDEST_NANO)
    if fits:
        return JetPack(release, "")
    sentence = "the board has L4T %s, allowed is %s: flash it anew"
    return JetPack(release, sentence % (".".join(str(number) for number in release), ALLOWED))
