"""manage.py dev: the whole platform on one machine."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from contextlib import ExitStack
from typing import Any

from operations.dev import report
from operations.dev.demo import Demo, DemoFailed
from operations.dev.lock import AlreadyInUse, exclusive, refuse_other_workers
from operations.dev.narrator import Narrator
from operations.dev.processes import ChildDied, Children
from operations.dev.serve import CannotServe, LogFollower, Server
from operations.dev.signals import StopRequested, StopSignals
from operations.dev.surroundings import data_directory, refuse_servers, refuse_unprepared_database
from synclogs.commands import CommandResult, ExitCode, OperatorCommand, UsageError

TICK_SECONDS = 0.2

DEMO_HELP = """\
Shows the main job on real input, without any server: starts the sandbox and the workers, syncs circuits
through the queue, syncs them again (nothing is written), edits 1 % of them at the sandbox and syncs once
more. Prints what came of it, what could not be taken and what to type next, and stops what it started.
Needs no terminal and no input, and is safe to repeat.
"""
DEMO_EXITS = """\
exit codes: 0 all of it worked; 1 a sync failed or did not end in time (the processes' last log lines are
shown); 2 not in development, or the database is not migrated; 75 another dev command works on this data.
With --json the last line of stdout is one object whose "syncs" lists every run.
"""
SERVE_HELP = """\
Runs the site (ASGI), the workers and the sandbox on the same data until Ctrl-C, and prints the address and
how to sign in. The superuser `admin` is made when there is none; the generated password is kept beside the
database in admin_password, which only its owner can read. A process that dies is started again.
"""
SERVE_EXITS = """\
exit codes: 0 stopped by a signal; 1 a process does not start or keeps dying; 2 not in development, or the
database is not migrated; 75 another dev command works on this data.
"""


class Command(OperatorCommand):
    """`dev demo` and `dev serve`."""

    help = "Runs the whole platform on this machine, in development only: a demonstration, or the site."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One subcommand each."""
        parser.set_defaults(json=False, quiet=False)
        actions = parser.add_subparsers(dest="action", required=True, metavar="demo|serve")
        demo = actions.add_parser(
            "demo",
            help="show a sync from start to end, then stop",
            description=DEMO_HELP,
            epilog=DEMO_EXITS,
            formatter_class=RawDescriptionHelpFormatter,
        )
        super().add_arguments(demo)
        _add_demo_options(demo)
        serve = actions.add_parser(
            "serve",
            help="run the site, the workers and the sandbox until Ctrl-C",
            description=SERVE_HELP,
            epilog=SERVE_EXITS,
            formatter_class=RawDescriptionHelpFormatter,
        )
        _add_serve_options(serve)
        for action in (demo, serve):
            _add_common_options(action)

    def perform(self, **options: Any) -> CommandResult:
        """Do one of the two; whatever was started is stopped before this returns."""
        self._action, self._shown = options["action"], False
        self._narrator = Narrator(sys.stderr, quiet=options["quiet"])
        if options["json"] and options.get("keep"):
            raise UsageError("--keep and --json exclude each other: the object is printed at the end.")
        refuse_servers()
        refuse_unprepared_database()
        try:
            with ExitStack() as stack:
                self._enter(stack, verbose=options["verbose"])
                return self._demo(options) if self._action == "demo" else self._serve(options)
        except AlreadyInUse as error:
            return CommandResult.failed("locked", str(error), ExitCode.LOCKED, action=self._action)
        except StopRequested as stop:
            return self._stopped(stop)

    def _enter(self, stack: ExitStack, *, verbose: bool) -> None:
        """Take the lock, listen to signals and be ready for children. Raises AlreadyInUse."""
        directory = data_directory()
        stack.enter_context(exclusive(directory / "dev.lock", f"manage.py dev {self._action}"))
        refuse_other_workers()
        signals = stack.enter_context(StopSignals())
        self._children = stack.enter_context(Children(directory / "log", signals))
        self._follower = LogFollower(self._children, self._narrator) if verbose else None

    def show(self, result: CommandResult, **options: Any) -> None:
        """The summary, for people."""
        if result.data and result.exit_code == ExitCode.DONE and not self._shown:
            self._shown = True
            self.stdout.write(f"\n{report.text(result.data)}")

    def _demo(self, options: dict[str, Any]) -> CommandResult:
        demo = Demo(
            self._narrator,
            self._children,
            circuits=options["circuits"],
            seconds=options["deadline"],
            bar=sys.stderr.isatty() and not (options["json"] or options["quiet"]),
            check=self._look_after_children,
        )
        try:
            demo.run()
        except DemoFailed as error:
            return self._failed("demo_failed", error, report.summary(demo.syncs, self._narrator.seconds))
        result = CommandResult(action="demo", data=report.summary(demo.syncs, self._narrator.seconds))
        return self._keep_running(result) if options["keep"] else result

    def _serve(self, options: dict[str, Any]) -> CommandResult:
        server = Server(
            self._narrator,
            self._children,
            out=self._print_unredacted,
            port=options["port"],
            sandbox=not options["no_sandbox"],
            circuits=options["circuits"],
        )
        try:
            server.start()
            server.watch(self._copy_logs)
        except CannotServe as error:
            return self._failed("cannot_serve", error, {})
        return CommandResult(action="serve")

    def _failed(self, code: str, error: Exception, data: dict[str, Any]) -> CommandResult:
        """The result of a failure, after the last lines of every log were shown."""
        for child in self._children.all():
            self.error(f"--- {child.log}, the last lines:\n{child.tail()}")
        return CommandResult.failed(code, str(error), action=self._action, data=data)

    def _keep_running(self, result: CommandResult) -> CommandResult:
        """Show the result, then wait for a signal; a result only when a process dies."""
        self.show(result)
        self.stdout.flush()
        self._narrator.say("Sandbox and workers are kept running; Ctrl-C stops them.")
        try:
            while True:
                self._look_after_children()
                time.sleep(TICK_SECONDS)
        except ChildDied as error:
            return self._failed("child_died", error, result.data)

    def _stopped(self, stop: StopRequested) -> CommandResult:
        """The end of `serve`, and of a demonstration that was shown; an earlier one is cut short."""
        if self._action == "serve" or self._shown:
            self._narrator.say("Stopped.")
            return CommandResult(action=self._action)
        message = f"Stopped by {stop}: what was done is kept, and what was started is stopped."
        return CommandResult.failed("stopped", message, stop.exit_code, action=self._action)

    def _look_after_children(self) -> None:
        self._copy_logs()
        self._children.check()

    def _copy_logs(self) -> None:
        if self._follower is not None:
            self._follower.copy_new_lines()

    def _print_unredacted(self, text: str) -> None:
        """A line on stdout that may hold the generated password, which is why it goes through no log."""
        self.stdout.write(text)
        self.stdout.flush()


def _add_demo_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--keep",
        action="store_true",
        help="Leave sandbox and workers running afterwards, until Ctrl-C; not with --json.",
    )
    parser.add_argument(
        "--deadline",
        type=float,
        default=300.0,
        metavar="SECONDS",
        help="How long one sync may take (default: 300).",
    )


def _add_serve_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--port",
        type=_port,
        default=8000,
        help="Port of the site; a free one is chosen if it is taken (default: 8000).",
    )
    parser.add_argument(
        "--no-sandbox",
        action="store_true",
        help="Start no sandbox: vendors are called where the settings say.",
    )


def _add_common_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--circuits",
        type=_circuits,
        default=2400,
        metavar="N",
        help="How many circuits the sandbox generates (default: 2400).",
    )
    parser.add_argument(
        "--verbose", action="store_true", help="Copy the processes' log lines to stderr as they come."
    )


def _port(text: str) -> int:
    return _whole_number(text, 1, 65_535)


def _circuits(text: str) -> int:
    return _whole_number(text, 1, 100_000)


def _whole_number(text: str, low: int, high: int) -> int:
    if not text.isdecimal() or not low <= int(text) <= high:
        raise ArgumentTypeError(f"expected a whole number from {low} to {high:,}, got {text!r}")
    return int(text)
