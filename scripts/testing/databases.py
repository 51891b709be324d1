"""The PostgreSQL and Redis that tests use: named in the environment, found on this machine, or our own."""

import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
import redis
from psycopg import sql

from scripts.testing.own_servers import own_postgres, own_redis

MAY_CREATE = "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
CLAIM = "syncplatform:tests:claimed"
CLAIM_SECONDS = 3600
DEFAULT_DATABASES = 16


class Unusable(Exception):
    """A server that was named for the tests cannot serve them."""


@dataclass(frozen=True)
class Servers:
    """Where the tests of one run find PostgreSQL and Redis.

    Attributes:
        database_url: A database name that is free, on a server where databases may be created.
        redis_urls: One Redis database for each test process.
        described: Both in words.
    """

    database_url: str
    redis_urls: Sequence[str]
    described: str


@contextmanager
def servers(environ: Mapping[str, str], processes: int, *, own: bool) -> Iterator[Servers]:
    """Finds or starts both servers for as many test `processes`; cleans up what the tests left there.

    Raises:
        Unusable: when a server named in `environ` does not answer or allows too little.
    """
    with ExitStack() as stack:
        postgres, postgres_from = None if own else _found_postgres(environ), "the machine's"
        if postgres is None:
            postgres, postgres_from = stack.enter_context(own_postgres()).url, "our own"
        cache, cache_from = None if own else _found_redis(environ), "the machine's"
        urls = stack.enter_context(_claimed(cache, processes)) if cache else []
        if not cache or len(urls) < processes:
            cache, cache_from = stack.enter_context(own_redis()).url, "our own"
            urls = stack.enter_context(_claimed(cache, processes))
        name = f"syncplatform_{os.getpid()}_{secrets.token_hex(3)}"
        stack.callback(_drop_databases, postgres, f"test_{name}")
        described = f"PostgreSQL at {_address(postgres)} ({postgres_from}), "
        described += f"Redis at {_address(cache)} ({cache_from})"
        yield Servers(_with_path(postgres, name), urls, described)


def _found_postgres(environ: Mapping[str, str]) -> str | None:
    named = environ.get("TEST_DATABASE_URL")
    if named:
        problem = _postgres_problem(named)
        if problem:
            raise Unusable(f"TEST_DATABASE_URL cannot be used: {problem}")
        return named
    host, port = environ.get("PGHOST", "127.0.0.1"), environ.get("PGPORT", "5432")
    users = [environ["PGUSER"]] if "PGUSER" in environ else ["postgres", environ.get("USER", "root")]
    password = f":{quote(environ['PGPASSWORD'], safe='')}" if "PGPASSWORD" in environ else ""
    where = f"{quote(host, safe='')}:{port}/{environ.get('PGDATABASE', 'postgres')}"
    urls = [f"postgres://{quote(user, safe='')}{password}@{where}" for user in users]
    return next((url for url in urls if _postgres_problem(url) is None), None)


def _postgres_problem(url: str) -> str | None:
    try:
        with psycopg.connect(url, connect_timeout=3) as connection:
            row = connection.execute(MAY_CREATE).fetchone()
    except psycopg.Error as error:
        return str(error).strip().splitlines()[0]
    return None if row and row[0] else "its user may not create databases"


def _drop_databases(url: str, prefix: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        rows = connection.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [prefix])
        for (name,) in rows.fetchall():
            drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            connection.execute(drop)


def _found_redis(environ: Mapping[str, str]) -> str | None:
    named = environ.get("TEST_REDIS_URL")
    url = named or "redis://127.0.0.1:6379/0"
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=3, socket_timeout=3) as client:
            client.dbsize()
    except redis.RedisError as error:
        if named:
            raise Unusable(f"TEST_REDIS_URL cannot be used: {error}") from error
        return None
    return url


@contextmanager
def _claimed(url: str, count: int) -> Iterator[list[str]]:
    """Takes up to `count` empty databases of Redis, the highest first, and empties those at the end."""
    claimed: list[str] = []
    try:
        for number in range(_redis_databases(url) - 1, -1, -1):
            candidate = _with_path(url, str(number))
            if len(claimed) < count and _claim(candidate):
                claimed.append(candidate)
        yield claimed
    finally:
        for candidate in claimed:
            with redis.Redis.from_url(candidate) as client:
                client.flushdb()


def _redis_databases(url: str) -> int:
    with redis.Redis.from_url(url) as client:
        try:
            return int(client.config_get("databases")["databases"])
        except (redis.RedisError, KeyError):
            return DEFAULT_DATABASES


def _claim(url: str) -> bool:
    with redis.Redis.from_url(url) as client:
        if client.dbsize() or not client.set(CLAIM, os.getpid(), nx=True, ex=CLAIM_SECONDS):
            return False
        return bool(client.dbsize() == 1)


def _with_path(url: str, path: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{path}"))


def _address(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]
