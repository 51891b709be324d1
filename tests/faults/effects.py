"""What jobs under test leave behind: a plain table, so that an effect done twice is two rows."""

from collections import Counter

from django.db import connection

CREATE = "CREATE TABLE IF NOT EXISTS fault_effects (job varchar(32), part varchar(40))"


def create_table() -> None:
    """Makes the table, empty."""
    with connection.cursor() as cursor:
        cursor.execute(CREATE)
        cursor.execute("DELETE FROM fault_effects")


def drop_table() -> None:
    """Takes the table away."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS fault_effects")


def add(job: object, part: object) -> None:
    """Leaves one effect behind, in the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO fault_effects (job, part) VALUES (%s, %s)", [str(job)[:32], str(part)])


def counted() -> Counter[tuple[str, str]]:
    """How often each effect was done."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT job, part FROM fault_effects")
        return Counter((job, part) for job, part in cursor.fetchall())
