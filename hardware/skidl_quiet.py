"""SKiDL without its side effects: log files, a logger class for everybody, warnings that nobody wants."""

import contextlib
import io
import logging
import os
import tempfile
from typing import Any, List


def load() -> Any:
    """Return the module `skidl`, imported without a trace in the current folder."""
    before, logger = os.getcwd(), logging.getLoggerClass()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
        os.chdir(folder)
        try:
            import skidl
            from skidl.logger import stop_log_file_output

            stop_log_file_output()
        finally:
            os.chdir(before)
            # Its class would be that of every logger that others make from here on, and takes plain strings only.
            logging.setLoggerClass(logger)
    return skidl


class _Memory(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: List[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append("%s: %s" % (record.levelname, record.getMessage()))


def electrical_rules(circuit: Any) -> List[str]:
    """Return what SKiDL's electrical rules say against a circuit, warnings included."""
    from skidl.logger import erc_logger

    memory = _Memory()
    others = list(erc_logger.handlers)
    circuit.no_files = True
    for handler in others:
        erc_logger.removeHandler(handler)
    erc_logger.addHandler(memory)
    try:
        circuit.ERC()
    finally:
        erc_logger.removeHandler(memory)
        for handler in others:
            erc_logger.addHandler(handler)
    # The summary at the end is no finding.
    return [line for line in memory.lines if " found while running ERC" not in line]
