"""Reads a `.env` file: `NAME=value` lines, strictly, so that a slip is reported and never guessed at."""

import re
from pathlib import Path

LINE = re.compile(r"(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=\s*(?P<value>.*)")
DOUBLE_QUOTED = re.compile(r'"(?P<text>(?:[^"\\]|\\.)*)"\s*(?:#.*)?')
SINGLE_QUOTED = re.compile(r"'(?P<text>[^']*)'\s*(?:#.*)?")
ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


def read_dotenv(path: Path) -> tuple[dict[str, str], list[str]]:
    """The variables of the file at `path`, and what is wrong with it; both empty when there is no such file.

    A byte order mark, CRLF line ends, `export`, comments and quotes are understood. Double quotes know the
    escapes of a shell string, single quotes none. Nothing is expanded. A name may stand only once.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return {}, []
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        return {}, [f"{path.name}: cannot be read ({reason})."]
    values: dict[str, str] = {}
    lines: dict[str, int] = {}
    problems: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        match = LINE.fullmatch(stripped)
        value = _unquote(match["value"]) if match else None
        if match is None or value is None:
            problems.append(
                f"{path.name} line {number}: not understood. Expected: NAME=value, quotes closed."
            )
        elif match["name"] in values:
            name = match["name"]
            problems.append(f"{name}: set twice in {path.name}, in lines {lines[name]} and {number}.")
        else:
            values[match["name"]] = value
            lines[match["name"]] = number
    return values, problems


def _unquote(raw: str) -> str | None:
    if raw.startswith('"'):
        match = DOUBLE_QUOTED.fullmatch(raw)
        return re.sub(r"\\(.)", lambda m: ESCAPES.get(m[1], m[1]), match["text"]) if match else None
    if raw.startswith("'"):
        match = SINGLE_QUOTED.fullmatch(raw)
        return match["text"] if match else None
    return "" if raw.startswith("#") else re.split(r"\s#", raw, maxsplit=1)[0].rstrip()
