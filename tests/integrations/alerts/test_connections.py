"""Alerts before a consent ends."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.alerts.connections import check_consents
from integrations.models import Credential, CredentialStatus
from synclogs.models import Alert, AlertState
from tests.factories import CredentialFactory

pytestmark = pytest.mark.django_db


def consent(days: float, **options: object) -> Credential:
    ends = timezone.now() + timedelta(days=days)
    row: Credential = CredentialFactory(refresh_expires_at=ends, **options)
    return row


def codes() -> list[str]:
    return sorted(problem.error_code for problem in check_consents())


@pytest.mark.parametrize(
    ("days", "expected"),
    [(14.1, []), (13.9, ["consent_14"]), (7.1, ["consent_14"]), (6.9, ["consent_7"]), (0.9, ["consent_1"])],
)
def test_it_warns_14_7_and_1_days_before(days: float, expected: list[str]) -> None:
    consent(days)
    assert codes() == expected


def test_each_warning_is_one_alert_and_the_last_one_counts() -> None:
    credential = consent(13)
    codes()
    codes()
    credential.refresh_expires_at = timezone.now() + timedelta(days=6)
    credential.save()
    codes()
    states = dict(Alert.objects.values_list("error_code", "state"))
    assert states == {"consent_14": AlertState.RECOVERED, "consent_7": AlertState.OPEN}
    credential.refresh_expires_at = timezone.now() + timedelta(days=90)
    credential.save()
    codes()
    assert not Alert.objects.filter(state=AlertState.OPEN).exists()


def test_two_credentials_have_an_alert_each() -> None:
    first = consent(3, label="Monzo")
    consent(3, label="Monzo", account=first.account, external_id="other")
    codes()
    assert Alert.objects.count() == 2


def test_consents_that_ended_or_are_not_used_are_no_warning() -> None:
    consent(-1)
    consent(3, status=CredentialStatus.REVOKED)
    CredentialFactory()
    assert codes() == []
