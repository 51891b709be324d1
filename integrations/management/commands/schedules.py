"""manage.py schedules load|show"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone
from django_q.models import Schedule as Row

from integrations.schedules.declared import TIME_ZONE, declared_schedules
from integrations.schedules.loading import FIRE, load_schedules, next_times
from synclogs.commands import CommandResult, OperatorCommand
from synclogs.commands.tables import table


class Command(OperatorCommand):
    """Load or show the schedules."""

    help = (
        "load: makes the database's schedules what the code declares; safe to repeat, run it after each "
        "deployment. show: prints them with their next three times. All times are New York's. The workers "
        "fire them; do not put the same work in cron as well."
    )
    dry_run_help = "With load: say what would change and write nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which of the two."""
        super().add_arguments(parser)
        parser.add_argument("action", choices=("load", "show"), help="What to do.")

    def only_reads(self, options: dict[str, Any]) -> bool:
        """Showing writes nothing at all."""
        return super().only_reads(options) or options["action"] == "show"

    def perform(self, **options: Any) -> CommandResult:
        """Load or show."""
        return self._load(**options) if options["action"] == "load" else self._listing()

    def show(self, result: CommandResult, **options: Any) -> None:
        """One line a schedule."""
        if result.action == "load":
            names = {key: ", ".join(value) or "none" for key, value in result.data["schedules"].items()}
            verb = "Would be" if options["dry_run"] else "Were"
            parts = (f"{key}: {names[key]}" for key in ("created", "updated", "removed"))
            self.out(f"{verb} {'; '.join(parts)}.")
            return
        rows = [
            (line["name"], line["cron"], line["note"], ", ".join(line["next"]), _state(line["loaded"]))
            for line in result.data["schedules"]
        ]
        self.out(table(("schedule", "cron", "what", "next times", "state"), rows))

    def _load(self, **options: Any) -> CommandResult:
        loaded = load_schedules(dry_run=options["dry_run"])
        found = {
            "created": loaded.created,
            "updated": loaded.updated,
            "unchanged": loaded.unchanged,
            "removed": loaded.removed,
        }
        counters = {key: len(names) for key, names in found.items()}
        return CommandResult(action="load", counters=counters, data={"schedules": found})

    def _listing(self) -> CommandResult:
        rows = {row.name: row for row in Row.objects.filter(func=FIRE)}
        zone = ZoneInfo(TIME_ZONE)
        lines = []
        for name, schedule in declared_schedules().items():
            row = rows.get(name)
            first = [row.next_run.astimezone(zone)] if row and row.next_run else []
            times = first + next_times(schedule.cron, first[0] if first else timezone.now(), 3 - len(first))
            lines.append(
                {
                    "name": name,
                    "cron": schedule.cron,
                    "note": schedule.note,
                    "loaded": row is not None,
                    "next": [f"{moment:%a %Y-%m-%d %H:%M %Z}" for moment in times],
                }
            )
        return CommandResult(action="show", counters={"schedules": len(lines)}, data={"schedules": lines})


def _state(loaded: bool) -> str:
    return "loaded" if loaded else "NOT LOADED: run `manage.py schedules load`"
