#!/bin/sh
# Prints the first Python that is new enough: those named as arguments, then python3.13, 3.12 and 3.11.
set -eu

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

for candidate in "$@" python3.13 python3.12 python3.11; do
    if new_enough "$candidate"; then
        command -v "$candidate"
        exit 0
    fi
done
found=$("${1:-python3}" --version 2>&1) || found="none"
echo "syncplatform needs Python 3.11 or newer, and found ${found}." >&2
echo "Install python3.11 (or 3.12, 3.13), or name one: make install PYTHON=/path/to/python3.12" >&2
exit 1
