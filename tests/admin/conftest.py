"""The desk that most of the office's pages are tested at."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.helpers.factories import make_office


@pytest.fixture
def clerk(db: None) -> User:
    return make_office()


@pytest.fixture
def desk(clerk, client) -> Client:
    """The browser of a member of the secretariat."""
    client.force_login(clerk)
    return client
