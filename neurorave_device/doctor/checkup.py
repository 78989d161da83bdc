"""The doctor beside the playing module: a process of its own at the lowest place, so that the sound does not notice.

It reads what it is to do as JSON from its standard input and answers with what the doctor found, as JSON. The support
bundle is written on the way where one is wanted.
"""

import json
import subprocess
import sys
from typing import Any, Dict, Optional

from neurorave_device.config import Config
from neurorave_device.doctor import Machine, as_json, examine
from neurorave_device.doctor.support import write_support_bundle
from neurorave_device.errors import UserError
from neurorave_device.link.telemetry import Report
from neurorave_device.processes.background import step_back

# A slow card and a TensorRT that is looked at for the first time take their time.
_LONGEST_SECONDS = 180.0


def check_up(
    config: Config, report: Report, state: str, bundle: Optional[str] = None
) -> Dict[str, Any]:
    """Return what the doctor finds, with a support bundle in the file ``bundle`` where one is named.

    Waits for the process. UserError where the file cannot be written, OSError or ValueError where nothing came out.
    """
    order = {
        "config": config._asdict(),
        "report": report._asdict(),
        "state": state,
        "bundle": bundle,
    }
    done = subprocess.run(
        [sys.executable, "-m", "neurorave_device.doctor.checkup"],
        input=json.dumps(order).encode("utf-8"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=_LONGEST_SECONDS,
    )
    found: Dict[str, Any] = json.loads(done.stdout.decode("utf-8"))
    if found.get("refused"):
        raise UserError(found["refused"])
    return found


def main() -> int:
    """Be the process."""
    step_back()
    order = json.loads(sys.stdin.read())
    config = Config(**order["config"])
    # The module has the board's chips in use and tells itself when one fails; two must not read them at once.
    results = examine(Machine(), config._replace(panel="virtual"))
    found = as_json(results)
    if order["bundle"] is not None:
        try:
            report = Report(**order["report"])
            write_support_bundle(order["bundle"], config, report, order["state"], results)
        except UserError as error:
            found["refused"] = str(error)
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
