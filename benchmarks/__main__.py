"""The command line: `python -m benchmarks [NAME] [options]`; without a name it measures circuits."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

MODULES = {
    "circuits": "benchmarks.circuits_command",
    "health": "benchmarks.health",
    "queue": "benchmarks.queue",
    "streams": "benchmarks.streams.command",
    "servicetitan": "benchmarks.servicetitan",
    "webhooks": "benchmarks.webhooks",
}
DEFAULT = "circuits"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark of that name with the other arguments; returns its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or (arguments[0].startswith("-") and arguments[0] not in ("-h", "--help")):
        arguments.insert(0, DEFAULT)
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measures the product on real input. `python -m benchmarks NAME --help` has the options.",
    )
    parser.add_argument("name", choices=MODULES, help=f"what to measure (default: {DEFAULT})")
    name: str = parser.parse_args(arguments[:1]).name
    code: int = import_module(MODULES[name]).main(arguments[1:])
    return code


if __name__ == "__main__":
    sys.exit(main())
