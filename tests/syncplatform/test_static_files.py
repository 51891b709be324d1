"""Static files as a browser behind an ASGI server gets them."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.signals import request_finished
from django.http import HttpResponse
from django.test import AsyncClient

NAME = "admin/css/base.css"
URL = f"/{settings.STATIC_URL.strip('/')}/{NAME}"


@pytest.fixture
def content() -> bytes:
    return Path(str(finders.find(NAME))).read_bytes()


def ask(method: str = "get", **headers: str) -> HttpResponse:
    """What an ASGI server would get, with every warning an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "No directory at:")
        return async_to_sync(getattr(AsyncClient(), method))(URL, headers=headers)


def test_a_file_comes_whole_and_without_a_warning(content: bytes) -> None:
    answer = ask()
    assert (answer.status_code, answer.content) == (200, content)
    assert answer["Content-Type"].startswith("text/css")
    assert answer["Content-Length"] == str(len(content))
    again = ask(**{"if-modified-since": answer["Last-Modified"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_part_and_the_head_of_a_file(content: bytes) -> None:
    part = ask(range="bytes=10-19")
    assert (part.status_code, part.content) == (206, content[10:20])
    head = ask("head")
    assert (head.status_code, head.content) == (200, b"")
    assert head["Content-Length"] == str(len(content))


def test_reading_a_file_does_not_end_the_request_for_the_database() -> None:
    ends: list[object] = []

    def note(**options: object) -> None:
        ends.append(options["sender"])

    request_finished.connect(note)
    try:
        ask()
    finally:
        request_finished.disconnect(note)
    assert len(ends) == 1
