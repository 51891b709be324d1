"""The `.env` file: read strictly, whatever editor wrote it."""

import pytest

from syncplatform.dotenv import read_dotenv


@pytest.fixture
def read(tmp_path):
    def read(content: str | bytes):
        path = tmp_path / ".env"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_dotenv(path)

    return read


def test_no_file_means_no_variables(tmp_path):
    assert read_dotenv(tmp_path / ".env") == ({}, [])


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("NAME=value", "value"),
        ("NAME = value ", "value"),
        ("export NAME=value", "value"),
        ("  NAME=value", "value"),
        ("NAME=", ""),
        ("NAME=# nothing", ""),
        ("NAME=value # a comment", "value"),
        ("NAME=val#ue", "val#ue"),
        ("NAME=a=b", "a=b"),
        ("NAME='single # quoted'", "single # quoted"),
        ('NAME="double # quoted" # a comment', "double # quoted"),
        (r'NAME="a\"b\\c\nd"', 'a"b\\c\nd'),
        (r"NAME='a\nb'", r"a\nb"),
        (r"NAME=DOMAIN\user", r"DOMAIN\user"),
        ("NAME=$OTHER", "$OTHER"),
        ("NAME=it's", "it's"),
    ],
)
def test_a_line_is_read(read, line, value):
    assert read(line) == ({"NAME": value}, [])


def test_byte_order_mark_and_crlf_are_understood(read):
    assert read(b"\xef\xbb\xbfA=1\r\n\r\n# note\r\nB='2'\r\n") == ({"A": "1", "B": "2"}, [])


@pytest.mark.parametrize("line", ["nonsense", "=value", "1A=2", "A-B=2", 'A="open', "A='open", 'A="x" y'])
def test_a_line_that_is_not_understood_is_named_but_not_shown(read, line):
    values, problems = read(f"# first\n{line}\n")

    assert values == {}
    assert problems == [".env line 2: not understood. Expected: NAME=value, quotes closed."]


def test_a_name_may_stand_only_once(read):
    values, problems = read("A=1\nB=2\nA=1\n")

    assert values == {"A": "1", "B": "2"}
    assert problems == ["A: set twice in .env, in lines 1 and 3."]


def test_a_file_that_is_no_text_is_named(read):
    assert read(b"A=\xff\xfe") == ({}, [".env: cannot be read (not UTF-8 text)."])
