"""What the engine keeps: connections, their secrets and limits, what was received, and activity."""

from integrations.models.access_token import AccessToken
from integrations.models.credential import Credential, CredentialStatus
from integrations.models.events import Block, Event, EventObject
from integrations.models.integration import InitStatus, Integration, IntegrationStatus
from integrations.models.mirrored import Mirrored
from integrations.models.oauth_application import OAuthApplication
from integrations.models.oauth_authorization import OAuthAuthorization
from integrations.models.rate_budget import RateBudget
from integrations.models.raw_payload import RawPayload
from integrations.models.sync_cursor import SyncCursor
from integrations.models.webhook_delivery import DeliveryStatus, WebhookDelivery
from integrations.models.webhook_key import WebhookKey

__all__ = [
    "AccessToken",
    "Block",
    "Credential",
    "CredentialStatus",
    "DeliveryStatus",
    "Event",
    "EventObject",
    "InitStatus",
    "Integration",
    "IntegrationStatus",
    "Mirrored",
    "OAuthApplication",
    "OAuthAuthorization",
    "RateBudget",
    "RawPayload",
    "SyncCursor",
    "WebhookDelivery",
    "WebhookKey",
]
