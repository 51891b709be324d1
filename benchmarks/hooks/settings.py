"""The product's settings and the vendor of this benchmark."""

from syncplatform import settings as real

globals().update({name: value for name, value in vars(real).items() if name.isupper()})
INSTALLED_APPS = [*real.INSTALLED_APPS, "benchmarks.hooks"]
