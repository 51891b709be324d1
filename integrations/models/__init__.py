"""What the engine keeps: connections to vendors and their secrets."""

from integrations.models.credential import Credential, CredentialStatus
from integrations.models.integration import Integration, IntegrationStatus

__all__ = ["Credential", "CredentialStatus", "Integration", "IntegrationStatus"]
