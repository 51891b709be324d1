"""Joining paths to a base address without surprises."""

from urllib.parse import SplitResult, urlsplit

from integrations.http.errors import BadRequest, Fault

_DEFAULT_PORTS = {"http": 80, "https": 443}


def check_base_url(base_url: str) -> str:
    """The base address as given. Raises ValueError unless it is http(s)://host[:port][/prefix] only."""
    parts = urlsplit(base_url)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError(
            "a base URL is http:// or https:// and a host, with an optional port and path prefix"
        )
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("a base URL has no query, no fragment and no credentials")
    return base_url


def join_url(base_url: str, path: str) -> str:
    """The address of `path` below the base, the base's path prefix kept, slashes between them counted once.

    An empty path is the base itself. An absolute URL (a vendor's next-page link) is taken when it has the
    base's scheme, host and port. Raises BadRequest for another host and for dot segments, which would climb
    out of the prefix.
    """
    if not path:
        return base_url
    if path.lower().startswith(("http://", "https://")):
        if not same_origin(base_url, path):
            raise BadRequest(
                "the URL to call belongs to another host than the configured one", fault=Fault.DATA
            )
        return path
    segments = path.partition("?")[0].partition("#")[0].split("/")
    if any(segment.lower().replace("%2e", ".") in {".", ".."} for segment in segments):
        raise BadRequest("the path to call has a dot segment", fault=Fault.DATA)
    return f"{base_url.rstrip('/')}/{path.lstrip('/')}"


def same_origin(first: str, second: str) -> bool:
    """Whether two URLs share scheme, host, port and user name; a URL that cannot be read shares nothing."""
    try:
        return _origin(urlsplit(first)) == _origin(urlsplit(second))
    except ValueError:
        return False


def host_of(url: str) -> str:
    """The host name of a URL that `check_base_url` accepts."""
    return urlsplit(url).hostname or ""


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None, str | None]:
    return parts.scheme, parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme), parts.username
