"""Checks, without a network, that each requirements/*.lock is in step with its .in file."""

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements"
PIN = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)")
WANTED_BY = re.compile(r"-r (?P<file>\S+\.in)")
INDEX = re.compile(r"^\s*(-i|--(extra-)?index-url|--find-links|-f)\b|https?://", re.MULTILINE)


@dataclass
class Lock:
    """What one lock file pins, and which of its packages an .in file asked for."""

    pins: dict[str, str] = field(default_factory=dict)
    hashed: set[str] = field(default_factory=set)
    wanted: set[str] = field(default_factory=set)


def read_lock(text: str) -> Lock:
    """Reads a lock file written by `make lock`."""
    lock, name = Lock(), ""
    for line in text.splitlines():
        pin = PIN.match(line)
        if pin:
            name = canonicalize_name(pin["name"])
            lock.pins[name] = pin["version"]
        elif "--hash=sha256:" in line:
            lock.hashed.add(name)
        elif WANTED_BY.search(line):
            lock.wanted.add(name)
    return lock


def read_inputs(path: Path) -> dict[str, Requirement]:
    """The requirements of an .in file and of those it includes, by canonical name."""
    found: dict[str, Requirement] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.split("#", 1)[0].strip()
        if text.startswith("-r "):
            found |= read_inputs(path.parent / text.removeprefix("-r ").strip())
        elif text:
            requirement = Requirement(text)
            found[canonicalize_name(requirement.name)] = requirement
    return found


def problems_of(source: Path, text: str) -> list[str]:
    """What is out of step between the .in file `source` and the `text` of its lock file."""
    lock, inputs, name = read_lock(text), read_inputs(source), source.with_suffix(".lock").name
    problems = [f"{name} names an index" for _ in INDEX.findall(text)[:1]]
    for package, requirement in inputs.items():
        version = lock.pins.get(package)
        if version is None:
            problems.append(f"{name} lacks {requirement}")
        elif not requirement.specifier.contains(version, prereleases=True):
            problems.append(f"{name} pins {package} {version}, but {source.name} wants {requirement}")
    problems += [f"{name} keeps {package}, which nothing asks for" for package in lock.wanted - inputs.keys()]
    problems += [f"{name} has no hash for {package}" for package in lock.pins.keys() - lock.hashed]
    return sorted(problems)


def main(directory: Path = REQUIREMENTS) -> int:
    """Prints what is out of step; returns 1 when anything is."""
    problems: list[str] = []
    versions: dict[str, str] = {}
    for source in sorted(directory.glob("*.in")):
        lock = source.with_suffix(".lock")
        if not lock.exists():
            problems.append(f"{lock.name} is missing")
            continue
        text = lock.read_text(encoding="utf-8")
        problems += problems_of(source, text)
        for package, version in read_lock(text).pins.items():
            if versions.setdefault(package, version) != version:
                problems.append(f"{lock.name} pins {package} {version}, another lock {versions[package]}")
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        print("Run `make lock`.", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
