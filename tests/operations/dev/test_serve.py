"""`manage.py dev serve` with real processes."""

import re
import signal
import socket

import pytest
import requests

from tests.operations.dev.conftest import Dev, DevProcess

pytestmark = pytest.mark.slow


def printed(running: DevProcess, label: str) -> str:
    found = re.search(rf"^  {label} +(\S+)$", running.out, re.MULTILINE)
    assert found, running.out
    return found[1]


def sign_in(url: str, password: str) -> int:
    with requests.Session() as browser:
        browser.trust_env = False
        page = browser.get(f"{url}admin/login/", timeout=20)
        assert page.status_code == 200
        form = {
            "username": "admin",
            "password": password,
            "csrfmiddlewaretoken": browser.cookies["csrftoken"],
            "next": "/admin/",
        }
        answer = browser.post(f"{url}admin/login/", data=form, timeout=20, allow_redirects=False)
        return answer.status_code


def test_serve_runs_the_site_keeps_others_out_restarts_what_dies_and_stops(dev: Dev) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        running = dev.start("serve", "--port", str(port), "--circuits", "40")
        running.wait_for(lambda: "Ctrl-C stops everything" in running.out)
    url, password = printed(running, "The site"), printed(running, "Password")

    assert f"Port {port} is taken" in running.err
    assert "a first sync is queued" in running.err
    assert sign_in(url, password) == 302
    assert requests.get(f"{url}static/admin/css/base.css", timeout=20).status_code == 200

    second = dev.start("demo", "--json")
    assert second.end() == 75
    assert f"`manage.py dev serve` (process {running.process.pid})" in second.err

    running.child("sandbox").kill()
    running.wait_for(lambda: "The sandbox process ended" in running.err)

    assert running.end(signal.SIGINT) == 0
    assert running.left_behind() == []
    kept = dev.directory / "admin_password"
    assert kept.read_text().strip() == password
    assert kept.stat().st_mode & 0o777 == 0o600
    logs = [log.read_text() for log in (dev.directory / "log").iterdir()]
    assert not any(password in text for text in [*logs, running.err])
