"""Signing in with a card's code or its QR address, and signing out."""

import logging
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ballots.acts import cards, lifecycle, sign_in
from ballots.facts.keyed import key_check
from ballots.models import AccessCard, Session
from ballots.pure import card_code
from ballots.sessions import SessionStore
from tests.helpers.browsing import read, signed_in
from tests.helpers.factories import Stage, make_stage, selection, stage_without
from tests.helpers.secrecy import where

pytestmark = pytest.mark.django_db


@pytest.fixture
def issued(stage):
    """The first delegate's card, as printed."""
    return stage.issued[0]


def test_the_code_signs_in_however_it_is_typed(client, issued):
    spellings = [
        issued.code,
        card_code.grouped(issued.code),
        "-".join(issued.code),
        f"  {issued.code}\t",
        issued.code.translate(str.maketrans("0123456789", "０１２３４５６７８９")),
    ]
    for typed in spellings:
        reply = client.post("/", {"code": typed})
        assert (reply.status_code, reply["Location"]) == (303, "/home/")


def test_the_address_of_a_card_typed_for_its_code_is_said_to_be_one_and_never_repeated(
    client, issued
):
    reply = client.post("/", {"code": f"https://vote.example/K/{issued.token}"})

    assert reply.status_code == 422
    assert "这是投票卡上的网址，请直接打开它，或输入16位投票码。" in reply.text
    assert issued.token not in reply.text


def test_home_greets_the_delegate_by_name(stage):
    page = read(signed_in(stage, 2).get("/home/"))

    assert "代表3代表，您好" in page.text


def test_signing_in_changes_the_session_id(client, issued):
    browser = client.session
    browser["planted"] = True
    browser.save()
    client.cookies["session"] = browser.session_key

    client.post("/", {"code": issued.code})

    assert client.session.session_key != browser.session_key
    assert not Session.objects.filter(pk=browser.session_key).exists()


def test_signing_in_changes_the_token_that_forms_carry(client, issued, settings):
    client.get("/")
    before = client.cookies[settings.CSRF_COOKIE_NAME].value

    client.post("/", {"code": issued.code})

    assert client.cookies[settings.CSRF_COOKIE_NAME].value != before


def test_a_code_that_cannot_be_right_is_said_so_and_kept(client, issued):
    wrong_digit = issued.code[:-1] + str((int(issued.code[-1]) + 1) % 10)
    for typed, words in [
        ("", "请输入投票码"),
        ("0127 4821", "投票码应为16位数字，您输入了8位"),
        (wrong_digit, "投票码有误，请对照投票卡逐组核对"),
        (card_code.new_code("9999"), "没有找到该投票码"),
        ("1\0", "投票码应为16位数字，您输入了"),
    ]:
        reply = client.post("/", {"code": typed})
        assert reply.status_code == 422
        assert reply.text.count(words) == 2, "once in the summary, once beside the field"
        assert reply.context["typed"] == card_code.regrouped(typed)
        assert "<title>错误：进入 - 民生实事项目票决</title>" in reply.text
        assert 'aria-invalid="true"' in reply.text
    assert not Session.objects.exists()


def test_a_mistyped_code_comes_back_in_the_groups_of_the_card(client):
    for typed, shown in [
        ("0127482109375526", "0127 4821 0937 5526"),
        ("0127-4821 09375", "0127 4821 0937 5"),
        ("０１２７４８２１", "0127 4821"),
        ("0127 482I", "0127 482I"),
    ]:
        assert client.post("/", {"code": typed}).context["typed"] == shown


def test_a_tablet_says_what_can_be_done_on_a_tablet(client):
    assert "微信" in client.get("/").text
    client.cookies["tablet"] = "1"

    text = client.get("/").text

    assert "请输入投票卡上的16位投票码。" in text
    assert "微信" not in text
    assert "在浏览器打开" not in text


def test_a_card_that_was_replaced_says_so(client, stage, issued):
    cards.reissue_card(stage.delegates[0], reason="遗失", by=stage.office, second=stage.scrutineer)

    reply = client.post("/", {"code": issued.code})

    assert reply.status_code == 422
    assert "该投票卡已作废，请到会务组领取新卡" in reply.text


def test_too_many_attempts_are_told_to_wait(client, stage, issued):
    number = issued.code[: card_code.CARD_NUMBER_LENGTH]
    for _ in range(sign_in.FREE_FAILURES):
        assert client.post("/", {"code": card_code.new_code(number)}).status_code == 422

    reply = client.post("/", {"code": issued.code})

    assert reply.status_code == 429
    assert reply["Retry-After"] == "60"
    assert "请稍后再试" in reply.text
    assert "尝试次数较多，请1分钟后再试。" in reply.text
    assert Client().post("/", {"code": stage.issued[1].code}).status_code == 303


def test_a_qr_address_only_shows_whose_card_it_is(client, issued):
    for path in (f"/k/{issued.token}/", f"/K/{issued.token}/", f"/k/{issued.token.lower()}/"):
        page = read(client.get(path))
        assert page.status == 200
        assert all(word in page.text for word in ("核对身份", "代表1", "城区代表团", "001"))
    client.head(f"/k/{issued.token}/")

    assert "session" not in client.cookies
    assert not Session.objects.exists()
    assert client.get("/home/").status_code == 303


def test_the_post_to_the_qr_address_signs_in_and_leads_to_the_ballot(client, issued):
    reply = client.post(f"/k/{issued.token}/")

    assert (reply.status_code, reply["Location"]) == (303, "/ballot/")
    assert client.get("/ballot/").status_code == 200


def test_the_ballot_that_was_asked_for_is_the_one_that_a_card_leads_to(client, stage, issued):
    make_stage(delegates=1, delegates_total=9)

    assert client.post(f"/k/{issued.token}/")["Location"] == "/home/", "which asks for one of two"
    query = f"?poll={stage.poll.pk}"
    assert client.post(f"/k/{issued.token}/{query}")["Location"] == f"/ballot/{query}"
    assert client.post(f"/k/{issued.token}/?poll=999")["Location"] == "/home/?poll=999"


def pause(stage):
    lifecycle.pause_poll(stage.poll, reason="停电", by=stage.office)


def cast(stage):
    stage.cast(0, selection(1))


@pytest.mark.parametrize("step", [pause, cast, Stage.close])
def test_a_card_leads_home_where_its_ballot_cannot_be_cast_now(client, stage, issued, step):
    step(stage)

    assert client.post(f"/k/{issued.token}/")["Location"] == "/home/"
    assert client.get(f"/k/{issued.token}/")["Location"] == "/home/"


def test_whoever_has_not_reported_yet_is_told_so_at_home_first(client, db):
    held = stage_without("001")

    assert client.post(f"/k/{held.issued[0].token}/")["Location"] == "/home/"
    assert "您尚未报到" in client.get("/home/").text


def test_a_card_that_is_scanned_again_goes_on_where_its_delegate_was(client, stage, issued):
    neighbour = stage.issued[1]
    client.post(f"/k/{issued.token}/")

    again = client.get(f"/k/{issued.token}/")
    assert (again.status_code, again["Location"]) == (303, "/ballot/")
    other = client.get(f"/k/{neighbour.token}/")
    assert other.status_code == 200, "somebody else's card is looked at first"
    assert neighbour.delegate.name in other.text


def test_the_form_of_the_qr_page_goes_back_to_its_own_address(client, issued):
    page = read(client.get(f"/K/{issued.token}/"))

    assert [form.method for form in page.forms if form.action.endswith(f"/K/{issued.token}/")]


def test_somebody_elses_card_signs_nobody_in(client, issued):
    reply = client.post(f"/k/{issued.token}/", {"not-mine": "1"})

    assert reply.status_code == 200
    assert "此卡不属于您。请将投票卡交给会务组。" in reply.text
    assert not Session.objects.exists()


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_qr_address_that_is_void_or_torn_says_so(client, stage, issued, method):
    cards.reissue_card(stage.delegates[0], reason="遗失", by=stage.office, second=stage.scrutineer)

    for token in (issued.token, issued.token[:20], "x"):
        reply = getattr(client, method)(f"/k/{token}/")
        assert reply.status_code == 404
        assert "此卡已作废或二维码不完整。" in reply.text
    assert not Session.objects.exists()


def test_signing_in_keeps_the_poll_that_was_asked_for(client, stage, issued):
    reply = client.post(f"/?poll={stage.poll.pk}", {"code": issued.code})

    assert reply["Location"] == f"/home/?poll={stage.poll.pk}"


PUBLIC = "vote.example.cn"


def reached(issued) -> str:
    return AccessCard.objects.get(delegate=issued.delegate).reached_at


@pytest.fixture
def hosts(settings):
    settings.ALLOWED_HOSTS = ["*"]


@pytest.mark.parametrize("address", ["192.168.1.20", "2001:db8::5"])
def test_a_card_opened_on_another_device_is_marked_with_the_address(client, issued, address, hosts):
    client.get(f"/k/{issued.token}/", REMOTE_ADDR=address, HTTP_HOST=PUBLIC)

    assert reached(issued) == f"https://{PUBLIC}"


@pytest.mark.parametrize(
    ("public", "host", "counts"),
    [
        ("https://vote.example.cn", "vote.example.cn", True),
        ("https://VOTE.example.cn", "vote.Example.cn", True),
        ("https://vote.example.cn", "vote.example.cn:443", True),
        ("http://192.168.1.2:8000", "192.168.1.2:8000", True),
        ("http://192.168.1.2:8000", "192.168.1.2:8001", False),
        ("https://vote.example.cn", "old.example.cn", False),
        ("https://vote.example.cn", "192.168.1.2", False),
    ],
)
def test_only_an_opening_at_the_public_address_proves_it(
    client, issued, hosts, settings, public, host, counts
):
    """Case 26: what was opened under another name says nothing of PUBLIC_URL."""
    settings.PUBLIC_URL = public
    client.get(f"/k/{issued.token}/", REMOTE_ADDR="192.168.1.20", HTTP_HOST=host)

    assert reached(issued) == (public if counts else "")


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "", "unix:"])
def test_a_card_opened_on_the_server_itself_is_not(client, issued, address, hosts):
    client.get(
        f"/k/{issued.token}/",
        REMOTE_ADDR=address,
        headers={"X-Forwarded-For": "192.168.1.20", "Host": PUBLIC},
    )

    assert not reached(issued)


def test_behind_a_proxy_the_address_it_adds_decides(client, stage, issued, settings, hosts):
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    other = stage.issued[1]

    for card, way in ((issued, "10.0.0.9, 192.168.1.20"), (other, "192.168.1.20, 127.0.0.1")):
        client.get(f"/k/{card.token}/", headers={"X-Forwarded-For": way, "Host": PUBLIC})

    assert reached(issued)
    assert not reached(other)


@pytest.mark.parametrize("way", ["code", "token"])
def test_a_card_of_an_earlier_version_tells_its_key_once_it_was_found_by_it(client, issued, way):
    AccessCard.objects.update(key_check="")

    if way == "code":
        client.post("/", {"code": issued.code})
    else:
        client.get(f"/k/{issued.token}/")

    told = {card.delegate: card.key_check for card in AccessCard.objects.all()}
    assert [delegate for delegate in told if told[delegate]] == [issued.delegate]
    assert told[issued.delegate] == key_check()


def test_a_replaced_card_ends_its_session_at_once(stage):
    client = signed_in(stage)
    cards.reissue_card(stage.delegates[0], reason="遗失", by=stage.office, second=stage.scrutineer)

    reply = client.get("/home/", follow=True)

    assert reply.redirect_chain == [("/", 303)]
    assert "投票卡已更换" in reply.text
    assert "您已领取新卡，请使用新卡进入。" in reply.text


def expire(client: Client) -> None:
    past = timezone.now() - timedelta(seconds=1)
    Session.objects.filter(pk=client.session.session_key).update(expire_date=past)


@pytest.mark.parametrize(
    ("posted", "words"),
    [
        (
            {"kept": "1"},
            "登录已过期。您填写的仍保存在本机。"
            "请重新扫描投票卡，进入后首页会显示您是否已提交表决票。",
        ),
        ({}, "登录已过期。请重新扫描投票卡，进入后首页会显示您是否已提交表决票。"),
        (None, "登录已过期。请重新扫描投票卡，进入后首页会显示您是否已提交表决票。"),
    ],
)
def test_an_expired_session_leads_back_to_the_first_page_and_says_what_is_true(
    stage, posted, words
):
    client = signed_in(stage)
    expire(client)

    if posted is None:
        reply = client.get("/receipt/", follow=True)
    else:
        reply = client.post("/ballot/review/", posted, follow=True)

    assert reply.redirect_chain == [("/", 303)]
    assert "请重新进入" in reply.text
    assert words in reply.text


def test_signing_out_ends_the_session_and_says_thanks(stage):
    client = signed_in(stage)
    assert client.get("/sign-out/")["Location"] == "/home/"

    reply = client.post("/sign-out/", follow=True)

    assert reply.redirect_chain == [("/sign-out/", 303)]
    assert "您已退出" in reply.text
    assert "感谢您依法履职。" in reply.text
    assert client.get("/home/").status_code == 303
    assert not Session.objects.exists()


def test_a_session_holds_the_card_and_its_holder_and_nothing_else(stage):
    client = signed_in(stage)
    client.get("/home/")

    card = stage.card()
    assert dict(client.session) == {"card": card.pk, "holder": card.delegate_id}


def test_no_code_and_no_token_is_stored_or_logged(stage, issued, caplog):
    caplog.set_level(logging.DEBUG)

    client = Client()
    client.post("/", {"code": issued.code})
    client.post("/", {"code": issued.code[:-1]})
    client.get(f"/k/{issued.token}/")
    client.post(f"/k/{issued.token}/")

    assert not where(issued.code, issued.token)
    assert not any(secret in caplog.text for secret in (issued.code, issued.token))


def test_the_pages_of_a_card_ask_the_database_the_same_number_of_questions_for_every_delegate(
    client, stage, django_assert_num_queries
):
    for issued in stage.issued[:3]:
        with django_assert_num_queries(2):  # the card, and the poll for the masthead
            client.get(f"/k/{issued.token}/")


@pytest.mark.parametrize(("way", "most"), [("code", 5), ("token", 6)])
def test_signing_in_takes_few_statements_and_writes_the_session_once(
    client, stage, issued, way, most
):
    with CaptureQueriesContext(connection) as asked:
        if way == "code":
            assert client.post("/", {"code": issued.code}).status_code == 303
        else:
            assert client.post(f"/k/{issued.token}/").status_code == 303
    assert client.cookies[settings.SESSION_COOKIE_NAME].value == Session.objects.get().pk

    statements = [query["sql"] for query in asked]
    assert len(statements) <= most, "\n".join(statements)
    writes = [sql for sql in statements if sql.startswith(("INSERT", "UPDATE", "DELETE"))]
    assert [sql.split()[0] for sql in writes] == ["INSERT"]


def test_a_person_of_the_staff_who_tries_a_card_stays_logged_in(stage, issued):
    client = Client()
    client.force_login(stage.office)
    before = str(client.session.session_key)

    client.post("/", {"code": issued.code})

    assert client.get("/home/").status_code == 200
    assert client.get("/admin/").status_code == 200
    assert not client.session.exists(before)


def test_what_a_session_holds_after_its_beginning_is_written_too(client, stage, issued):
    client.post("/", {"code": issued.code})
    session = SessionStore(client.session.session_key)
    session.begin(stage.card())

    session["later"] = 1
    session.save()

    assert SessionStore(session.session_key)["later"] == 1
