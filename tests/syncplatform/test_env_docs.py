"""The documents that list all variables say exactly what is declared."""

import re

import pytest

from syncplatform.dotenv import read_dotenv
from syncplatform.env import BASE_DIR, GROUPS, VARIABLES
from syncplatform.env_docs import documents


@pytest.mark.parametrize("path", [".env.example", "docs/configuration.md"])
def test_the_document_matches_the_declarations(path):
    written = (BASE_DIR / path).read_text(encoding="utf-8")

    assert written == documents(GROUPS)[path], "run: python -m syncplatform.env --write"


def test_every_variable_is_declared_once_and_explained():
    names = [variable.name for variable in VARIABLES]

    assert len(names) == len(set(names))
    assert all(variable.help.endswith(".") for variable in VARIABLES)


def test_the_example_works_when_it_is_copied(tmp_path):
    example = (BASE_DIR / ".env.example").read_text(encoding="utf-8")
    uncommented = re.sub(r"^#(?=[A-Z_]+=)", "", example, flags=re.MULTILINE)
    (tmp_path / ".env").write_text(uncommented, encoding="utf-8")

    values, problems = read_dotenv(tmp_path / ".env")

    assert problems == []
    assert set(values) == {variable.name for variable in VARIABLES}
    for variable in VARIABLES:
        if values[variable.name]:
            assert variable.parse(values[variable.name]) == variable.default_for("development")
