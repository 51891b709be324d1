"""A Django project with one view: what somebody would write in an afternoon."""

from syncplatform.settings import DATABASES, SECRET_KEY, USE_TZ

__all__ = ["DATABASES", "SECRET_KEY", "USE_TZ"]

DATABASES["default"]["CONN_HEALTH_CHECKS"] = False
ALLOWED_HOSTS = ["*"]
DEBUG = False
INSTALLED_APPS: list[str] = []
MIDDLEWARE: list[str] = []
ROOT_URLCONF = "benchmarks.hooks.reference"
