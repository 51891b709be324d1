"""Run the local simulator of every provider's API in the foreground."""

from __future__ import annotations

import json
from argparse import ArgumentDefaultsHelpFormatter, ArgumentParser, BooleanOptionalAction
from pathlib import Path
from shlex import quote
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, DjangoHelpFormatter

from integrations.sandbox.base import ProviderSandbox, SandboxError
from integrations.sandbox.runner import Announcement, RunOptions, run


class _HelpFormatter(ArgumentDefaultsHelpFormatter, DjangoHelpFormatter):
    """Django's help with the defaults shown."""


class Command(BaseCommand):
    """``manage.py sandbox``: every vendor's API on one local port, with fault injection."""

    help = (
        "Serves a simulator of every provider's API on one local port until it is interrupted. Faults, "
        "journal and data are set over HTTP under /<provider>/_sim/ (docs/sandbox.md). Needs no database."
    )
    requires_system_checks = ()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        """Show the options' defaults in ``--help``."""
        return super().create_parser(prog_name, subcommand, formatter_class=_HelpFormatter, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
        parser.add_argument("--port", type=int, default=8801, help="port to listen on, 0 for a free one")
        parser.add_argument(
            "--seed", action=BooleanOptionalAction, default=True, help="start with generated data"
        )
        parser.add_argument(
            "--circuits", type=int, default=2400, help="how many WorkStudio circuits to generate"
        )
        parser.add_argument("--port-file", type=Path, help="file that gets the port once the socket listens")
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until SIGTERM or SIGINT; raises CommandError in production or when the port is taken."""
        if settings.ENVIRONMENT == "production":
            raise CommandError("The sandbox does not run in production.")
        run_options = RunOptions(
            host=options["host"],
            port=options["port"],
            seed=options["seed"],
            seed_options={"circuits": options["circuits"]},
            port_file=options["port_file"],
        )
        show = self._show_json if options["json"] else self._show_text
        try:
            run(registered_sandboxes(), run_options, show)
        except SandboxError as error:
            raise CommandError(error.message) from error
        except (OSError, OverflowError) as error:
            raise CommandError(
                f"The sandbox cannot run on {options['host']}:{options['port']}: {error}"
            ) from error

    def _show_text(self, running: Announcement) -> None:
        for slug, provider in running.providers.items():
            variables = " ".join(f"{name}={quote(value)}" for name, value in provider["environment"].items())
            self.stdout.write(f"{slug}: {provider['url']}  set {variables}")
        self.stdout.flush()

    def _show_json(self, running: Announcement) -> None:
        self.stdout.write(json.dumps({"url": running.url, "providers": running.providers}))
        self.stdout.flush()


def registered_sandboxes() -> list[ProviderSandbox]:
    """Return a new sandbox of every registered provider that has one."""
    from integrations.registry import all_providers

    return [provider.sandbox() for provider in all_providers() if provider.sandbox is not None]
