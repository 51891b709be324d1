"""The guard that keeps tests on this machine."""

import pytest

from tests.conftest import is_local


@pytest.mark.parametrize(
    "address",
    ["/run/socket", ("127.0.0.1", 80), ("127.8.8.8", 80), ("::1", 80, 0, 0), ("localhost", 1)],
)
def test_this_machine_is_local(address):
    assert is_local(address)


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("example.com", 80), ("2001:db8::1", 80, 0, 0)])
def test_other_machines_are_not(address):
    assert not is_local(address)
