"""Working through a table: prepare, train, export, measure, one JSON for each run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import yaml

from neurorave_device.errors import UserError
from neurorave_train.data.files import readable, replacing, write_json
from neurorave_train.errors import RunFailure
from neurorave_train.experiments.table import AudioSet, Cell, Table
from neurorave_train.provenance import commit
from neurorave_train.training.trainer import checkpoint_of

SCHEMA = 2
# Runs one command of ours, its output into a file; returns its status.
Runner = Callable[[list[str], Path], int]
INTERRUPTED = 130
# Lies in a run and says what it was trained for, and which code made its bundle.
NOTE = "cell.json"


def in_process_of_its_own(line: list[str], log: Path) -> int:
    """Runs `python -m LINE` on one thread; Ctrl-C reaches it, and it keeps what it has learnt."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    with open(log, "ab") as stream:
        started = subprocess.Popen(
            [sys.executable, "-m", *line], stdout=stream, stderr=stream, env=environment
        )
        try:
            return started.wait()
        except KeyboardInterrupt:
            # The same signal reached it.
            started.wait()
            raise


class Driver:
    """Runs the cells of a table one at a time; what is done is skipped, what was begun goes on.

    Results go to out/TABLE/, everything else to `work`, where a finished run leaves nothing unless
    it is kept. A run that fails is written down with its reason, and the next one begins.
    """

    def __init__(
        self,
        table: Table,
        data: Path,
        work: Path,
        out: Path,
        keep: bool = False,
        runner: Runner = in_process_of_its_own,
    ) -> None:
        self.table, self.data, self.work, self.keep = table, data, work, keep
        self.results = out / table.name
        self.runner = runner
        for audio in dict.fromkeys(cell.audio for cell in table.cells):
            for folder in audio.folders:
                for part in ("train", "valid"):
                    if not (data / folder / part).is_dir():
                        raise UserError(
                            f"--data {data}: the set {folder} has no folder {part} there"
                        )

    def run(self, say: Callable[[str], None], again: bool = False) -> list[str]:
        """Works through the table; returns the names of the runs that failed.

        `again` trains nothing: it measures the bundles that were kept, whether that was done before
        or not. Raises KeyboardInterrupt where it was interrupted, with how to go on.
        """
        self.results.mkdir(parents=True, exist_ok=True)
        failed = []
        total = len(self.table.cells)
        for number, cell in enumerate(self.table.cells, start=1):
            label = f"[{number}/{total}] {cell.audio.name}, {cell.system.name}, seed {cell.seed}"
            there = self._done(cell)
            kept = "bundle_from" in self._note(cell)
            if again and not kept:
                say(f"{label}: no bundle of it was kept, nothing is measured")
                continue
            if there is not None and "failed" not in there and not again:
                say(f"{label}: done before")
                continue
            twin = None if again else self._of_another_table(cell)
            if twin is not None:
                self._write(cell, twin)
                say(f"{label}: done before, {twin['taken_from']}")
                continue
            what = "its bundle was kept" if kept else f"{self.table.seconds:g} s of training"
            say(f"{label}: {what}")
            try:
                result = self._one(cell)
            except KeyboardInterrupt:
                raise KeyboardInterrupt(
                    f"interrupted in {cell.name}; the same command goes on from there."
                ) from None
            except (UserError, RunFailure) as error:
                result = {**self._identity(cell), "failed": str(error)}
                failed.append(cell.name)
                say(f"{label}: failed: {error}")
                if there is not None and "failed" not in there:
                    # What was measured before stays.
                    continue
            self._write(cell, result)
            if "failed" not in result:
                say(f"{label}: {headline(result)}")
        return failed

    def results_so_far(self, cells: Iterable[Cell]) -> list[dict[str, Any]]:
        """Every result that there is of some cells of the table, failures too, in their order."""
        found = [self._done(cell) for cell in cells]
        return [one for one in found if one is not None]

    def _file(self, cell: Cell) -> Path:
        return self.results / f"{cell.name}.json"

    def _done(self, cell: Cell) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = json.loads(self._file(cell).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return found if found.get("fingerprint") == self.table.fingerprint(cell) else None

    def _of_another_table(self, cell: Cell) -> dict[str, Any] | None:
        """The result of another table's run that differs in nothing but its name."""
        wanted = self.table.fingerprint(cell)
        for path in sorted(self.results.parent.glob(f"*/{cell.audio.name}.*.{cell.seed}.json")):
            try:
                found: dict[str, Any] = json.loads(path.read_text("utf-8"))
            except (OSError, ValueError):
                continue
            if found.get("fingerprint") == wanted and "failed" not in found:
                source = f"{path.parent.name}/{path.name}"
                name = {"table": self.table.name, "system": cell.system.name}
                return {**found, **name, "taken_from": found.get("taken_from", source)}
        return None

    def _write(self, cell: Cell, result: dict[str, Any]) -> None:
        with replacing(self._file(cell)) as stream:
            stream.write(readable(result).encode())

    def _identity(self, cell: Cell) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "table": self.table.name,
            "set": cell.audio.name,
            "system": cell.system.name,
            "seed": cell.seed,
            "fingerprint": self.table.fingerprint(cell),
            "recipe_name": cell.system.recipe,
            "changes": self.table.changes(cell),
            "recipe": self.table.recipe(cell),
            "seconds_allowed": self.table.seconds,
        }

    def _one(self, cell: Cell) -> dict[str, Any]:
        run, bundle = self._run(cell), self._run(cell) / "bundle"
        if "bundle_from" not in self._note(cell):
            self._train(cell, run, bundle)
        note = self._note(cell)
        before = os.times()
        figures = self._evaluate(cell, bundle, run)
        spent = os.times()
        # Processor time: a machine that is busy with other work changes nothing.
        seconds = sum(spent[2:4]) - sum(before[2:4])
        described = yaml.safe_load((bundle / "bundle.yaml").read_text("utf-8"))
        result = {
            **self._identity(cell),
            **note["bundle_from"],
            "steps": described["training"]["steps"],
            "hardware": described["training"]["hardware"],
            "cost": described["cost"],
            "wall_seconds": note["wall_seconds"],
            "measured": {**commit(), "processor_seconds": round(seconds, 1)},
            "figures": figures,
        }
        if not (self.keep or note["keep"]):
            shutil.rmtree(run)
        return result

    def _train(self, cell: Cell, run: Path, bundle: Path) -> None:
        """Leaves a cell's bundle in its run, and a note on where it comes from."""
        began = time.monotonic()
        prepared = self._prepared(cell)
        if (run / NOTE).is_file() and not self._note(cell):
            # Of another recipe, set or time: what it learnt is none of this cell's.
            shutil.rmtree(run)
        run.mkdir(parents=True, exist_ok=True)
        known = {"training": self.table.training_fingerprint(cell)}
        write_json(run / NOTE, known)
        self._fit(cell, prepared, run)
        self._command(
            ["neurorave_train.cli", "export", "--run", str(run), "--out", str(bundle)]
            + ["--name", cell.name, "--licence", "unspecified"],
            run,
        )
        seconds = round(time.monotonic() - began, 1)
        made = {"bundle_from": commit(), "wall_seconds": seconds, "keep": self.keep}
        write_json(run / NOTE, {**known, **made})

    def _run(self, cell: Cell) -> Path:
        return self.work / "runs" / self.table.name / cell.name

    def _note(self, cell: Cell) -> dict[str, Any]:
        """What is known of a cell's run in `work`: nothing where its recipe, set or time is another."""
        try:
            found: dict[str, Any] = json.loads((self._run(cell) / NOTE).read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return found if found.get("training") == self.table.training_fingerprint(cell) else {}

    def _prepared(self, cell: Cell) -> Path:
        audio, hop = cell.audio, cell.system.hop
        out = self.work / "prepared" / f"{audio.name}_{hop}"
        out.parent.mkdir(parents=True, exist_ok=True)
        line = ["neurorave_train.cli", "prepare", "--out", str(out), "--hop", str(hop)]
        line += ["--sample-rate", str(audio.sample_rate)]
        line += [word for f in audio.folders for word in ("--data", str(self.data / f))]
        line += [word for glob in audio.exclude for word in ("--exclude", glob)]
        self._command(line, out.parent)
        return out

    def _fit(self, cell: Cell, prepared: Path, run: Path) -> None:
        line = ["neurorave_train.cli", "fit", "--recipe", cell.system.recipe]
        line += ["--data", str(prepared), "--out", str(run)]
        line += ["--max-seconds", f"{self.table.seconds:g}"]
        line += [word for change in self.table.changes(cell) for word in ("--set", change)]
        if checkpoint_of(run, "model").is_file():
            line.append("--resume")
        self._command(line, run)

    def _evaluate(self, cell: Cell, bundle: Path, run: Path) -> dict[str, Any]:
        target = run / "figures.json"
        line = ["neurorave_train.evaluation.cli", str(bundle), "--json", str(target)]
        line += ["--data", str(_valid_folder(cell.audio, self.data, self.work))]
        line += [word for glob in cell.audio.exclude for word in ("--exclude", glob)]
        line += ["--quick"] if self.table.quick else []
        line += ["--oracle"] if self.table.oracle else []
        line += ["--full"] if self.table.full else []
        line += ["--limit", str(self.table.limit)] if self.table.limit else []
        self._command(line, run)
        found: dict[str, Any] = json.loads(target.read_text("utf-8"))
        # Where it lay on this machine is nobody's concern, the rest stands in the result itself.
        for key in ("command", "bundle", "commit", "changed_files", "recipe"):
            found.pop(key, None)
        return found

    def _command(self, line: list[str], folder: Path) -> None:
        log = folder / "log.txt"
        status = self.runner(line, log)
        if status == INTERRUPTED:
            raise KeyboardInterrupt
        if status:
            lines = log.read_text("utf-8", "replace").strip().splitlines() if log.is_file() else []
            why = lines[-1] if lines else f"status {status}"
            raise RunFailure(f"{line[1] if len(line) > 1 else line[0]}: {why}")


def _valid_folder(audio: AudioSet, data: Path, work: Path) -> Path:
    """The folder of a set's validation recordings; of several folders, one of links to them all."""
    if len(audio.folders) == 1:
        return data / audio.folders[0] / "valid"
    joined = work / "valid" / audio.name
    joined.mkdir(parents=True, exist_ok=True)
    for folder in audio.folders:
        for path in sorted((data / folder / "valid").iterdir()):
            link = joined / f"{folder}.{path.name}"
            if path.is_file() and not link.exists():
                link.symlink_to(path.resolve())
    return joined


def headline(result: dict[str, Any]) -> str:
    """One line on a result."""
    figures = result["figures"]
    rebuilt, control = figures["reconstruction"], figures["control"]
    worst = [
        f"{name} worst {block['worst_rho']:.3f}"
        for name, block in control.items()
        if block["worst_rho"] is not None
    ]
    return (
        f"{result['steps']} steps, mSTFT {rebuilt['mstft']:.3f}, latent use {rebuilt['latent_use']:.2f}, "
        + (", ".join(worst) or "not steered")
    )
