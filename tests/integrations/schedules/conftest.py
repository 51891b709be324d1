"""The clock and the schedules for all tests of this folder."""

from tests.integrations.schedules.supervising import _rested, clock, schedules

__all__ = ["_rested", "clock", "schedules"]
