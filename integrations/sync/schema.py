"""What a record's schema says: how its key is read, which names it has, what is wrong with a record."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
from django.db import models

from integrations.http.errors import RecordError
from integrations.sync.records import Key

if TYPE_CHECKING:
    from integrations.sync.bulk_stream import BulkStream

_INT64 = 2**63
_PATH = re.compile(r"`\$\.?([^`]*)`$")
_MISSING = re.compile(r"missing required field `([^`]+)`")


class KeyReader:
    """Reads only the key of a record. Its type is that of the schema's attribute: int or str."""

    def __init__(self, stream: BulkStream) -> None:
        fields = {found.name: found for found in msgspec.structs.fields(stream.record)}
        if stream.key not in fields:
            raise ValueError(f"{stream.record.__name__} has no attribute {stream.key!r} for the key")
        source = fields[stream.key]
        if source.type not in (int, str):
            raise ValueError(f"the key {stream.key!r} should be an int or a str")
        self.source = source.encode_name
        declared = msgspec.field(name=source.encode_name)
        only_key = msgspec.defstruct("OnlyKey", [("key", source.type, declared)])
        self._decode: Any = msgspec.json.Decoder(only_key).decode
        column = stream.model._meta.get_field(stream.key)
        self._longest = (isinstance(column, models.Field) and column.max_length) or None

    def __call__(self, raw: Any) -> Key:
        """The key. Raises RecordError when there is none that could be stored."""
        try:
            key: Key = self._decode(raw).key
        except (msgspec.MsgspecError, RecursionError, ValueError) as error:
            raise record_error(error) from None
        if isinstance(key, int):
            if -_INT64 <= key < _INT64:
                return key
            raise RecordError(f"{self.source} is out of range", code="out_of_range", field=self.source)
        if not key or "\x00" in key or (self._longest and len(key) > self._longest):
            raise RecordError(
                f"{self.source} is empty, too long or not storable", code="bad_key", field=self.source
            )
        return key


def known_names(record: type[msgspec.Struct]) -> frozenset[str]:
    """The names that the schema reads at the top level of a record."""
    return frozenset(found.encode_name for found in msgspec.structs.fields(record))


def record_error(error: Exception) -> RecordError:
    """Why a record does not fit its schema, with the field at fault."""
    text = str(error)
    if isinstance(error, msgspec.ValidationError):
        path, missing = _PATH.search(text), _MISSING.search(text)
        parts = [path[1] if path else "", missing[1] if missing else ""]
        name = ".".join(part for part in parts if part)
        return RecordError(text, code="missing" if missing else "wrong_type", field=name)
    if isinstance(error, msgspec.DecodeError | UnicodeDecodeError):
        return RecordError(f"it is not valid JSON: {text}", code="bad_json")
    return RecordError("it is nested too deeply or holds a number out of range", code="out_of_range")
