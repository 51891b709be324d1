"""Log records: one line each, secrets taken out, as text or JSON."""

import json
import logging
import logging.config
import sys

import pytest

from synclogs.redaction import RedactingFilter
from syncplatform.logs import JsonFormatter, OneLineFormatter, logging_config


@pytest.fixture
def record():
    try:
        raise RuntimeError("first\nsecond")
    except RuntimeError:
        info = sys.exc_info()
    made = logging.LogRecord("rooms.door", logging.ERROR, __file__, 1, "opened\n%s", ("twice",), info)
    made.run_id = 7
    return made


def test_a_record_is_one_line_of_text(record):
    line = OneLineFormatter("%(levelname)s %(message)s").format(record)

    assert line.startswith(r"ERROR opened\ntwice\nTraceback")
    assert "\n" not in line


def test_a_record_is_one_line_of_json(record):
    line = JsonFormatter().format(record)

    entry = json.loads(line)
    assert "\n" not in line
    assert (entry["level"], entry["logger"], entry["message"]) == ("ERROR", "rooms.door", "opened\ntwice")
    assert entry["run_id"] == 7
    assert entry["exception"].endswith("RuntimeError: first\nsecond")
    assert entry["time"].endswith("+00:00")


@pytest.mark.parametrize("form", ["text", "json"])
def test_every_handler_takes_secrets_out(form):
    configurator = logging.config.DictConfigurator(logging_config("INFO", form))
    configurator.config["filters"] = {
        name: configurator.configure_filter(value) for name, value in configurator.config["filters"].items()
    }
    configurator.config["formatters"] = {
        name: configurator.configure_formatter(value)
        for name, value in configurator.config["formatters"].items()
    }

    for config in configurator.config["handlers"].values():
        handler = configurator.configure_handler(config)
        assert any(isinstance(item, RedactingFilter) for item in handler.filters)


@pytest.mark.parametrize(("level", "quiet"), [("INFO", "WARNING"), ("DEBUG", "DEBUG"), ("ERROR", "ERROR")])
def test_the_queue_library_is_quieter_than_we_are(level, quiet):
    assert logging_config(level, "text")["loggers"]["django-q"]["level"] == quiet
