"""How Hevy's API keys are entered and tried; its connections, runs and events have the engine's pages."""

from integrations.admin.ports import CredentialSort, add_credential_sort
from integrations.providers.hevy.client import PROVIDER, check_credential
from integrations.providers.hevy.connecting import connect

add_credential_sort(
    CredentialSort(
        provider=PROVIDER,
        label="Hevy",
        secrets=(("api_key", "API key", "From the developer settings of Hevy's web app; needs Hevy Pro."),),
        kind="api_key",
        test=check_credential,
        connected=connect,
    )
)
