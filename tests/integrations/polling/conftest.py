"""The served diary and its connection, as staged jobs have them."""

from tests.integrations.jobs.committed import _empty_by_hand, committed  # noqa: F401
from tests.integrations.jobs.conftest import clock  # noqa: F401
from tests.integrations.jobs.staged.conftest import (  # noqa: F401
    _diary_is_known,
    _served,
    account,
    diary,
    fault,
    owner,
    vendor,
)
