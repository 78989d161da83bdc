"""`neurorave-train prepare`: recordings in, a self-contained folder of training data out."""

import argparse
import sys
from pathlib import Path
from typing import Dict, List, Sequence

import torch

from neurorave_device.errors import UserError

from .assemble import Member, assemble
from .files import disk_errors
from .outfolder import Arguments, OutFolder
from .progress import Progress
from .scan import Scan, Source, scan_folders
from .splits import assign_splits
from .work import Result, WorkFolder


def main(args: argparse.Namespace) -> int:
    """Prepare what the command line names; 0 when the folder is complete.

    Raises UserError (bad input), RunFailure (full disk) and KeyboardInterrupt; what is done is kept then.
    Main thread.
    """
    arguments = Arguments.checked(
        args.data, args.exclude, args.sample_rate, args.hop, args.valid_share, args.seed
    )
    return prepare([Path(folder) for folder in args.data], Path(args.out), arguments)


def prepare(folders: Sequence[Path], out: Path, arguments: Arguments) -> int:
    """Scan, read each recording that has no result yet, then put the folder together."""
    scan = scan_folders(folders, arguments.exclude)
    arguments = arguments.with_folders(scan.folders)
    if not scan.sources:
        raise UserError(
            f"--data {', '.join(map(str, folders))}: there is no audio file that soundfile reads"
            + (" and --exclude leaves." if arguments.exclude else ".")
        )
    with disk_errors(out), OutFolder(out, arguments) as target:
        if target.is_finished(scan.sources):
            print(f"{out} is already prepared from these recordings; nothing to do.")
            return 0
        work = WorkFolder(target.work, arguments.sample_rate)
        progress, threads = Progress(), torch.get_num_threads()
        try:
            # The spectra of one recording are too little work for several threads to share.
            torch.set_num_threads(1)
            results = _read_all(scan.sources, work, progress, arguments.hop)
            members = split_members(scan, results, arguments)
            refused = [r for r in results.values() if r.refused is not None]
            if not members:
                _tell_refused(refused, len(results))
                raise UserError(
                    f"--data {', '.join(map(str, folders))}: none of the {len(results)} audio "
                    "files can be used."
                )
            report = assemble(
                target, work, scan.sources, members, list(results.values()), scan.notes, progress
            )
        except KeyboardInterrupt:
            progress.stop()
            raise KeyboardInterrupt(
                f"interrupted: {work.finished(scan.sources)} of {len(scan.sources)} files are done and "
                f"kept in {target.work}; run the same command again to go on."
            ) from None
        finally:
            torch.set_num_threads(threads)
            progress.stop()
    for note in report["notes"]:
        print(note)
    for split in ("train", "valid"):
        counts = report["splits"][split]
        print(
            f"{split}: {counts['files']} files, {counts['groups']} groups, "
            f"{counts['seconds']:.1f} s, {counts['frames']} frames"
        )
    _tell_refused(refused, len(results))
    print(f"Prepared {out}.")
    return 0


def _read_all(
    sources: Sequence[Source], work: WorkFolder, progress: Progress, hop: int
) -> Dict[str, Result]:
    """The result of every source, made now where there is none that holds; by name."""
    results: Dict[str, Result] = {}
    # Bytes are known before anything is opened, and an hour's recording moves the bar meanwhile.
    sizes = [max(1, source.size) for source in sources]
    with progress.task("reading", sum(sizes)) as step:
        for source, size in zip(sources, sizes):
            result = work.load(source)
            told = 0.0
            if result is None:

                def tick(share: float, name: str = source.name, half: float = size / 2) -> None:
                    nonlocal told
                    amount = min(share * half, 2 * half - told)
                    told += amount
                    step(amount, name)

                # A recording of less than a frame has nothing to say about any frame.
                result = work.make(source, hop, tick)
            results[source.name] = result
            step(size - told, source.name)
    return results


def split_members(scan: Scan, results: Dict[str, Result], arguments: Arguments) -> List[Member]:
    """The usable recordings with their splits.

    Groups are told apart by folder, but hashed by their bare name: recordings of one group that
    lie in two data folders fall on the same side. Only recordings that turned out usable are
    counted, so that a refused file cannot leave a split empty.
    """
    usable = [s for s in scan.sources if results[s.name].refused is None]
    free = {s.group.split("/", 1)[1] for s in usable if s.fixed_split is None}
    fixed = {s.fixed_split for s in usable if s.fixed_split is not None}
    # Folders that bring their own validation spare the others from giving a group for it.
    splits = assign_splits(free, arguments.valid_share, arguments.seed, keep_both=not fixed)
    return [
        Member(s, results[s.name], s.fixed_split or splits[s.group.split("/", 1)[1]])
        for s in usable
    ]


def _tell_refused(refused: Sequence[Result], total: int) -> None:
    """Name every refused recording and why."""
    if refused:
        print(f"{len(refused)} of {total} files are refused:", file=sys.stderr)
        for result in refused:
            print(f"  {result.name}: {result.refused}", file=sys.stderr)
