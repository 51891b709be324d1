"""The product's settings, with the providers of these tests."""

from syncplatform import settings as real

globals().update({name: value for name, value in vars(real).items() if name.isupper()})
INSTALLED_APPS = [*real.INSTALLED_APPS, "tests.integrations.webhooks"]
