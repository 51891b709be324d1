"""Asking for many objects by their ids, a few at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass

import msgspec
from django.db import connections

from integrations.http.errors import IntegrationError, RateLimited, Unauthorized
from integrations.providers.zuora.client import MAX_IN_FLIGHT

Ask = Callable[[int], msgspec.Raw | None]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one id: the object, nothing (it does not exist), or an error."""

    zuora_id: int
    raw: msgspec.Raw | None = None
    error: IntegrationError | None = None

    @property
    def is_gone(self) -> bool:
        """Whether Zuora says that it does not exist."""
        return self.raw is None and self.error is None


def gather(ask: Ask, ids: Sequence[int]) -> Iterator[Answer]:
    """The answers in the order of the ids.

    Raises what concerns all ids: ZuoraRateLimitError and ZuoraAuthenticationError.
    """
    with ThreadPoolExecutor(MAX_IN_FLIGHT, thread_name_prefix="zuora") as pool:
        asked = [pool.submit(copy_context().run, _answer, ask, number) for number in ids]
        try:
            for future in asked:
                yield future.result()
        finally:
            for future in asked:
                future.cancel()


def _answer(ask: Ask, zuora_id: int) -> Answer:
    try:
        return Answer(zuora_id, ask(zuora_id))
    except (RateLimited, Unauthorized):
        raise
    except IntegrationError as error:
        return Answer(zuora_id, error=error)
    finally:
        for connection in connections.all(initialized_only=True):
            connection.close()
