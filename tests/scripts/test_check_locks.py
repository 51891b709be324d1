"""Lock files stay in step with what was asked for, and nobody needs a network to know."""

import pytest

from scripts import check_locks

LOCK = """\
django==5.2.1 ; python_version >= '3.10' \\
    --hash=sha256:aa
    # via
    #   -r requirements/base.in
    #   django-environ
sqlparse==0.6 \\
    --hash=sha256:bb
    # via django
"""


@pytest.fixture
def requirements(tmp_path):
    def write(source: str, lock: str | None):
        (tmp_path / "base.in").write_text(source)
        if lock is not None:
            (tmp_path / "base.lock").write_text(lock)
        return tmp_path

    return write


def test_our_own_are_in_step():
    assert check_locks.main() == 0


def test_one_in_step_passes(requirements):
    assert check_locks.main(requirements("# why\nDjango>=5.2,<5.3  # the framework\n", LOCK)) == 0


@pytest.mark.parametrize(
    ("source", "lock", "said"),
    [
        ("Django<5.3\nrequests\n", LOCK, "base.lock lacks requests"),
        ("Django>=6\n", LOCK, "base.lock pins django 5.2.1, but base.in wants Django>=6"),
        ("", LOCK, "base.lock keeps django, which nothing asks for"),
        ("Django\n", None, "base.lock is missing"),
        ("Django\n", LOCK.replace("    --hash=sha256:bb\n", ""), "base.lock has no hash for sqlparse"),
        ("Django\n", "--index-url https://pypi.example/simple\n" + LOCK, "base.lock names an index"),
    ],
)
def test_what_is_out_of_step_is_said(requirements, capsys, source, lock, said):
    assert check_locks.main(requirements(source, lock)) == 1
    assert said in capsys.readouterr().err


def test_locks_agree_with_each_other(requirements, capsys):
    directory = requirements("Django\n", LOCK)
    (directory / "dev.in").write_text("-r base.in\n")
    (directory / "dev.lock").write_text(LOCK.replace("5.2.1", "5.2.2"))

    assert check_locks.main(directory) == 1
    assert "dev.lock pins django 5.2.2, another lock 5.2.1" in capsys.readouterr().err
