"""Setting up the pooled requests session: trust, credentials, guarded connections, clean library logs."""

import base64
import logging
import threading
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path

import requests
import urllib3.exceptions
from requests.auth import AuthBase, HTTPBasicAuth

from integrations.http.body import ACCEPT_ENCODING
from integrations.http.errors import Fault, TlsFailed
from integrations.http.guard import GuardedAdapter
from synclogs.redaction import RedactingFilter, is_sensitive_name, register_secret

logger = logging.getLogger("syncplatform.http")

_LIBRARY_LOGGERS = ("urllib3.connectionpool", "urllib3.connection", "urllib3.response")

_redacting = RedactingFilter()
_unverified_hosts: set[str] = set()
_unverified_lock = threading.Lock()


class PlainSession(requests.Session):
    """A requests session that never looks for a redirect, as that would read a body without any limit."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None, always."""


def new_http(auth: tuple[str, str] | AuthBase | None, headers: Mapping[str, str]) -> PlainSession:
    """A pooled, guarded session that ignores proxies and .netrc and whose library logs are redacted."""
    for name in _LIBRARY_LOGGERS:
        logging.getLogger(name).addFilter(_redacting)
    http = PlainSession()
    http.trust_env = False
    http.auth = HTTPBasicAuth(auth[0].encode(), auth[1].encode()) if isinstance(auth, tuple) else auth
    http.headers.update({"User-Agent": "syncplatform", "Accept-Encoding": ACCEPT_ENCODING, **headers})
    for scheme in ("http://", "https://"):
        http.mount(scheme, GuardedAdapter())
    return http


def keep_secret(
    auth: tuple[str, str] | AuthBase | None, headers: Mapping[str, str], secrets: Iterable[str]
) -> None:
    """Register what must not show up in logs: given secrets, the password, values of sensitive headers."""
    for secret in secrets:
        register_secret(secret)
    for name, value in headers.items():
        if is_sensitive_name(name):
            register_secret(value.rpartition(" ")[2])
    if isinstance(auth, tuple):
        register_secret(auth[1])
        register_secret(base64.b64encode(":".join(auth).encode()))


def checked_trust(verify: bool | str, host: str, provider: str) -> bool | str:
    """`verify` as requests wants it: an empty path means the default authorities, never "off".

    Raises TlsFailed when the path of a CA bundle does not exist.
    """
    if verify is False:
        _warn_unverified(host)
        return False
    if isinstance(verify, str) and verify and not Path(verify).exists():
        raise TlsFailed(
            f"the CA bundle {verify} does not exist",
            provider=provider,
            fault=Fault.US,
            actionable_message="Correct the configured path of the CA bundle.",
        )
    return verify or True


def _warn_unverified(host: str) -> None:
    """Once per host; urllib3's own warning for every request says no more than that."""
    with _unverified_lock:
        if host in _unverified_hosts:
            return
        _unverified_hosts.add(host)
    logger.warning(
        "TLS certificates of %s are not verified: anyone between can read and change the data", host
    )
    warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)
