"""The search for a Python that is new enough."""

import subprocess
import sys

import pytest

from syncplatform.env import BASE_DIR

OLD = "#!/bin/sh\n[ \"$1\" = --version ] && echo 'Python 3.9.2' || exit 1\n"


@pytest.fixture
def find(tmp_path):
    def find(*arguments: str):
        command = ["/bin/sh", str(BASE_DIR / "scripts" / "find_python.sh"), *arguments]
        return subprocess.run(
            command, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
        )

    return find


def program(path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def test_the_named_one_is_taken_when_it_is_new_enough(find):
    assert find(sys.executable).stdout.strip() == sys.executable


def test_a_newer_one_is_found_beside_an_old_python3(find, tmp_path):
    program(tmp_path / "python3", OLD)
    program(tmp_path / "python3.12", f'#!/bin/sh\nexec {sys.executable} "$@"\n')

    assert find("python3").stdout.strip() == str(tmp_path / "python3.12")


def test_an_old_python_alone_is_refused_clearly(find, tmp_path):
    program(tmp_path / "python3", OLD)

    done = find("python3")

    assert done.returncode == 1
    assert "needs Python 3.11 or newer, and found Python 3.9.2" in done.stderr
