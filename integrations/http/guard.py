"""No call to private addresses unless configured, judged by the address that is connected to.

Names are resolved once, here, and the connection goes to one of the resolved addresses: a name that changes
its address between check and use (DNS rebinding) gains nothing. What was connected to is checked once more
before a byte of the request, or of the TLS handshake, is sent.
"""

import ipaddress
import socket
from functools import lru_cache
from typing import Any

from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.connection import allowed_gai_family, create_connection

from integrations.http.deadline import limited
from integrations.http.errors import PrivateAddressRefused
from integrations.http.wire import WireResponse

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def check_address(host: str, address: str) -> None:
    """Refuse an address that is not public and not configured as allowed.

    Loopback needs `settings.HTTP_ALLOW_LOOPBACK`. Private, link-local, reserved, multicast and unspecified
    ones need the host name, the address or a network around it in `settings.HTTP_ALLOWED_PRIVATE_HOSTS`. An
    IPv4 address inside an IPv6 one is judged as IPv4. Raises PrivateAddressRefused.
    """
    ip = _unwrapped(ipaddress.ip_address(address.partition("%")[0]))
    if ip.is_loopback:
        if getattr(settings, "HTTP_ALLOW_LOOPBACK", False):
            return
        raise PrivateAddressRefused(
            f"{host} is the loopback address {ip}, which is not called",
            actionable_message="If a local simulator is meant, set HTTP_ALLOW_LOOPBACK; not in production.",
        )
    if _is_public(ip):
        return
    names, networks = _allowed(tuple(getattr(settings, "HTTP_ALLOWED_PRIVATE_HOSTS", ())))
    if host.rstrip(".").lower() in names or any(ip in network for network in networks):
        return
    raise PrivateAddressRefused(
        f"{host} has the address {ip}, which is not public",
        actionable_message=f"If {host} is meant, add it to the setting HTTP_ALLOWED_PRIVATE_HOSTS.",
    )


def _unwrapped(ip: Address) -> Address:
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if ip in _NAT64:
        return ipaddress.IPv4Address(ip.packed[-4:])
    return ip.ipv4_mapped or ip.sixtofour or ip


def _is_public(ip: Address) -> bool:
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified or ip.is_link_local)


@lru_cache(maxsize=16)
def _allowed(entries: tuple[str, ...]) -> tuple[frozenset[str], tuple[Network, ...]]:
    """Host names, and networks (an address is a network of one)."""
    names, networks = set(), []
    for entry in entries:
        try:
            networks.append(ipaddress.ip_network(entry.strip("[] "), strict=False))
        except ValueError:
            names.add(entry.strip().rstrip(".").lower())
    return frozenset(names), tuple(networks)


def _open_socket(connection: HTTPConnection) -> socket.socket:
    """Connect to the first permitted address that answers.

    Raises PrivateAddressRefused when none is permitted, else what urllib3 raises.
    """
    refused: PrivateAddressRefused | None = None
    failure: OSError | None = None
    for address in _resolve(connection):
        try:
            check_address(connection.host, address)
            return _connect(connection, address)
        except PrivateAddressRefused as error:
            refused = error
        except OSError as error:
            failure = error
    if isinstance(failure, TimeoutError):
        raise ConnectTimeoutError(connection, "the connection timed out") from failure
    if refused is not None and failure is None:
        raise refused
    raise NewConnectionError(connection, "no address of the host answers") from failure


def _resolve(connection: HTTPConnection) -> list[str]:
    try:
        found = socket.getaddrinfo(
            connection._dns_host.strip("[]"), connection.port, allowed_gai_family(), socket.SOCK_STREAM
        )
    except UnicodeError:
        failure = socket.gaierror(socket.EAI_NONAME, "not a host name")
        raise NameResolutionError(connection.host, connection, failure) from None
    except socket.gaierror as error:
        raise NameResolutionError(connection.host, connection, error) from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _connect(connection: HTTPConnection, address: str) -> socket.socket:
    timeout = limited(connection.timeout)
    sock = create_connection(
        (address, connection.port),
        timeout,
        source_address=connection.source_address,
        socket_options=connection.socket_options,
    )
    try:
        check_address(connection.host, sock.getpeername()[0])
        sock.settimeout(limited(timeout))
    except BaseException:
        sock.close()
        raise
    return sock


class GuardedHTTPConnection(HTTPConnection):
    """A connection that checks its peer and reads under the current deadline."""

    response_class = WireResponse

    def _new_conn(self) -> socket.socket:
        return _open_socket(self)


class GuardedHTTPSConnection(HTTPSConnection):
    """The same, for TLS."""

    response_class = WireResponse

    def _new_conn(self) -> socket.socket:
        return _open_socket(self)


class _GuardedHTTPConnectionPool(HTTPConnectionPool):
    ConnectionCls = GuardedHTTPConnection


class _GuardedHTTPSConnectionPool(HTTPSConnectionPool):
    ConnectionCls = GuardedHTTPSConnection


class GuardedAdapter(HTTPAdapter):
    """A requests adapter whose connections are guarded; it uses no proxy, as that would hide the peer."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Build the pool manager with guarded pools."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {
            "http": _GuardedHTTPConnectionPool,
            "https": _GuardedHTTPSConnectionPool,
        }

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse proxies. Raises PrivateAddressRefused."""
        raise PrivateAddressRefused("proxies are not supported")
