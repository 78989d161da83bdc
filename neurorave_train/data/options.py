"""The options of `neurorave-train prepare`, apart so that --help needs no audio library."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `prepare`."""
    parser.add_argument(
        "--data",
        action="append",
        required=True,
        metavar="DIR",
        help="folder of recordings, scanned with its subfolders; may be given several times",
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="folder to write")
    parser.add_argument(
        "--sample-rate", type=int, default=44100, metavar="HZ", help="default: %(default)s"
    )
    parser.add_argument(
        "--hop",
        type=int,
        default=512,
        metavar="SAMPLES",
        help="samples per frame, as the recipe needs (paper: 1024); default: %(default)s",
    )
    parser.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="GLOB",
        help="leave out files whose name or path below DIR fits, for example 'body_*'",
    )
    parser.add_argument(
        "--valid-share",
        type=float,
        default=0.1,
        metavar="SHARE",
        help="share of the groups kept for validation where DIR has no train/ and valid/ "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of the split; default: %(default)s"
    )
    parser.description = (
        "Turn folders of recordings into training data: one channel, one rate, split by group, "
        "descriptors measured. Files over 60 s are cut into pieces. Can be stopped and run again."
    )
