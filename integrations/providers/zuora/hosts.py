"""Where a customer's calls go: its data center, or the address that this installation prescribes."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from integrations.providers.zuora.errors import ZuoraNotConfigured


class DataCenter(models.TextChoices):
    """Zuora's REST hosts; secrets and tokens are sent to no other."""

    US_CLOUD_2 = "https://rest.zuora.com", "US cloud 2, production"
    US_CLOUD_1 = "https://rest.na.zuora.com", "US cloud 1, production"
    US_CLOUD_2_SANDBOX = "https://rest.apisandbox.zuora.com", "US cloud 2, API sandbox"
    US_CLOUD_1_SANDBOX = "https://rest.sandbox.na.zuora.com", "US cloud 1, API sandbox"
    US_TEST = "https://rest.test.zuora.com", "US, developer and central sandbox"
    US_PERFORMANCE = "https://rest.pt1.zuora.com", "US, performance test"
    EU = "https://rest.eu.zuora.com", "EU, production"
    EU_SANDBOX = "https://rest.sandbox.eu.zuora.com", "EU, API sandbox"
    EU_TEST = "https://rest.test.eu.zuora.com", "EU, developer and central sandbox"
    APAC = "https://rest.ap.zuora.com", "APAC, production"
    APAC_TEST = "https://rest.test.ap.zuora.com", "APAC, developer and central sandbox"


def address_of(base_url: str) -> str:
    """The address to call for a customer with this data center: ZUORA_API_URL, if set, wins.

    Raises ZuoraNotConfigured when there is none, or the customer's is no data center of Zuora's.
    """
    if settings.ZUORA_API_URL:
        return str(settings.ZUORA_API_URL).rstrip("/")
    if base_url not in DataCenter.values:
        shown = base_url[:80] or "empty"
        raise ZuoraNotConfigured(
            f"the base URL ({shown}) is not one of Zuora's data centers",
            actionable_message="Choose the customer's data center in its page in the admin.",
        )
    return base_url
