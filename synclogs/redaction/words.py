"""Which names are those of secrets, and how any object is read as text."""

from __future__ import annotations

import re
from urllib.parse import unquote

REDACTED = "[redacted]"

_SENSITIVE_ENDINGS = (
    "password", "passwd", "passphrase", "token", "secret", "key", "auth", "signature", "code", "cookie",
    "authorization", "credential", "credentials",
)  # fmt: skip
_SENSITIVE_NAMES = frozenset({"tokens", "secrets", "passwords", "cookies", "pwd", "sig", "jwt", "otp"})

# Names that end in "key" or "code" and hold nothing secret, without separators; a longer name that ends in
# one of them (`last_error_code`) is harmless too. Add only names that no vendor uses for a credential.
_HARMLESS_ENDINGS = (
    "statuscode", "errorcode", "exitcode", "returncode", "reasoncode", "responsecode", "resultcode",
    "httpcode", "workordercode", "unitcode", "speciescode", "regioncode", "typecode", "productcode",
    "categorycode", "countrycode", "currencycode", "languagecode", "postalcode", "zipcode", "postcode",
    "areacode", "statecode", "barcode", "geocode", "unicode", "encode", "decode", "keycode",
    "uniquekey", "lockkey", "primarykey", "foreignkey", "naturalkey", "cachekey", "sortkey", "partitionkey",
    "idempotencykey", "dedupekey", "publickey", "monkey", "donkey", "turkey", "hockey", "jockey", "whiskey",
)  # fmt: skip


def is_sensitive_name(name: object) -> bool:
    """Whether a key, header or parameter of this name holds a secret (case and separators do not matter)."""
    text = as_text(name)
    compact = re.sub(r"[^a-z0-9]", "", (unquote(text) if "%" in text else text).lower())
    if compact.endswith(_HARMLESS_ENDINGS):
        return False
    return compact in _SENSITIVE_NAMES or compact.endswith(_SENSITIVE_ENDINGS)


def as_text(value: object) -> str:
    """Text of anything; never raises."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).decode("utf-8", errors="replace")
    try:
        return str(value)
    except Exception:  # any object may have a broken __str__
        return f"[unprintable {type(value).__name__}]"
