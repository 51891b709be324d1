"""The product under measurement: `python -m benchmarks.streams.product prepare | pull URL [list|feed]`."""

from __future__ import annotations

import json
import sys

import django


def prepare() -> None:
    """Make the tables and the connection."""
    from django.core.management import call_command

    from accounts.models import Account
    from integrations.models import Integration

    call_command("migrate", interactive=False, verbosity=0, run_syncdb=True)
    Integration.objects.create(
        account=Account.objects.platform(), provider="bench", instance_type="customers", name="Bench"
    )


def pull(url: str, kind: str = "list") -> None:
    """One pull as a run of its own."""
    from benchmarks.streams.customers.stream import Customers, FedCustomers
    from integrations.http.session import ApiSession
    from integrations.models import Integration
    from integrations.sync.pull import Pull
    from synclogs.models import SyncLog

    integration = Integration.objects.get(provider="bench")
    run = SyncLog.start(
        "customers",
        account=integration.account,
        provider="bench",
        integration=integration,
        owner_token="bench",
    )
    with ApiSession(url, provider="bench") as session:
        stream = FedCustomers(session) if kind == "feed" else Customers(session)
        Pull(stream, run, integration, full=True).run()
    run.complete()
    print(json.dumps(run.as_dict()))


if __name__ == "__main__":
    django.setup()
    if sys.argv[1] == "prepare":
        prepare()
    else:
        pull(*sys.argv[2:])
