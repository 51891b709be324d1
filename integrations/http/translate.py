"""Turning what requests, urllib3 and the standard library raise into the taxonomy.

Their texts are not passed on: they quote whole URLs and header values. The reason is named by the system's
or the TLS library's own short words instead.
"""

import http.client
import os
import ssl
from collections.abc import Iterator
from typing import TypeVar

import requests
import urllib3.exceptions as urllib3

from integrations.http.errors import (
    BadReply,
    BadRequest,
    ConnectionFailed,
    Fault,
    IntegrationError,
    TimedOut,
    TlsFailed,
)

E = TypeVar("E", bound=BaseException)

_MALFORMED = (
    http.client.BadStatusLine,
    http.client.LineTooLong,
    http.client.UnknownProtocol,
    urllib3.InvalidHeader,
)
_CUT_TLS = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)


def translate(error: Exception, where: str) -> IntegrationError:
    """The taxonomy's error for a failure while sending a request or reading its reply.

    `where` is the method and redacted URL that begin the message.
    """
    causes = list(_causes(error))
    tls = _translate_tls(causes, where)
    if tls is not None:
        return tls
    if _first(causes, urllib3.NameResolutionError):
        return ConnectionFailed(f"{where}: the host name cannot be resolved")
    if _first(causes, urllib3.NewConnectionError):
        return ConnectionFailed(f"{where}: no connection: {_reason(causes)}")
    if _first(causes, urllib3.ConnectTimeoutError):
        return TimedOut(f"{where}: no connection in time")
    if _first(causes, requests.Timeout, urllib3.TimeoutError, TimeoutError):
        return TimedOut(f"{where}: no complete reply in time")
    malformed = _first(causes, *_MALFORMED)
    if malformed is not None and not isinstance(malformed, http.client.RemoteDisconnected):
        return BadReply(f"{where}: the reply is not valid HTTP")
    if isinstance(error, ValueError):
        return BadRequest(f"{where}: the request cannot be sent: {type(error).__name__}", fault=Fault.US)
    return ConnectionFailed(f"{where}: the connection broke: {_reason(causes)}")


def _translate_tls(causes: list[BaseException], where: str) -> IntegrationError | None:
    certificate = _first(causes, ssl.SSLCertVerificationError)
    if certificate is not None:
        return TlsFailed(f"{where}: the certificate is not trusted: {certificate.verify_message}")
    if _first(causes, *_CUT_TLS):
        return ConnectionFailed(f"{where}: the connection broke in TLS")
    broken = _first(causes, ssl.SSLError)
    if broken is not None:
        return TlsFailed(f"{where}: TLS failed: {broken.reason or 'unknown reason'}")
    if _first(causes, requests.exceptions.SSLError, urllib3.SSLError):
        return TlsFailed(f"{where}: TLS failed")
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and everything it wraps, outermost first."""
    pending, seen = [error], set[int]()
    while pending:
        current = pending.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        inner = [*current.args, getattr(current, "reason", None), current.__cause__]
        pending += [cause for cause in inner if isinstance(cause, BaseException)]


def _first(causes: list[BaseException], *kinds: type[E]) -> E | None:
    return next((cause for cause in causes if isinstance(cause, kinds)), None)


def _reason(causes: list[BaseException]) -> str:
    """What the operating system says, or the kind of the innermost error."""
    for cause in causes:
        if isinstance(cause, OSError) and cause.errno and not isinstance(cause, requests.RequestException):
            return os.strerror(cause.errno)
    return type(causes[-1]).__name__
