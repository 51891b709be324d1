"""manage.py run_workers"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from synclogs.models import JobQueue


class Command(BaseCommand):
    """Run the workers until told to stop."""

    help = (
        "Runs the workers: clusters, dispatcher, reaper and watchdog, supervised as one. Stops cleanly on "
        "SIGTERM or Ctrl-C: what runs is finished first, what is cut off is taken up by the next start. "
        "Put it under systemd or the like so that it is started again. Use this and not `qcluster`."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which queues to serve."""
        parser.add_argument(
            "--queue",
            action="append",
            choices=JobQueue.values,
            metavar="QUEUE",
            help=f"Serve only this queue; may be repeated. One of {', '.join(JobQueue.values)}.",
        )
        parser.add_argument("--cluster", action="store_true", help="Internal: run one cluster, unsupervised.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until a signal comes."""
        if options["cluster"]:
            from integrations.jobs.sentinel import run_cluster

            raise SystemExit(run_cluster())
        from integrations.alerts.watch import QueueWatch
        from integrations.jobs.supervisor import Supervisor
        from integrations.schedules.firing import fire_due

        Supervisor(options["queue"], duties=(fire_due, QueueWatch())).run()
