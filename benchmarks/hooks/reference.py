"""The reference endpoint: verify an HMAC, insert two rows in one transaction, answer."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import time
import uuid

from django.core.wsgi import get_wsgi_application
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

SECRET = os.environ.get("BENCH_SIGNING_SECRET", "").encode()
TABLES = """
CREATE TABLE reference_deliveries (
    id uuid PRIMARY KEY, event_id varchar(200) UNIQUE, headers jsonb, body bytea, received_at timestamptz);
CREATE TABLE reference_jobs (
    id uuid PRIMARY KEY, name varchar(100), args jsonb, status varchar(20), run_at timestamptz);
"""


@csrf_exempt
def receive(request: HttpRequest) -> HttpResponse:
    """One delivery."""
    body, timestamp = request.body, request.headers.get("X-Slack-Request-Timestamp", "")
    signed = hmac.new(SECRET, b"v0:%s:%s" % (timestamp.encode(), body), hashlib.sha256).hexdigest()
    given = request.headers.get("X-Slack-Signature", "")
    if not hmac.compare_digest(given, f"v0={signed}") or abs(time.time() - int(timestamp)) > 300:
        return HttpResponse(status=401)
    delivery = str(uuid.uuid4())
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO reference_deliveries VALUES (%s, %s, %s, %s, now())",
            [delivery, json.loads(body)["event_id"], json.dumps(dict(request.headers)), body],
        )
        cursor.execute(
            "INSERT INTO reference_jobs VALUES (%s, %s, %s, 'queued', now())",
            [str(uuid.uuid4()), "bench.hook", json.dumps({"delivery": delivery})],
        )
    return HttpResponse(headers={"Content-Length": "0"})


urlpatterns = [path("hook/", receive)]
application = get_wsgi_application() if os.environ.get("BENCH_SERVE_REFERENCE") else None
