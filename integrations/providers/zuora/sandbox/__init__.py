"""A local simulator of Zuora's token endpoint and Workflow API (see ``docs/zuora.md``)."""

from integrations.providers.zuora.sandbox.provider import ZuoraSandbox
from integrations.providers.zuora.sandbox.tenants import DEFAULT_TENANTS, TenantLogin

__all__ = ["DEFAULT_TENANTS", "TenantLogin", "ZuoraSandbox"]
