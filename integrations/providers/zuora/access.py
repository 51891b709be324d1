"""What calls for a customer are made with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from integrations.providers.zuora.errors import ZuoraNotConfigured
from integrations.providers.zuora.hosts import address_of

if TYPE_CHECKING:
    from integrations.providers.zuora.models import ZuoraCustomer


@dataclass(frozen=True, slots=True)
class Access:
    """A customer's address and OAuth client; `entity_id` and `org_ids` narrow what is shown of a tenant."""

    base_url: str
    client_id: str
    client_secret: str = field(repr=False)
    entity_id: str = ""
    org_ids: str = ""

    @classmethod
    def of(cls, customer: ZuoraCustomer) -> Self:
        """The access of a customer.

        Raises ZuoraNotConfigured when a part is missing, SecretUnreadable when no key opens the secret.
        """
        secret = customer.secret
        if not customer.client_id or not secret:
            missing = "client secret" if customer.client_id else "client id"
            raise ZuoraNotConfigured(f"the {missing} is missing")
        return cls(
            address_of(customer.base_url), customer.client_id, secret, customer.entity_id, customer.org_ids
        )

    def headers(self) -> dict[str, str]:
        """The headers that say for which part of the tenant a call is."""
        named = {"Zuora-Entity-Ids": self.entity_id, "Zuora-Org-Ids": self.org_ids}
        return {name: value for name, value in named.items() if value}
