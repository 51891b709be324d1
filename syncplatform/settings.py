"""Django's settings. Everything that differs between installations comes from `syncplatform.env`."""

from contextlib import suppress
from typing import Any

import django_stubs_ext

from syncplatform import databases, queues
from syncplatform.env import BASE_DIR, PROVIDER_GROUPS, VARIABLES, load
from syncplatform.logs import logging_config
from syncplatform.secret_key import development_encryption_key, development_secret_key
from syncplatform.unfold import UNFOLD

__all__ = ["BASE_DIR", "UNFOLD"]

django_stubs_ext.monkeypatch()  # lets type annotations subscript Django's generic classes at run time

env = load()
ENVIRONMENT: str = env["ENVIRONMENT"]
SYNCPLATFORM_PROCESS: str = env["SYNCPLATFORM_PROCESS"]
VAR_DIR = BASE_DIR / "var"
if ENVIRONMENT == "development":
    with suppress(OSError):
        VAR_DIR.mkdir(exist_ok=True)

# Basics
SECRET_KEY: str = env["SECRET_KEY"] or development_secret_key(VAR_DIR / "secret_key")
SECRETS: list[str] = [SECRET_KEY, *env.secrets(VARIABLES)]
FIELD_ENCRYPTION_KEYS: list[str] = env["FIELD_ENCRYPTION_KEYS"] or [
    development_encryption_key(VAR_DIR / "encryption_key")
]
DEBUG: bool = env["DEBUG"]
ALLOWED_HOSTS: list[str] = env["ALLOWED_HOSTS"]
CSRF_TRUSTED_ORIGINS: list[str] = env["CSRF_TRUSTED_ORIGINS"]
ROOT_URLCONF = "syncplatform.urls"
WSGI_APPLICATION = "syncplatform.wsgi.application"
ASGI_APPLICATION = "syncplatform.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_q",
    "accounts",
    "synclogs",
    "integrations",
    "integrations.providers.apple_health",
    "integrations.providers.servicetitan",
    "integrations.providers.monzo",
    "circuits",
    "integrations.providers.zuora",
    "integrations.providers.hevy",
    "operations",
    "syncplatform",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "syncplatform.static_files.StaticFiles",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# Database and cache
DATABASES = {"default": databases.database(env["DATABASE_URL"], BASE_DIR, pool=env["DATABASE_POOL"])}
REDIS_URL: str = env["REDIS_URL"]
CACHES = {"default": databases.cache(REDIS_URL, env["CACHE_KEY_PREFIX"])}

# Users
AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

# Language and time: the database holds UTC, people see the office's time
LANGUAGE_CODE = "en-us"
USE_I18N = True
USE_TZ = True
TIME_ZONE = queues.TIME_ZONE

# Static files
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
WHITENOISE_USE_FINDERS = ENVIRONMENT == "development"
STATIC_STORAGE = (
    "django.contrib.staticfiles.storage.StaticFilesStorage"
    if ENVIRONMENT == "development"
    else "whitenoise.storage.CompressedManifestStaticFilesStorage"
)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": STATIC_STORAGE},
}

# Security
SECURE_COOKIES = ENVIRONMENT != "development"
SESSION_COOKIE_SECURE = SECURE_COOKIES
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = SECURE_COOKIES
CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_SSL_REDIRECT: bool = env["SECURE_SSL_REDIRECT"]
SECURE_PROXY_SSL_HEADER: tuple[str, str] | None = env["SECURE_PROXY_SSL_HEADER"]
SECURE_HSTS_SECONDS: int = env["SECURE_HSTS_SECONDS"]
SECURE_HSTS_INCLUDE_SUBDOMAINS: bool = env["SECURE_HSTS_INCLUDE_SUBDOMAINS"]
SECURE_HSTS_PRELOAD: bool = env["SECURE_HSTS_PRELOAD"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000
DATA_UPLOAD_MAX_NUMBER_FILES = 10
FILE_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

# Web server
WEB_BIND: str = env["WEB_BIND"]
WEB_WORKERS: int = env["WEB_WORKERS"]
WEB_HEAD_SECONDS: float = env["WEB_HEAD_SECONDS"]

# Webhooks
SITE_URL: str = env["SITE_URL"]
WEBHOOK_THREADS: int = env["WEBHOOK_THREADS"]
WEBHOOK_IDLE_SECONDS: float = env["WEBHOOK_IDLE_SECONDS"]
WEBHOOK_BODY_SECONDS: float = env["WEBHOOK_BODY_SECONDS"]
WEBHOOK_KEY_SECONDS: float = env["WEBHOOK_KEY_SECONDS"]
WEBHOOK_MAX_HEADER_BYTES: int = env["WEBHOOK_MAX_HEADER_BYTES"]

# Logging
LOGGING = logging_config(env["LOG_LEVEL"], env["LOG_FORMAT"])

# Queues and jobs
QUEUE_BROKER: str = env["QUEUE_BROKER"]
QUEUE_CLUSTERS: str = queues.clusters(env)
Q_CLUSTER = queues.q_cluster(env)
JOB_LEASE_SECONDS: float = env["JOB_LEASE_SECONDS"]
JOB_HEARTBEAT_SECONDS: float = env["JOB_HEARTBEAT_SECONDS"]
JOB_STOP_GRACE_SECONDS: float = env["JOB_STOP_GRACE_SECONDS"]
JOB_POISON_DELIVERIES: int = env["JOB_POISON_DELIVERIES"]
JOB_POSTPONE_CAP_HOURS: float = env["JOB_POSTPONE_CAP_HOURS"]

# Calls to vendors
HTTP_ALLOW_LOOPBACK: bool = env["HTTP_ALLOW_LOOPBACK"]
RATE_LIMIT_SHARE: float = env["RATE_LIMIT_SHARE"]
HTTP_ALLOWED_PRIVATE_HOSTS: list[str] = env["HTTP_ALLOWED_PRIVATE_HOSTS"]

# Metrics
STATSD_HOST: str = env["STATSD_HOST"]
STATSD_PORT: int = env["STATSD_PORT"]
STATSD_BACKEND: str = env["STATSD_BACKEND"]

# Notifications
ALERT_EMAILS: list[str] = env["ALERT_EMAILS"]
ALERT_WEBHOOK_URL: str = env["ALERT_WEBHOOK_URL"]
ALERT_WEBHOOK_SECRET: str = env["ALERT_WEBHOOK_SECRET"]
ALERT_COOLDOWN_S: int = env["ALERT_COOLDOWN_S"]
COMMAND_NOTIFY_EMAILS: list[str] = env["COMMAND_NOTIFY_EMAILS"]
EMAIL_HOST: str = env["EMAIL_HOST"]
EMAIL_PORT: int = env["EMAIL_PORT"]
EMAIL_HOST_USER: str = env["EMAIL_HOST_USER"]
EMAIL_HOST_PASSWORD: str = env["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS: bool = env["EMAIL_USE_TLS"]
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL: str = env["DEFAULT_FROM_EMAIL"]

# Retention, in days
RETENTION_JOBS_DAYS: float = env["RETENTION_JOBS_DAYS"]
RETENTION_FAILED_JOBS_DAYS: float = env["RETENTION_FAILED_JOBS_DAYS"]
RETENTION_RUNS_DAYS: float = env["RETENTION_RUNS_DAYS"]
RETENTION_COMMANDS_DAYS: float = env["RETENTION_COMMANDS_DAYS"]
RETENTION_ALERTS_DAYS: float = env["RETENTION_ALERTS_DAYS"]
RETENTION_LIVE_EVENTS_DAYS: float = env["RETENTION_LIVE_EVENTS_DAYS"]
RETENTION_RAW_PAYLOADS_DAYS: float = env["RETENTION_RAW_PAYLOADS_DAYS"]
RETENTION_WEBHOOKS_DAYS: float = env["RETENTION_WEBHOOKS_DAYS"]
RETENTION_REFUSED_WEBHOOKS_DAYS: float = env["RETENTION_REFUSED_WEBHOOKS_DAYS"]
RETENTION_AUTHORIZATIONS_DAYS: float = env["RETENTION_AUTHORIZATIONS_DAYS"]
RETENTION_QUEUE_RESULTS_DAYS: float = env["RETENTION_QUEUE_RESULTS_DAYS"]

# WorkStudio
WORKSTUDIO_API_URL: str = env["WORKSTUDIO_API_URL"]
WORKSTUDIO_USERNAME: str = env["WORKSTUDIO_USERNAME"]
WORKSTUDIO_PASSWORD: str = env["WORKSTUDIO_PASSWORD"]
WORKSTUDIO_VERIFY_TLS: bool = env["WORKSTUDIO_VERIFY_TLS"]
WORKSTUDIO_CA_BUNDLE: str = env["WORKSTUDIO_CA_BUNDLE"]
WORKSTUDIO_TIMEOUT: float = env["WORKSTUDIO_TIMEOUT"]
WORKSTUDIO_CONNECT_TIMEOUT: float = env["WORKSTUDIO_CONNECT_TIMEOUT"]
WORKSTUDIO_MAX_RETRIES: int = env["WORKSTUDIO_MAX_RETRIES"]
WORKSTUDIO_CALLS_BEFORE_DELAY: int = env["WORKSTUDIO_CALLS_BEFORE_DELAY"]
WORKSTUDIO_RATE_LIMIT_DELAY: int = env["WORKSTUDIO_RATE_LIMIT_DELAY"]
WORKSTUDIO_MAX_BODY_MB: int = env["WORKSTUDIO_MAX_BODY_MB"]
WORKSTUDIO_SCHEDULE_AGGREGATES: bool = env["WORKSTUDIO_SCHEDULE_AGGREGATES"]
WORKSTUDIO_HEALTH_CHECK: str = env["WORKSTUDIO_HEALTH_CHECK"]
WORKSTUDIO_VIEW_VEGETATION_ASSESSMENTS: str = env["WORKSTUDIO_VIEW_VEGETATION_ASSESSMENTS"]
WORKSTUDIO_VIEW_PLANNED_UNITS: str = env["WORKSTUDIO_VIEW_PLANNED_UNITS"]
WORKSTUDIO_PLANNER_EXCLUSIONS: list[str] = env["WORKSTUDIO_PLANNER_EXCLUSIONS"]

# Providers: each variable of `integrations/providers/*/variables.py` is a setting of the same name
globals().update(
    {variable.name: env[variable.name] for group in PROVIDER_GROUPS.values() for variable in group}
)
