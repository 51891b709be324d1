"""How a phone is connected: a key for its header is entered; its address is on the credential's page."""

from integrations.admin.ports import CredentialSort, add_credential_sort
from integrations.providers.apple_health.connecting import make_connections
from integrations.providers.apple_health.slug import PROVIDER

add_credential_sort(
    CredentialSort(
        provider=PROVIDER,
        label="Apple Health",
        secrets=(
            ("header_key", "Header key", "Of your choice: enter it in the app as the header X-API-Key."),
        ),
        kind="webhook",
        connected=make_connections,
    )
)
