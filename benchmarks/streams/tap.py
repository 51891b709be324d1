"""The customers as Singer messages on stdout, for a target: `tap.py URL`."""

import sys

import orjson
import requests

TEXT, FLAG, WHOLE = {"type": ["string"]}, {"type": ["boolean"]}, {"type": ["integer", "null"]}
NUMBER, TIME = {"type": ["number", "null"]}, {"type": ["string", "null"], "format": "date-time"}
OBJECT, LIST = {"type": ["object", "null"]}, {"type": ["array", "null"]}
SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": ["integer"]}, "active": FLAG, "name": TEXT, "type": TEXT, "address": OBJECT,
        "customFields": LIST, "balance": NUMBER, "taxExempt": FLAG, "tagTypeIds": LIST, "doNotMail": FLAG,
        "doNotService": FLAG, "nationalAccount": FLAG, "createdOn": TIME, "createdById": WHOLE,
        "modifiedOn": TIME, "mergedToId": WHOLE, "paymentTermId": WHOLE, "creditLimit": NUMBER,
        "creditLimitBalance": NUMBER, "externalData": LIST,
    },
}  # fmt: skip


def main(url: str) -> None:
    out = sys.stdout.buffer
    schema = {"type": "SCHEMA", "stream": "customers", "schema": SCHEMA, "key_properties": ["id"]}
    out.write(orjson.dumps(schema) + b"\n")
    with requests.Session() as http:
        number, more = 1, True
        while more:
            reply = http.get(f"{url}/crm/v2/tenant/1/customers?page={number}&pageSize=1000")
            page = orjson.loads(reply.content)
            for record in page["data"]:
                message = {"type": "RECORD", "stream": "customers", "record": record}
                out.write(orjson.dumps(message) + b"\n")
            out.write(orjson.dumps({"type": "STATE", "value": {"page": number}}) + b"\n")
            number, more = number + 1, page["hasMore"]


if __name__ == "__main__":
    main(sys.argv[1])
