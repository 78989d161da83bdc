"""Which code made a result."""

import subprocess
from pathlib import Path
from typing import Any, Dict, Optional


def commit() -> Dict[str, Any]:
    """The commit of the code that runs, and whether files differ from it; nothing outside git."""
    here = Path(__file__).resolve().parent

    def git(*words: str) -> Optional[str]:
        try:
            done = subprocess.run(
                ["git", *words], cwd=here, capture_output=True, text=True, check=False
            )
        except OSError:
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    # An installed copy may lie in somebody else's repository.
    ours = git("ls-files", "--error-unmatch", Path(__file__).name) is not None
    found = git("rev-parse", "HEAD") if ours else None
    if found is None:
        return {"commit": None, "changed_files": None}
    changed = git("status", "--porcelain", "--", ".") or ""
    return {"commit": found, "changed_files": len(changed.splitlines())}
