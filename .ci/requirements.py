"""Print the requirements of pyproject.toml and of the extras named as arguments, one a line.

Python 3.6 cannot build the project, so its environment is filled from this list; pip reads the markers.
"""

import sys
from pathlib import Path
from typing import List

try:
    import tomllib
except ImportError:  # Python 3.10
    from pip._vendor import tomli as tomllib


def requirements(extras: List[str]) -> List[str]:
    """Return the base requirements followed by those of the extras."""
    text = (Path(__file__).resolve().parent.parent / "pyproject.toml").read_text("utf-8")
    project = tomllib.loads(text)["project"]
    lines = list(project["dependencies"])
    for extra in extras:
        lines += project["optional-dependencies"][extra]
    return lines


if __name__ == "__main__":
    print("\n".join(requirements(sys.argv[1:])))
