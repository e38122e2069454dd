"""Shared tablets: a device that many use one after another keeps nothing of any of them."""

import pytest

from tests.helpers.browsing import filled, ready_to_cast, signed_in
from tests.helpers.factories import make_stage

pytestmark = pytest.mark.django_db


def tablet(stage, place=0):
    """The browser of a shared tablet on which somebody has signed in."""
    client = signed_in(stage, place)
    client.post("/tablet/", {"shared": "on"})
    return client


def test_anybody_who_prepares_a_device_can_make_it_a_shared_tablet(client):
    assert "本机没有设为公用平板" in client.get("/tablet/").content.decode()
    reply = client.post("/tablet/", {"shared": "on"})

    assert (reply.status_code, reply["Location"]) == (303, "/tablet/")
    assert "本机已设为公用平板" in client.get("/tablet/").content.decode()
    client.post("/tablet/", {"shared": ""})
    assert "本机没有设为公用平板" in client.get("/tablet/").content.decode()


def test_the_mark_of_a_shared_tablet_outlives_its_sign_outs():
    client = tablet(make_stage())
    client.post("/sign-out/")

    assert "请将平板交还会务人员" in client.get("/sign-out/").content.decode()


def test_a_device_of_somebodys_own_is_not_asked_back():
    client = signed_in(make_stage())
    client.post("/sign-out/")

    assert "请将平板" not in client.get("/sign-out/").content.decode()


def test_the_receipt_on_a_shared_tablet_leads_out_and_nowhere_else():
    stage = make_stage()
    client = tablet(stage)
    client.post("/ballot/cast/", ready_to_cast(client, stage.poll, 1, 2))
    page = client.get("/receipt/").content.decode()

    assert "退出，交还平板" in page
    assert "{n}秒后自动退出" in page
    assert "查看投票进度" not in page
    assert "保存为图片" not in page


def test_neither_ballot_nor_review_of_a_shared_tablet_keeps_a_draft():
    stage = make_stage()
    own, shared = signed_in(stage, 1), tablet(stage)
    for path, data in (("/ballot/", None), ("/ballot/review/", filled(stage.poll, 1))):
        pages = [
            (each.post(path, data) if data else each.get(path)).content.decode()
            for each in (own, shared)
        ]

        assert 'data-draft="' in pages[0]
        assert 'data-draft="' not in pages[1]
        assert "已保存在本机" not in pages[1]


def test_signing_out_of_a_shared_tablet_clears_what_its_browser_holds(client):
    client.cookies["tablet"] = "1"
    shared = client.post("/sign-out/")
    del client.cookies["tablet"]
    own = client.post("/sign-out/")

    assert shared.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert "Clear-Site-Data" not in own.headers
