"""The platform's own environment variables, each declared once. Those of vendors are in `env_vendors`."""

from typing import Any

from syncplatform.env_kinds import DATABASE, FLAG, HEADER, INTEGER, ITEMS, NUMBER, ORIGINS, REDIS, URL
from syncplatform.env_reader import PROFILES, SERVERS, Variable

QUEUES = ("webhook", "high-priority", "fetch", "process", "workflows", "init", "default")
SECRET_KEY_LENGTH = 50
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
SQLITE = DATABASE.parse("sqlite:///var/db.sqlite3")


def _by_profile(development: Any, servers: Any) -> dict[str, Any]:
    return {"development": development, **dict.fromkeys(SERVERS, servers)}


CORE = (
    Variable(
        "ENVIRONMENT",
        "Which profile the defaults come from. Development needs no server and no other variable.",
        default="development",
        choices=PROFILES,
    ),
    Variable(
        "SECRET_KEY",
        "Signs sessions and queue entries: drain the queues before changing it. Random, with at least "
        f"{SECRET_KEY_LENGTH} characters, in qa and production.",
        secret=True,
        required_in=SERVERS,
        shown_default="in development made once and kept in var/secret_key",
    ),
    Variable(
        "FIELD_ENCRYPTION_KEYS",
        "Encrypt the secrets of connections: the first key encrypts, all decrypt. Each is 32 random bytes in "
        "URL-safe base64. `rotate_secrets` moves everything to the first.",
        kind=ITEMS,
        default=[],
        secret=True,
        required_in=SERVERS,
        shown_default="in development made once and kept in var/encryption_key",
    ),
    Variable(
        "DEBUG",
        "Shows full error pages. Refused in qa and production.",
        default=_by_profile(True, False),
        kind=FLAG,
    ),
    Variable(
        "ALLOWED_HOSTS",
        "Host names under which the site may be visited.",
        default=_by_profile(["localhost", ".localhost", "127.0.0.1", "[::1]"], []),
        kind=ITEMS,
        required_in=SERVERS,
    ),
    Variable(
        "CSRF_TRUSTED_ORIGINS",
        "Origins that may submit forms besides the site's own, for instance behind a proxy.",
        default=[],
        kind=ORIGINS,
    ),
    Variable(
        "SYNCPLATFORM_PROCESS",
        "What this process is. `run_workers` sets it for the processes it starts.",
        default="command",
        choices=("command", "web", "worker"),
    ),
    Variable(
        "SYNCPLATFORM_ENV_FILE",
        "The file to read variables from, relative to the project; `none` reads no file. "
        "Only looked for in the process environment.",
        default=".env",
    ),
)

STORES = (
    Variable(
        "DATABASE_URL",
        "The database: PostgreSQL, or in development also SQLite. A relative path starts at the project. "
        "Escape special characters of the password as in any URL.",
        default={"development": SQLITE},
        kind=DATABASE,
        required_in=SERVERS,
        secret=True,
        shown_default="sqlite:///var/db.sqlite3 in development",
    ),
    Variable(
        "DATABASE_POOL",
        "Uses a connection pool in the web process (PostgreSQL only). Refused in workers, whose forks would "
        "share its sockets.",
        default=False,
        kind=FLAG,
    ),
    Variable(
        "REDIS_URL",
        "Redis: the cache, and the queue's broker where QUEUE_BROKER says so. Development needs none.",
        default="",
        kind=REDIS,
        required_in=SERVERS,
        secret=True,
    ),
    Variable(
        "CACHE_KEY_PREFIX",
        "Starts every cache key, so that several installations can share one Redis.",
        default="syncplatform",
    ),
)

WEB = (
    Variable(
        "SITE_URL",
        "Where the site is reached from outside, without a path: what vendors are told to call.",
        default={"development": "http://localhost:8000", "qa": "", "production": ""},
        kind=URL,
    ),
    Variable(
        "SECURE_SSL_REDIRECT",
        "Sends plain http requests to https.",
        default=_by_profile(False, True),
        kind=FLAG,
    ),
    Variable(
        "SECURE_PROXY_SSL_HEADER",
        "The header by which a trusted proxy says that a request came by https. Set it only when the proxy "
        "always overwrites that header.",
        kind=HEADER,
    ),
    Variable(
        "SECURE_HSTS_SECONDS",
        "How long browsers insist on https.",
        default={"development": 0, "qa": 3600, "production": 31_536_000},
        kind=INTEGER,
        minimum=0,
    ),
    Variable(
        "SECURE_HSTS_INCLUDE_SUBDOMAINS",
        "Extends that to all subdomains.",
        default=_by_profile(False, True),
        kind=FLAG,
    ),
    Variable(
        "SECURE_HSTS_PRELOAD",
        "Allows browsers to ship with that rule.",
        default=_by_profile(False, True),
        kind=FLAG,
    ),
)

SERVER = (
    Variable(
        "WEB_BIND",
        "Where the web server listens: host:port, or unix:/path.",
        default="127.0.0.1:8000",
    ),
    Variable(
        "WEB_WORKERS",
        "Processes of the web server.",
        default=2,
        kind=INTEGER,
        minimum=1,
        maximum=128,
    ),
    Variable(
        "WEB_HEAD_SECONDS",
        "A connection whose request line and headers take longer is closed.",
        default=10.0,
        kind=NUMBER,
        minimum=0.1,
    ),
)

WEBHOOKS = (
    Variable(
        "WEBHOOK_THREADS",
        "Deliveries that one web process stores at a time; each keeps a database connection.",
        default=4,
        kind=INTEGER,
        minimum=1,
        maximum=64,
    ),
    Variable(
        "WEBHOOK_IDLE_SECONDS",
        "A sender that sends nothing of its body for so long is cut off.",
        default=10.0,
        kind=NUMBER,
        minimum=0.1,
    ),
    Variable(
        "WEBHOOK_BODY_SECONDS",
        "The longest time that a whole body may take.",
        default=300.0,
        kind=NUMBER,
        minimum=0.1,
    ),
    Variable(
        "WEBHOOK_KEY_SECONDS",
        "How long a web process believes in a key and its credential's secrets after it looked them up. "
        "Until then one that was retired or disabled still takes deliveries.",
        default=5.0,
        kind=NUMBER,
        minimum=0,
        maximum=300,
    ),
    Variable(
        "WEBHOOK_MAX_HEADER_BYTES",
        "Longer headers are refused.",
        default=16_384,
        kind=INTEGER,
        minimum=1024,
        maximum=65_536,
    ),
)

LOGGING = (
    Variable("LOG_LEVEL", "The least severe records to print.", default="INFO", choices=LOG_LEVELS),
    Variable(
        "LOG_FORMAT",
        "How a record is printed, in one line either way.",
        default="text",
        choices=("text", "json"),
    ),
)


def _queue_workers(queue: str, default: int) -> Variable:
    name = queue.upper().replace("-", "_")
    return Variable(
        f"QUEUE_WORKERS_{name}",
        f"Worker processes of the `{queue}` cluster, when there is one cluster a queue.",
        default=default,
        kind=INTEGER,
        minimum=1,
        maximum=256,
    )


JOBS = (
    Variable(
        "QUEUE_BROKER",
        "What carries job ids to the workers. The database enqueues in the transaction that creates the job; "
        "redis needs REDIS_URL.",
        default="orm",
        choices=("orm", "redis"),
    ),
    Variable(
        "QUEUE_CLUSTERS",
        "One cluster that serves all queues, priority being a head start, or one cluster a queue. "
        "`auto` is single with the orm broker and per_queue with redis, which knows no other.",
        default="auto",
        choices=("auto", "single", "per_queue"),
    ),
    Variable(
        "QUEUE_WORKERS",
        "Worker processes when one cluster serves all queues.",
        default=2,
        kind=INTEGER,
        minimum=1,
        maximum=256,
    ),
    *(_queue_workers(queue, 2 if queue in {"fetch", "process", "default"} else 1) for queue in QUEUES),
    Variable(
        "JOB_LEASE_SECONDS",
        "How long a job stays its worker's without a sign of life; renewed each quarter of it. Write "
        "transactions must stay below a quarter too.",
        default=60.0,
        kind=NUMBER,
        minimum=0.5,
        maximum=3600,
    ),
    Variable(
        "JOB_HEARTBEAT_SECONDS",
        "A cluster without a heartbeat for this long is stopped and started again.",
        default=30.0,
        kind=NUMBER,
        minimum=1,
        maximum=3600,
    ),
    Variable(
        "JOB_STOP_GRACE_SECONDS",
        "How long running jobs may take to end when the workers are told to stop; what is left is killed, "
        "and its jobs run again.",
        default=30.0,
        kind=NUMBER,
        minimum=0,
        maximum=86_400,
    ),
    Variable(
        "JOB_POISON_DELIVERIES",
        "A job started this often without a reported end is parked as failed.",
        default=5,
        kind=INTEGER,
        minimum=1,
        maximum=100,
    ),
    Variable(
        "JOB_POSTPONE_CAP_HOURS",
        "A job postponed for longer than this in all is failed.",
        default=48.0,
        kind=NUMBER,
        minimum=0.1,
    ),
)

HTTP = (
    Variable(
        "HTTP_ALLOW_LOOPBACK",
        "Allows calls to vendors on this machine, such as the sandbox. Refused in production.",
        default=_by_profile(True, False),
        kind=FLAG,
    ),
    Variable(
        "HTTP_ALLOWED_PRIVATE_HOSTS",
        "Hosts with private addresses that may be called all the same.",
        default=[],
        kind=ITEMS,
    ),
    Variable(
        "RATE_LIMIT_SHARE",
        "Which part of the limits that a vendor states may be used; the rest is left to other clients.",
        default=0.8,
        kind=NUMBER,
        minimum=0.01,
        maximum=1,
    ),
)
