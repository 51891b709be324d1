"""What can go wrong on the way to a vendor's consent page and back, in words for the person who went."""

from __future__ import annotations


class AuthorizationFailed(Exception):
    """Nothing was connected. `code` is a stable slug, `status` the HTTP status of the page that says so."""

    def __init__(self, code: str, message: str, what_to_do: str, *, status: int = 400) -> None:
        self.code = code
        self.message = message
        self.what_to_do = what_to_do
        self.status = status
        super().__init__(message)


START_AGAIN = "Go back to the connections and press Connect or Reconnect again."


def unknown_state() -> AuthorizationFailed:
    """The vendor's answer belongs to no visit that was started here."""
    return AuthorizationFailed(
        "unknown_state", "This answer belongs to no authorization that was started here.", START_AGAIN
    )


def other_session() -> AuthorizationFailed:
    """Started by somebody else, or in another browser: taking it would connect a stranger's account."""
    return AuthorizationFailed(
        "other_session",
        "This authorization was started by another user or in another browser session.",
        "Start it again in this browser, signed in as yourself.",
        status=403,
    )


def used() -> AuthorizationFailed:
    """The same answer came a second time."""
    return AuthorizationFailed(
        "used", "This authorization has been used already.", "If the connection does not work, connect again."
    )


def expired() -> AuthorizationFailed:
    """The visit took too long."""
    return AuthorizationFailed("expired", "This authorization took too long and has expired.", START_AGAIN)


def declined(vendor: str, error: str, description: str) -> AuthorizationFailed:
    """The vendor's page ended with an error (section 4.1.2.1)."""
    if error == "access_denied":
        return AuthorizationFailed("access_denied", f"Access was declined at {vendor}.", START_AGAIN)
    said = f"{vendor} answered: {error[:60]}" + (f" ({description[:200]})" if description else "")
    return AuthorizationFailed("vendor_error", said, "Check the application's registration at the vendor.")


def no_code(vendor: str) -> AuthorizationFailed:
    """Neither a code nor an error came back."""
    return AuthorizationFailed("no_code", f"{vendor} sent neither a code nor an error.", START_AGAIN)


def token_failed(vendor: str, reason: str, what_to_do: str) -> AuthorizationFailed:
    """The code was not exchanged, or the token did not work."""
    return AuthorizationFailed("token_failed", f"{vendor} gave no token that works: {reason}", what_to_do)


def other_account(vendor: str) -> AuthorizationFailed:
    """Somebody consented with another account of the vendor's than the one that is connected."""
    return AuthorizationFailed(
        "other_account",
        f"This is another {vendor} account than the one that is connected here. Nothing was changed.",
        f"Sign out at {vendor} and reconnect with the account that was connected before, "
        "or connect the other account as a new connection.",
        status=409,
    )


def not_configured(vendor: str) -> AuthorizationFailed:
    """There is no client to ask with."""
    return AuthorizationFailed(
        "not_configured",
        f"No OAuth application of {vendor} is entered here.",
        "Register an application at the vendor, then add it under OAuth applications.",
        status=409,
    )
