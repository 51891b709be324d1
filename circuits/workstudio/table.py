"""DDOTable: WorkStudio's replies as parallel Heading and Data arrays: docs/workstudio.md, "Replies"."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from circuits.workstudio.errors import WorkStudioProtocolError
from integrations.http.errors import BadReply, RecordError

PROVIDER = "workstudio"
_BOM = b"\xef\xbb\xbf"
_UNREADABLE = (msgspec.DecodeError, ValueError, RecursionError)


class DDOTable:
    """A reply's rows, decoded one at a time so that one bad row fails alone.

    `heading` holds the column names in wire order, upper-cased, since WorkStudio does not promise their case.
    The rows are slices of the reply's bytes, or decoded already when the reply needed the slow parser.
    """

    def __init__(self, heading: tuple[str, ...], raw_rows: list[Any]) -> None:
        self.heading = heading
        self._raw_rows = raw_rows

    def __len__(self) -> int:
        """How many rows are left."""
        return len(self._raw_rows)

    def drain(self) -> Iterator[Any]:
        """Every raw row in wire order, each let go of as it is taken, so that memory shrinks meanwhile."""
        self._raw_rows.reverse()
        while self._raw_rows:
            yield self._raw_rows.pop()

    def row(self, raw: Any) -> dict[str, Any]:
        """One row as a mapping from upper-cased column to value. Raises RecordError if it cannot be read."""
        values = _cells(raw)
        if values is None:
            raise RecordError("the row is not a list of values", code="bad_row")
        if len(values) != len(self.heading):
            raise RecordError(
                f"the row has {len(values)} values, the heading {len(self.heading)} columns",
                code="row_length",
            )
        return dict(zip(self.heading, values, strict=True))

    def partial_row(self, raw: Any) -> dict[str, Any]:
        """As much of a row as can be read, for naming one that was refused; never raises."""
        return dict(zip(self.heading, _cells(raw) or (), strict=False))


def read_table(body: bytes) -> DDOTable:
    """Read a GETVIEWDATA reply.

    Raises BadReply (worth another try) when it is no JSON object or its table is misshapen, and
    WorkStudioProtocolError (not worth one) when WorkStudio says that it failed or answers something else.
    """
    reply = read_reply(body)
    protocol = protocol_of(reply)
    dataset = _object(reply.get("dataset"))
    if protocol in ("", "DATASET") and dataset is not None and {"heading", "data"} <= dataset.keys():
        return _table(dataset)
    if protocol == "DATASET":
        return DDOTable((), [])
    raise WorkStudioProtocolError(
        f"WorkStudio's reply holds no table (its protocol is {protocol[:40]!r}, not 'DATASET')",
        provider=PROVIDER,
    )


def read_reply(body: bytes) -> dict[str, Any]:
    """Any reply as a mapping with lower-cased names and undecoded values.

    Raises BadReply when it is no JSON object and WorkStudioProtocolError when it reports an error.
    """
    reply = {str(name).lower(): value for name, value in _decode_object(body.removeprefix(_BOM)).items()}
    message = _value(reply.get("errormessage"))
    if message or protocol_of(reply) == "ERROR":
        text = str(message or "no message")[:300]
        raise WorkStudioProtocolError(f"WorkStudio answered with an error: {text}", provider=PROVIDER)
    return reply


def protocol_of(reply: Mapping[str, Any]) -> str:
    """What kind of reply it says it is, in capitals; empty when it does not say."""
    return str(_value(reply.get("protocol")) or "").strip().upper()


def _table(dataset: Mapping[str, Any]) -> DDOTable:
    rows = _raw_list(dataset["data"])
    heading = _value(dataset["heading"])
    if rows is not None and not rows:
        return DDOTable((), [])
    if rows is None or not isinstance(heading, list) or not all(isinstance(name, str) for name in heading):
        raise BadReply("the table's Heading or Data is not a list", provider=PROVIDER)
    return DDOTable(tuple(name.strip().upper() for name in heading), rows)


def _decode_object(data: bytes) -> Mapping[str, Any]:
    try:
        return msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    except _UNREADABLE:
        return _decode_slowly(data)


def _decode_slowly(data: bytes) -> Mapping[str, Any]:
    """Read what the strict parser refuses, such as half a surrogate pair in one of the rows."""
    decoded = _decode_anyhow(data)
    if not isinstance(decoded, dict):
        raise BadReply("the reply is not a JSON object", provider=PROVIDER)
    return decoded


def _decode_anyhow(data: bytes) -> Any:
    """JSON in UTF-8, else in Windows-1252; None when it is neither."""
    for encoding in ("utf-8", "cp1252"):
        try:
            return json.loads(data.decode(encoding))
        except UnicodeDecodeError:
            continue
        except (ValueError, RecursionError):
            return None
    return None


def _cells(raw: Any) -> list[Any] | None:
    """A row's values in wire order; None when the row is no list."""
    if isinstance(raw, msgspec.Raw):
        try:
            raw = msgspec.json.decode(raw)
        except _UNREADABLE:
            raw = _decode_anyhow(bytes(raw))
    return raw if isinstance(raw, list) else None


def _value(value: Any) -> Any:
    if not isinstance(value, msgspec.Raw):
        return value
    try:
        return msgspec.json.decode(value)
    except _UNREADABLE:
        return _decode_anyhow(bytes(value))


def _object(value: Any) -> dict[str, Any] | None:
    if isinstance(value, msgspec.Raw):
        try:
            value = msgspec.json.decode(value, type=dict[str, msgspec.Raw])
        except _UNREADABLE:
            return None
    return {str(name).lower(): item for name, item in value.items()} if isinstance(value, dict) else None


def _raw_list(value: Any) -> list[Any] | None:
    """The rows undecoded; null counts as none, None means that it is no list."""
    if isinstance(value, msgspec.Raw):
        if memoryview(value).nbytes == len(b"null") and bytes(value) == b"null":
            return []
        try:
            return msgspec.json.decode(value, type=list[msgspec.Raw])
        except _UNREADABLE:
            return None
    return [] if value is None else value if isinstance(value, list) else None
