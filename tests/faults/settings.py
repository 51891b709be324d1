"""The settings of the processes that these tests start: the real ones, and job classes made to be killed.

The job classes come with the app `tests.faults`, whose `provider.py` is found as any provider's is; an
installation that does not list the app does not know them.
"""

from syncplatform import settings as real

globals().update({name: value for name, value in vars(real).items() if name.isupper()})
INSTALLED_APPS = [*real.INSTALLED_APPS, "tests.faults"]
