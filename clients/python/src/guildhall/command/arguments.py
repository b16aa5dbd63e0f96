"""The command line."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from typing import get_args

from guildhall.command import events, pull, push, quote, watch
from guildhall.command.exits import EXPLAINED
from guildhall.models import EventType, ExportFormat, PostingMode, Shape
from guildhall.version import VERSION


def parsed(arguments: Sequence[str] | None) -> Namespace:
    """Return what was asked for, with the function that does it as ``run``; exits with 2 where that is unclear."""
    parser = ArgumentParser(
        prog="guildhall",
        description="Push tasks to Guildhall, watch them done, pull the results.",
        epilog=EXPLAINED,
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"guildhall {VERSION}")
    verbs = parser.add_subparsers(metavar="command", required=True)
    common = ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="print results as JSON")
    _push(verbs.add_parser("push", parents=[common], help="stream a file of tasks (NDJSON) to a batch"))
    _watch(verbs.add_parser("watch", parents=[common], help="show a batch's progress to its end"))
    _pull(verbs.add_parser("pull", parents=[common], help="download accepted work"))
    _quote(verbs.add_parser("quote", parents=[common], help="say what a batch will cost, and by when it is done"))
    _events(verbs.add_parser("events", parents=[common], help="print what happened"))
    options = parser.parse_args(arguments)
    if options.run is pull.run and not options.export and not options.shape:
        parser.error("pull: a new export needs --shape.")
    return options


def _push(parser: ArgumentParser) -> None:
    parser.add_argument("file", help="the tasks, one a line; .gz is unpacked; - is standard input")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--batch", metavar="ID", help="the batch to push to")
    where.add_argument("--project", metavar="ID", help="open a new batch in this project")
    parser.add_argument("--name", help="the new batch's name; the file's if left out")
    parser.add_argument("--mode", choices=get_args(PostingMode), default="partial", help="partial if left out")
    parser.add_argument("--errors", metavar="FILE", help="write what is wrong with lines to this file, as NDJSON")
    parser.add_argument("--idempotency-key", metavar="KEY", help="the same for the same file: it is stored once")
    parser.add_argument("--launch", action="store_true", help="launch the batch if every line is stored")
    parser.add_argument("--watch", action="store_true", help="then show its progress to its end")
    _every(parser)
    parser.set_defaults(run=push.run)


def _watch(parser: ArgumentParser) -> None:
    parser.add_argument("batch", metavar="BATCH")
    _every(parser)
    parser.set_defaults(run=watch.run)


def _pull(parser: ArgumentParser) -> None:
    of = parser.add_mutually_exclusive_group(required=True)
    of.add_argument("export", nargs="?", metavar="EXPORT", help="an export that was asked for")
    of.add_argument("--batch", metavar="ID", help="ask for a new export of this batch")
    of.add_argument("--project", metavar="ID", help="ask for a new export of this project")
    parser.add_argument("--shape", choices=get_args(Shape), help="what the rows of a new export hold")
    parser.add_argument("--format", choices=get_args(ExportFormat), default="jsonl", help="jsonl if left out")
    parser.add_argument("--since", metavar="CURSOR", help="only what came after the export that gave this")
    parser.add_argument("-o", "--output", metavar="FILE", help="where to write; packed if it ends in .gz")
    parser.set_defaults(run=pull.run)


def _quote(parser: ArgumentParser) -> None:
    parser.add_argument("batch", metavar="BATCH")
    parser.set_defaults(run=quote.run)


def _events(parser: ArgumentParser) -> None:
    parser.add_argument("--follow", action="store_true", help="go on with what happens, until interrupted")
    parser.add_argument("--after", metavar="CURSOR", help="only what came after this place")
    parser.add_argument(
        "--type", action="append", choices=get_args(EventType), metavar="TYPE", help="only of this type"
    )
    _every(parser)
    parser.set_defaults(run=events.run)


def _every(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--every", type=_seconds, default=2.0, metavar="SECONDS", help="how often to look; 2 if left out"
    )


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value <= 3600:
        raise ArgumentTypeError("more than 0, and an hour at most")
    return value
