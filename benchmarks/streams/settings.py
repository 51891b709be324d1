"""The product's settings and the app of the benchmark."""

from syncplatform import settings as real

globals().update({name: value for name, value in vars(real).items() if name.isupper()})
INSTALLED_APPS = [*real.INSTALLED_APPS, "benchmarks.streams.customers"]
DEBUG = False
HTTP_ALLOW_LOOPBACK = True
