"""ServiceTitan's credentials, and the customers and invoices that were pulled with them."""

from integrations.providers.servicetitan.models.credential import (
    CredentialState,
    ServiceTitanCredential,
    TitanEnvironment,
)
from integrations.providers.servicetitan.models.customer import ServiceTitanCustomer
from integrations.providers.servicetitan.models.invoice import ServiceTitanInvoice

__all__ = [
    "CredentialState",
    "ServiceTitanCredential",
    "ServiceTitanCustomer",
    "ServiceTitanInvoice",
    "TitanEnvironment",
]
