"""Whoever comes without encryption reads what to do; no redirect leads where nobody answers."""

import pytest

PAGES = ["/", "/k/4f9c0dd0a7e64f7d/", "/admin/", "/nowhere/"]


@pytest.fixture(autouse=True)
def by_tls_alone(settings):
    settings.SECURE_SSL_REDIRECT = True


@pytest.mark.parametrize("path", PAGES)
def test_a_request_without_encryption_is_answered_by_a_page_that_says_so(client, path):
    answer = client.get(path)

    words = answer.content.decode()
    assert answer.status_code == 403
    assert "请用加密网址打开" in words
    assert "came without encryption" in words
    assert 'href="https://vote.example.cn/"' in words
    assert "BEHIND_PROXY=1" in words
    assert "LAN_HTTP=1" in words
    assert answer.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_that_page_says_nothing_again_of_a_card(client):
    assert "4f9c0dd0a7e64f7d" not in client.get("/k/4f9c0dd0a7e64f7d/").content.decode()


def test_a_form_without_encryption_is_not_dealt_with(client):
    assert client.post("/", {"code": "1234"}).status_code == 403


def test_a_site_without_an_address_says_that_none_is_set(client, settings):
    settings.PUBLIC_URL = "http://127.0.0.1:8000"

    words = client.get("/").content.decode()

    assert "没有设置 <code>PUBLIC_URL" in words
    assert "127.0.0.1" not in words


@pytest.mark.django_db
def test_what_a_proxy_has_decrypted_is_served(client, settings):
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

    assert client.get("/", headers={"X-Forwarded-Proto": "https"}).status_code == 200
    assert client.get("/", headers={"X-Forwarded-Proto": "http"}).status_code == 403


@pytest.mark.django_db
def test_the_page_has_its_style_and_a_supervisor_its_answer(client):
    assert client.get("/readyz").status_code == 200
    assert client.get("/static/nothing.css").status_code == 404
