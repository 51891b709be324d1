"""Makes the tables and one address to deliver to: `python -m benchmarks.hooks.prepare` prints its key."""

from __future__ import annotations

import json
import os

import django


def prepare() -> dict[str, str]:
    """A credential with the signing secret of the environment, and the key of its address."""
    from django.core.management import call_command

    from accounts.models import Account
    from integrations.models import Credential
    from integrations.webhooks.keys import create_key

    call_command("migrate", interactive=False, verbosity=0)
    credential = Credential.objects.create(
        account=Account.objects.platform(),
        provider="bench",
        secrets={"signing_secret": os.environ["BENCH_SIGNING_SECRET"]},
    )
    return {"key": create_key(credential)}


if __name__ == "__main__":
    django.setup()
    print(json.dumps(prepare()))
