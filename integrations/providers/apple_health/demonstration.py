"""Apple Health in `manage.py dev`: a simulated phone delivers, again, and after corrections."""

from __future__ import annotations

import json
from uuid import uuid4

from accounts.models import Account, Membership, User
from integrations.demonstration import Control, Demonstration
from integrations.models import Credential, Event
from integrations.providers.apple_health.connecting import connect
from integrations.providers.apple_health.envelope import MAPPED
from integrations.providers.apple_health.slug import PROVIDER
from integrations.webhooks.operations import deliver_file
from synclogs.models import Job

OWNER = "rowan.phone"


def _prepare() -> str:
    """Somebody with a phone."""
    _connected()
    return f"the phone of {OWNER}, connected for workouts and metrics"


def _connected() -> Credential:
    owner, is_new = User.objects.get_or_create(username=OWNER, defaults={"first_name": "Rowan"})
    if is_new:
        owner.set_unusable_password()
        owner.save(update_fields=["password"])
    account = Account.objects.platform()
    Membership.objects.get_or_create(user=owner, account=account)
    return connect(account, owner)


def _push(control: Control) -> list[Job]:
    """Deliver what the phone holds now, through the receiver. A mark makes each body one of its own."""
    credential, jobs = _connected(), []
    for kind in MAPPED:
        export = control("export", {"kind": kind})
        for body in export["bodies"]:
            unique = f'{body[:-1]}, "sent": "{uuid4()}"}}'
            reply = deliver_file(credential, unique.encode(), export["headers"])
            answer = json.loads(reply.body)
            if answer.get("status") == "accepted":
                jobs.append(Job.objects.get(provider=PROVIDER, args__delivery=answer["delivery_id"]))
    return jobs


DEMONSTRATION = Demonstration(
    noun="health records",
    prepare=_prepare,
    is_new=lambda: not Event.objects.filter(integration__provider=PROVIDER).exists(),
    push=_push,
    edit=("touch", {"points": 20}),
)
