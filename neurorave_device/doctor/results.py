"""What a check finds, and how all of it is told."""

from typing import Any, Dict, NamedTuple, Sequence

OK = "ok"
WARN = "warning"
FAIL = "fault"


class Result(NamedTuple):
    """What one check found: `state` is ok, warning or fault, `text` says what there is and what to do."""

    name: str
    state: str
    text: str


def exit_status(results: Sequence[Result]) -> int:
    """Return 1 where something fails that `neurorave run` needs, otherwise 0."""
    return 1 if any(result.state == FAIL for result in results) else 0


def as_text(results: Sequence[Result]) -> str:
    """Return one line for each result."""
    width = max(len(result.name) for result in results)
    return "\n".join("%-7s  %-*s  %s" % (row.state, width, row.name, row.text) for row in results)


def as_json(results: Sequence[Result]) -> Dict[str, Any]:
    """Return the results as JSON-able values."""
    return {"ok": exit_status(results) == 0, "checks": [dict(row._asdict()) for row in results]}


def one_line(error: BaseException) -> str:
    """Return what an exception says, in one line."""
    return " ".join(str(error).split())[:160] or type(error).__name__
