"""SyncServiceTitanJob: the customers and invoices of one credential, as one run."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings

from integrations.http.errors import BadReply, DeadlinePassed
from integrations.jobs import dispatch
from integrations.jobs.outcomes import Decision
from integrations.jobs.registry import register_job
from integrations.jobs.sync_job import BaseSyncJob
from integrations.models import Integration
from integrations.providers.servicetitan.client import ServiceTitanClient
from integrations.providers.servicetitan.config import (
    DEFAULT_TIMEOUT,
    DataType,
    SyncConfiguration,
    SyncStrategy,
)
from integrations.providers.servicetitan.errors import (
    InvalidCredentialsError,
    ServiceTitanApiError,
    ServiceTitanError,
    SyncTimeoutError,
)
from integrations.providers.servicetitan.models import ServiceTitanCredential
from integrations.providers.servicetitan.slug import PROVIDER
from integrations.providers.servicetitan.sources import Source
from integrations.providers.servicetitan.streams import STREAMS
from integrations.sync.pull import Pull
from synclogs.models import SyncLog

logger = logging.getLogger("syncplatform.servicetitan")

MARGIN_SECONDS = 300
SLICE_SECONDS = 1.0
MAX_SCOPE = 100
NOT_SHOWN = frozenset({"trigger", "triggered_by", "retry_of_run"})


@register_job
class SyncServiceTitanJob(BaseSyncJob):
    """Pulls what `args["data_type"]` names, in at most `args["timeout"]` seconds: docs/servicetitan.md.

    A stream that was finished stays finished when the next one fails. A failure ends the run: the next
    scheduled one goes on where this one stopped.
    """

    name = "servicetitan.sync"
    provider = PROVIDER
    job_type = "sync"
    sync_type: ClassVar[str] = DataType.BOTH.value
    timeout: ClassVar[int] = DEFAULT_TIMEOUT + MARGIN_SECONDS
    _secrets_version = 0

    @property
    def run_type(self) -> str:
        """The data type."""
        return self._data_type.value

    @property
    def lock_key(self) -> str:
        """One run a credential at a time, whatever it syncs."""
        return self.integration.lock_key(PROVIDER)

    @property
    def _data_type(self) -> DataType:
        return DataType(self.args.get("data_type", DataType.BOTH))

    @classmethod
    def unique_key(cls, integration: Integration | None, args: Mapping[str, Any]) -> str:
        """A credential and a data type: how and for how long does not make it other work."""
        work = {"data_type": args.get("data_type", DataType.BOTH.value)}
        return f"{cls.name}_{getattr(integration, 'pk', '-')}_{dispatch.args_digest(work)}"

    def run_context(self) -> dict[str, object]:
        """What was asked for, and of which environment."""
        asked = {key: value for key, value in self.args.items() if key not in NOT_SHOWN}
        return asked | {"environment": self.integration.external_id}

    def sync(self) -> None:
        """Get a token, then pull one stream after the other. Raises ServiceTitanError."""
        credential = ServiceTitanCredential.objects.select_related("account").get(
            integration=self.integration
        )
        credential.note_started()
        self._secrets_version = credential.secrets_version
        self.run.note(scope=str(credential)[:MAX_SCOPE])
        config = SyncConfiguration.from_args(self.args)
        with ServiceTitanClient(
            credential, deadline=config.deadline, foreground=self.claim.foreground, sleep=self._sleep
        ) as client:
            client.log_in()
            for kind in config.data_type.streams:
                self._pull(kind, client, credential, config)

    def finish(self) -> None:
        """End the run, with a warning when records were left out, and note that the credential works."""
        failed = self.run.counts.failed
        if failed:
            noun = "record" if failed == 1 else "records"
            message = f"{failed} {noun} could not be taken: see the issues."
            self.run.complete_with_warning(message, code="records_lost")
        else:
            self.run.complete()
        self._credential().note_success()

    def on_failed(self, decision: Decision) -> None:
        """End the run with its error in this provider's codes; a credential that was refused is marked."""
        error = decision.error
        if not isinstance(error, ServiceTitanError) and decision.code != "poison":
            decision = replace(decision, code="unexpected")
        if self.claim.run is not None and isinstance(error, ServiceTitanApiError):
            vendor = {"vendor_status": error.status_code, "trace_id": error.trace_id}
            self.claim.run.note(context=self.claim.run.context | vendor)
        super().on_failed(decision)
        credential = ServiceTitanCredential.objects.filter(integration=self.job.integration).first()
        if credential is None:
            return
        credential.note_failure()
        if isinstance(error, InvalidCredentialsError):
            credential.secrets_version = self._secrets_version
            credential.mark_needs_attention(str(error))

    def retried_run(self) -> SyncLog | None:
        """The run that a command or an operator tries again."""
        named = self.args.get("retry_of_run")
        if named and self.job.retry_of is None:
            return SyncLog.objects.filter(pk=UUID(str(named)), integration=self.integration).first()
        return super().retried_run()

    def _pull(
        self,
        kind: str,
        client: ServiceTitanClient,
        credential: ServiceTitanCredential,
        config: SyncConfiguration,
    ) -> None:
        """One stream, in ServiceTitan's terms also when its time is over. Raises ServiceTitanError."""
        self.claim.reporter.phase(f"{credential.company}: {kind}")
        before = self.run.counts
        strategy = SyncStrategy(settings.SERVICETITAN_SYNC_STRATEGY)
        stream = STREAMS[kind](Source(client, config.batch_size), credential.pk, strategy)
        pull = Pull(
            stream,
            self.run,
            self.integration,
            full=not config.incremental_only,
            deadline=config.deadline,
            check=self.check,
            reporter=self.claim.reporter,
        )
        try:
            pull.run()
        except DeadlinePassed as error:
            raise SyncTimeoutError("the time for this sync is used up") from error
        except BadReply as error:
            raise ServiceTitanApiError(error.message, error.status, excerpt=error.excerpt) from error
        after = self.run.counts.as_dict()
        of_kind = {name: value - before.as_dict()[name] for name, value in after.items()}
        counted = self.run.context.get("counts", {}) | {kind: of_kind}
        self.run.note(context=self.run.context | {"counts": counted})

    def _credential(self) -> ServiceTitanCredential:
        return ServiceTitanCredential.objects.get(integration=self.job.integration)

    def _sleep(self, seconds: float) -> None:
        """Wait between tries of a call; an operator's cancellation and a lost lease end it."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.check()
            time.sleep(min(left, SLICE_SECONDS))
