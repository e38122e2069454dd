"""The page of the canvass: blind, one proposal at a time, one tap a ruling, nothing chosen beforehand."""

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from ballots.acts import canvass, lifecycle
from ballots.admin import canvass as admin_canvass
from ballots.facts import counting, record
from ballots.models import Ballot, WriteIn
from ballots.pure.rules import Proposal
from projects.models import Poll
from tests.helpers.browsing import posted, read
from tests.helpers.desk import at, desk_of, faults_of, messages_of, queries_of, signed_by
from tests.helpers.factories import Stage, make_project, make_stage, opened_stage, selection
from tests.helpers.http_client import Form
from tests.helpers.looking import MARKS, lengths_looked_at

pytestmark = pytest.mark.django_db

R = WriteIn.Ruling


def canvass_at(stage: Stage, name: str = "canvass") -> str:
    return at(stage.poll, name)


def form_of(page: Any, row: WriteIn) -> Form:
    """Return the form with the buttons of one proposal as the page offers it."""
    found = [form for form in read(page).forms if ("number", str(row.number)) in form.fields]
    return next(form for form in found if ("ruling", "alone") in form.buttons)


def up(client: Client, stage: Stage, title: str) -> Any:
    """Open the page at one proposal."""
    return client.get(canvass_at(stage), {"at": str(stage.write_in(title).number)})


def decide(client: Client, stage: Stage, title: str, **pressed: str) -> Any:
    """Open the page at one proposal and press what rules on it."""
    form = form_of(up(client, stage, title), stage.write_in(title))
    return client.post(canvass_at(stage, "ruling"), posted(form) | pressed)


def queue_of(page: Any) -> str:
    """Return the part of the page that is about the proposal that is up."""
    return str(page.text[page.text.index('<section class="proposal"') :].partition("</section>")[0])


# --- what it shows --------------------------------------------------------------------------------


def test_a_proposal_stands_with_its_content_its_unit_and_what_is_like_it():
    stage = opened_stage(
        Proposal("新建老年食堂", "城区五处，乡镇十处", "市民政局"), "老年食堂", "夜间公交"
    )
    desk = desk_of(stage.office)

    text = read(up(desk, stage, "新建老年食堂")).text

    row, near = stage.write_in("新建老年食堂"), stage.write_in("老年食堂")
    assert f"{row.key} 新建老年食堂 城区五处，乡镇十处 建议责任单位：市民政局" in text
    assert f"并入推荐项目{near.number} 老年食堂 相近度0.75" in text
    assert "没有名称相近的项目。" in up(desk, stage, "夜间公交").text
    assert "已处理 0/3" in text


def test_nothing_is_chosen_before_somebody_has_ruled_and_each_ruling_is_a_button():
    stage = opened_stage("新建老年食堂", "老年食堂")
    row, near = stage.write_in("新建老年食堂"), stage.write_in("老年食堂")

    page = up(desk_of(stage.office), stage, "新建老年食堂")

    forms = [form for form in read(page).forms if ("number", str(row.number)) in form.fields]
    assert [form.buttons for form in forms] == [
        [("into", near.key), ("ruling", "alone")],
        [("ruling", "refused")],
        [("ruling", "into")],
    ]
    for form in forms:
        carried = dict(form.fields)
        assert carried["seen"] == canvass.ruling_text(row)
        assert {carried.get("reason", ""), carried.get("into", "")} == {""}


def test_the_keys_one_to_four_are_the_two_nearest_alone_and_refused():
    stage = opened_stage("老年食堂", "新建老年食堂", "社区老年食堂", "老年食堂二期")

    queue = queue_of(up(desk_of(stage.office), stage, "老年食堂"))

    presses = re.findall(
        r'name="(\w+)" (?:maxlength="200" )?value="([^"]*)" data-press="(\d)"', queue
    )
    assert [(name, press) for name, _value, press in presses] == [
        ("into", "1"),
        ("into", "2"),
        ("ruling", "3"),
        ("reason", "4"),
    ]
    # The third is a button without a key.
    assert len(re.findall(r'name="into" value="推\d"', queue)) == 3


def test_a_proposal_is_offered_every_candidate_and_every_other_proposal():
    stage = opened_stage("甲", "乙", "丙")
    row = stage.write_in("甲")

    own = queue_of(up(desk_of(stage.office), stage, "甲"))

    others = [other.key for other in stage.poll.write_ins.order_by("number") if other != row]
    assert re.findall(r'<option value="([^"]+)"', own) == [*map(str, range(1, 13)), *others]


def test_proposals_that_are_like_each_other_come_one_after_the_other():
    stage = opened_stage("老年食堂", "夜间公交", "新建老年食堂", "夜间公交延时", "社区老年食堂")
    desk, seen = desk_of(stage.office), []

    while stage.poll.write_ins.filter(ruling=R.NONE).exists():
        row = desk.get(canvass_at(stage)).context["up"]
        seen.append("食堂" if "食堂" in row.title else "公交")
        decide(desk, stage, row.title, ruling="alone")

    assert seen in (["食堂"] * 3 + ["公交"] * 2, ["公交"] * 2 + ["食堂"] * 3)


def test_one_goes_to_the_neighbour_without_a_ruling():
    stage = opened_stage("甲", "乙")
    desk = desk_of(stage.office)
    first = desk.get(canvass_at(stage)).context

    following = desk.get(canvass_at(stage), {"at": first["after"].number}).context

    assert first["before"] is None
    assert (following["up"], following["before"]) == (first["after"], first["up"])
    assert following["after"] is None
    assert desk.get(canvass_at(stage), {"at": "99"}).context["up"] == first["up"]


def test_markup_in_a_proposal_is_shown_as_it_was_typed():
    stage = opened_stage(
        Proposal("<b>甲</b>{{ poll }}", '"><script>alert(1)</script>', "<i>局</i>")
    )

    page = desk_of(stage.office).get(canvass_at(stage)).text

    assert "&lt;b&gt;甲&lt;/b&gt;{{ poll }}" in page
    assert not {"<b>甲", "<script>alert", "<i>局"} & set(re.findall(r"<\w+>[^<]{1,5}", page))


def test_a_vote_without_proposals_goes_straight_to_the_count():
    stage = make_stage(proposals="off")
    stage.close()
    shares = {f"share_{place}": text for place, text in enumerate(stage.shares[:3], start=1)}
    desk = desk_of(stage.office)

    opened = desk.post(at(stage.poll, "box"), shares | {"declared": "on"}, follow=True)
    canvassed = desk.get(canvass_at(stage))
    desk.post(at(stage.poll, "count"))

    assert messages_of(opened) == ["票箱已开启，共0张表决票。没有推荐项目，可以计票。"]
    assert opened.context["next"].name == "count"
    assert canvassed.status_code == 302
    assert Poll.objects.get().phase == Poll.Phase.COUNTED


# --- ruling ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["office", "scrutineer", "chief"])
def test_office_and_scrutineers_rule_with_one_press_and_go_on_to_the_next(who):
    stage = opened_stage("甲", "乙")
    client, row, other = desk_of(getattr(stage, who)), stage.write_in("甲"), stage.write_in("乙")

    reply = decide(client, stage, "甲", into="7")

    assert reply["Location"] == f"{canvass_at(stage)}?last={row.number}&at={other.number}"
    page = client.get(reply["Location"])
    assert stage.write_in("甲").into_project == stage.poll.projects.get(number=7)
    assert page.context["up"] == other
    assert f"已处理 1/2 {row.key} 甲：并入候选项目第7项 撤销" in read(page).text


def test_what_was_ruled_stands_below_and_is_taken_back_with_one_press():
    stage = opened_stage("甲", "乙")
    client, row = desk_of(stage.office), stage.write_in("甲")
    decide(client, stage, "甲", ruling="refused", reason="重复")

    page = client.get(canvass_at(stage))
    assert re.findall(r'<li id="row-(推\d)"', page.text) == [row.key]
    [undo] = [form for form in read(page).forms if ("back", "1") in form.buttons]
    reply = client.post(undo.action, posted(undo) | {"back": "1"})

    assert stage.write_in("甲").ruling == R.NONE
    # It is up again.
    assert client.get(reply["Location"]).context["up"] == row


def test_every_ruling_can_be_given_changed_and_taken_back():
    stage = opened_stage("甲", "乙")
    client, other = desk_of(stage.office), stage.write_in("乙")

    said = []
    for pressed in (
        {"into": other.key},
        {"ruling": "refused", "reason": "不属于民生实事"},
        {"ruling": "alone"},
        {"back": "1"},
    ):
        assert decide(client, stage, "甲", **pressed).status_code == 302
        said.append(admin_canvass.words_of(stage.write_in("甲")))

    assert said == [
        f"并入推荐项目{other.number}",
        "不予计票：不属于民生实事",
        "单列一项",
        "待处理",
    ]


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ({}, "请选择处理方式。处理方式没有改变。"),
        ({"ruling": "into"}, "请选择并入哪一项。处理方式没有改变。"),
        ({"into": "99"}, "请选择并入哪一项。处理方式没有改变。"),
        ({"into": "9" * 15}, "请选择并入哪一项。处理方式没有改变。"),
        ({"into": "推5"}, "请选择并入哪一项。处理方式没有改变。"),
        ({"ruling": "refused"}, "不予计票须注明理由。处理方式没有改变。"),
        ({"ruling": "refused", "reason": " "}, "不予计票须注明理由。处理方式没有改变。"),
    ],
)
def test_what_is_refused_is_said_at_the_proposal_with_all_that_was_typed(typed, fault):
    stage = opened_stage("甲", "乙")
    row = stage.write_in("甲")
    sent = typed or {"reason": "写了一半"}

    reply = decide(desk_of(stage.office), stage, "甲", **sent)

    assert faults_of(reply) == [fault]
    own = queue_of(reply)
    assert f'id="{row.key}"' in own
    assert fault in own
    assert reply.text.count(fault) == 1
    assert f'name="reason" maxlength="200" value="{sent.get("reason", "")}"' in own
    assert stage.write_in("甲").ruling == R.NONE
    assert not stage.poll.journal.filter(kind="write-in-ruled").exists()


def test_a_proposal_merged_into_itself_is_refused():
    stage = opened_stage("甲", "乙")

    reply = decide(desk_of(stage.office), stage, "甲", into=stage.write_in("甲").key)

    assert faults_of(reply) == ["不能并入自身，也不能与另一项互相并入。处理方式没有改变。"]


def test_a_reason_longer_than_its_column_is_refused():
    stage = opened_stage("甲")

    reply = decide(desk_of(stage.office), stage, "甲", ruling="refused", reason="长" * 201)

    assert len(faults_of(reply)) == 1
    assert f'value="{"长" * 201}"' in queue_of(reply)


def test_whoever_did_not_see_the_ruling_of_somebody_else_is_told_and_sees_it():
    stage = opened_stage("甲")
    mine, other = desk_of(stage.office), desk_of(stage.scrutineer)
    form = posted(form_of(up(mine, stage, "甲"), stage.write_in("甲")))
    decide(other, stage, "甲", ruling="alone")

    reply = mine.post(canvass_at(stage, "ruling"), form | {"ruling": "refused", "reason": "重复"})

    assert faults_of(reply) == ["这一项刚刚由另一人处理过，请核对后再办理。处理方式没有改变。"]
    assert "✓ 单列一项" in read(reply).text
    assert stage.write_in("甲").ruling == R.ALONE
    # The page has been read again: sent once more, it counts.
    again = posted(form_of(reply, stage.write_in("甲"))) | {"ruling": "refused", "reason": "重复"}
    assert mine.post(canvass_at(stage, "ruling"), again).status_code == 302
    assert stage.write_in("甲").ruling == R.REFUSED


@pytest.mark.parametrize("number", ["", "99", "x", "１", "9" * 40])
def test_a_proposal_that_is_none_is_not_found(number):
    stage = opened_stage("甲")

    reply = desk_of(stage.office).post(
        canvass_at(stage, "ruling"), {"number": number, "ruling": "alone", "seen": ""}
    )

    # A full-width 1 is a 1, and the rulings that were seen are not those of this proposal.
    assert reply.status_code == (200 if number == "１" else 404)
    assert stage.write_in("甲").ruling == R.NONE


def test_a_ruling_is_not_fetched():
    stage = opened_stage("甲")

    reply = desk_of(stage.office).get(canvass_at(stage, "ruling"))

    assert (reply.status_code, reply["Location"]) == (302, canvass_at(stage))


def test_the_record_says_each_ruling_in_words():
    stage = opened_stage("甲", "乙")
    client, row = desk_of(stage.office), stage.write_in("甲")
    decide(client, stage, "甲", into="7")
    decide(client, stage, "甲", ruling="refused", reason="重复")
    decide(client, stage, "甲", back="1")

    text = read(client.get(canvass_at(stage, "journal"))).text

    for words in ("处理方式：并入候选项目；并入：7", "原因：重复；处理方式：不予计票"):
        assert f"{row.key}. 甲；{words}" in text
    assert f"{row.key}. 甲；处理方式：待处理" in text


# --- finding one's way ----------------------------------------------------------------------------


def test_one_goes_on_in_the_queue_and_from_its_end_to_those_left_out():
    stage = opened_stage("甲", "乙", "丙")
    client = desk_of(stage.office)
    first, second, third = canvass.queue(list(stage.poll.write_ins.order_by("number")))

    def goes_on(row: WriteIn) -> str:
        return str(decide(client, stage, row.title, ruling="alone")["Location"])

    assert goes_on(second).endswith(f"&at={third.number}")
    assert goes_on(third).endswith(f"&at={first.number}")
    assert goes_on(first) == f"{canvass_at(stage)}?last={first.number}#closing"
    assert client.get(canvass_at(stage)).context["up"] is None


def test_the_list_is_of_what_was_ruled_unless_something_else_is_asked():
    stage = opened_stage("公园一", "公园二", "停车场")
    client = desk_of(stage.office)
    decide(client, stage, "公园一", ruling="alone")

    def listed(query: str) -> list[str]:
        rows = client.get(canvass_at(stage) + query).context["rows"]
        return sorted(row["write_in"].title for row in rows)

    assert listed("") == listed("?waiting=0") == ["公园一"]
    assert listed("?waiting=1") == ["停车场", "公园二"]
    assert listed("?q=公园") == ["公园一", "公园二"]
    assert listed("?waiting=all&q=") == ["停车场", "公园一", "公园二"]


def test_what_is_refused_is_up_though_it_waits_no_more():
    stage = opened_stage("甲", "乙")
    client, row = desk_of(stage.office), stage.write_in("甲")
    form = posted(form_of(up(client, stage, "甲"), row))
    canvass.rule(stage.poll, row, ruling=R.ALONE, by=stage.scrutineer)

    reply = client.post(canvass_at(stage, "ruling"), form | {"ruling": "refused"})

    assert "这一项刚刚由另一人处理过" in reply.text
    assert form_of(reply, row)


def test_long_lists_have_pages(monkeypatch):
    monkeypatch.setattr(admin_canvass, "PAGE", 2)
    stage = opened_stage(*[f"推荐{n}" for n in range(5)])
    client = desk_of(stage.office)

    assert "第1页，共3页" in read(client.get(canvass_at(stage) + "?waiting=1")).text
    page = client.get(canvass_at(stage) + "?waiting=1&page=3")
    assert re.findall(r'<li id="row-推(\d+)"', page.text) == ["5"]
    assert client.get(canvass_at(stage) + "?page=nonsense").status_code == 200


def test_a_refused_ruling_on_several_loses_neither_page_nor_filter(monkeypatch):
    monkeypatch.setattr(admin_canvass, "PAGE", 1)
    stage = opened_stage("公园一", "公园二", "公园三", "停车场")
    client, asked = desk_of(stage.office), "waiting=1&q=%E5%85%AC%E5%9B%AD"
    page = client.get(f"{canvass_at(stage)}?{asked}&page=2")
    (form,) = [form for form in read(page).forms if "/rulings/" in (form.action or "")]

    refused = client.post(form.action, posted(form))
    fetched = client.get(form.action)

    assert faults_of(refused)
    links = [
        urlsplit(urljoin(form.action, unescape(link)))
        for link in re.findall(r'<nav class="paging".*?</nav>', refused.text, re.DOTALL)
        for link in re.findall(r'href="([^"]*)"', link)
    ]
    assert [(link.path, parse_qs(link.query)) for link in links] == [
        (canvass_at(stage), {"waiting": ["1"], "q": ["公园"], "page": [number]})
        for number in ("1", "3")
    ]
    assert fetched["Location"] == f"{canvass_at(stage)}?{asked}&page=2"


def test_the_rest_can_stand_alone_and_then_two_people_end_the_canvass():
    stage = opened_stage("甲", "乙")
    client = desk_of(stage.scrutineer)
    signed = signed_by(stage.office)

    page = client.get(canvass_at(stage))
    assert "还有2项没有处理，全部处理完毕后才能归并结束。" in page.text
    assert 'name="second_password"' not in page.text
    alone = client.post(canvass_at(stage, "alone"), follow=True)
    assert messages_of(alone) == ["2项推荐项目已单列。"]
    done = client.post(canvass_at(stage), signed, follow=True)

    assert messages_of(done) == ["推荐项目归并结束，可以计票。"]
    stage.poll.refresh_from_db()
    assert stage.poll.box.canvassed


def test_a_wrong_signature_is_said_where_one_signs():
    stage = opened_stage("甲")
    canvass.rule_each_alone(stage.poll, by=stage.office)

    reply = desk_of(stage.office).post(
        canvass_at(stage), {"second_name": stage.scrutineer.username, "second_password": "wrong"}
    )

    assert "第二人的用户名或密码不正确" in reply.text
    assert 'name="second_password"' in reply.text


# --- a count that was sent back -------------------------------------------------------------------


def test_after_a_count_was_sent_back_the_page_says_why_and_no_total():
    stage = opened_stage("甲", "甲", "甲")
    result = stage.count()
    lifecycle.send_back(stage.poll, reason="甲应并入第7项", by=stage.scrutineer)

    with CaptureQueriesContext(
        connection,
    ) as queries:
        page = desk_of(stage.office).get(canvass_at(stage))

    assert "上次计票已退回（原因：甲应并入第7项" in page.text
    assert result.digest not in page.text
    assert not [query for query in queries if '"figures"' in query["sql"]]
    # The rulings of before stand and can be changed.
    decide(desk_of(stage.office), stage, "甲", into="7")
    assert stage.write_in("甲").ruling == R.INTO_PROJECT


# --- blind ----------------------------------------------------------------------------------------


def asked_for(stage: Stage) -> list[str]:
    return queries_of(desk_of(stage.office), canvass_at(stage))


def test_the_page_reads_no_ballot_at_all():
    asked = "\n".join(asked_for(opened_stage("甲", "乙")))

    # The search finds a table that is read.
    assert "ballots_writein" in asked
    for table in (
        "ballots_ballot",
        "ballots_sealedballot",
        "ballots_envelope",
        "ballots_rollentry",
    ):
        assert not re.search(rf'"{table}"', asked), table


def test_the_page_asks_the_same_whatever_was_voted_and_however_often_proposed():
    few, many = opened_stage("甲", "乙"), make_stage(delegates=9, delegates_total=20)
    for place in range(9):
        many.cast(place, selection(*range(1, place + 1), proposals=["甲" if place else "乙"]))
    many.close()
    many.open_box()

    def shape(stage: Stage) -> list[str]:
        # The session is this browser's own.
        ours = [
            sql
            for sql in asked_for(stage)
            if re.search("ballots_|projects_", sql) and "ballots_session" not in sql
        ]
        return [re.sub(r"\d+", "N", sql) for sql in ours]

    assert shape(many) == shape(few)


def test_the_number_of_queries_does_not_grow_with_proposals_or_rulings():
    few, many = (
        opened_stage("甲"),
        opened_stage(*[f"推荐{n}" for n in range(9)], delegates_total=20),
    )
    rows = list(many.poll.write_ins.order_by("number"))
    project = many.poll.projects.get(number=7)
    canvass.rule(many.poll, rows[0], ruling=R.INTO_PROJECT, into=project, by=many.office)
    canvass.rule(many.poll, rows[1], ruling=R.INTO_WRITE_IN, into=rows[2], by=many.office)

    assert len(asked_for(many)) == len(asked_for(few))


def test_two_boxes_with_the_same_texts_and_other_votes_show_the_same_page():
    def page_of(stage: Stage) -> str:
        text = read(desk_of(stage.office).get(canvass_at(stage))).text
        return re.sub(r"staff\d+", "", text).replace(str(stage.poll), "")

    # One text only, so that its random number is the same in both.
    once = opened_stage("甲", delegates_total=20)
    often = opened_stage("甲", "甲", "甲", "甲", delegates_total=20)

    assert page_of(once) == page_of(often)


def test_a_ruling_counts_nothing(monkeypatch):
    stage = opened_stage("甲", "乙")

    def fail(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("something was counted")

    for name in ("count", "count_in_sql", "figures", "checks", "mentions", "tally"):
        monkeypatch.setattr(counting, name, fail)
    make = decide(desk_of(stage.office), stage, "甲", into="7")

    assert make.status_code == 302
    assert Ballot.objects.count() == 2


def test_a_candidate_with_a_long_name_is_offered_whole():
    stage = make_stage(delegates=1, open_it=False)
    make_project(stage.poll, 13, title="长" * 60)
    stage.poll = lifecycle.open_poll(stage.poll, by=stage.office)
    stage.cast(0, selection(1, proposals=["甲"]))
    stage.close()
    stage.open_box()

    assert f"第13项 {'长' * 60}" in desk_of(stage.office).get(canvass_at(stage)).text


# --- a thousand proposals (case 55) ---------------------------------------------------------------


@pytest.fixture
def thousand() -> Stage:
    """1,020 proposals with the longest texts, many of them nearly the same."""
    stage = opened_stage("夜间公交")
    kinds = ("老年食堂", "停车场", "口袋公园", "便民步道", "农贸市场", "充电桩", "篮球场", "图书角")
    WriteIn.objects.bulk_create(
        WriteIn(
            poll=stage.poll,
            number=number,
            title=f"{number}号{kinds[number % 8]}{'建设改造' * 7}"[:30],
            detail=("在城区和乡镇各选若干处，方便周边群众日常使用，年底前建成。" * 7)[:200],
            unit="市住房和城乡建设局、市自然资源和规划局、市教育局等单位",
        )
        for number in range(2, 1021)
    )
    return stage


def test_a_page_of_a_thousand_proposals_is_small_and_asks_little(thousand):
    """Case 55: each page was 2.9 MB."""
    desk = desk_of(thousand.office)
    for query in ("", "?page=30", "?waiting=1&page=68", "?q=停车场", "?q=推777"):
        with CaptureQueriesContext(connection) as asked:
            reply = desk.get(canvass_at(thousand) + query)

        assert len(reply.content) < 60_000, (query, len(reply.content))
        # Beside those of the log-in and of the page's guard, which every page of the day has.
        assert len(asked) <= 10, "\n".join(each["sql"][:110] + each["sql"][-90:] for each in asked)


def test_proposals_are_found_by_a_word_or_a_number_and_by_whether_they_wait(thousand):
    """Case 55."""
    desk = desk_of(thousand.office)
    decide(desk, thousand, "夜间公交", ruling="alone")

    assert "推777 " in read(desk.get(f"{canvass_at(thousand)}?q=推777")).text
    assert "推1 夜间公交" in read(desk.get(f"{canvass_at(thousand)}?q=夜间")).text
    assert "推1 夜间公交" in read(desk.get(f"{canvass_at(thousand)}?waiting=0")).text
    assert 'id="row-推2"' not in desk.get(f"{canvass_at(thousand)}?waiting=0").text
    assert "没有找到。" in read(desk.get(f"{canvass_at(thousand)}?q=没有这个")).text


def test_a_search_for_what_is_far_too_long_is_not_looked_at(thousand, monkeypatch):
    desk = desk_of(thousand.office)
    lengths = lengths_looked_at(monkeypatch)

    reply = desk.get(canvass_at(thousand), {"q": MARKS}, follow=True)

    assert "查找的内容太长，没有查找，下面是全部内容。" in reply.text
    assert "\u0301" not in reply.text
    assert max(lengths, default=0) < 1_000


def test_several_proposals_get_one_ruling_and_one_entry(thousand):
    """Case 55."""
    desk = desk_of(thousand.scrutineer)
    page = desk.get(f"{canvass_at(thousand)}?q=停车场").content.decode()
    ticks = re.findall(r'name="chosen" form="several" value="([^"]*)"', page)
    sent = {"chosen": ticks, "ruling": "into", "into": "3"}

    reply = desk.post(f"{canvass_at(thousand, 'rulings')}?q=停车场", sent, follow=True)

    assert len(ticks) == 15
    assert "已一并处理15项。" in read(reply).text
    ruled = thousand.poll.write_ins.filter(into_project__number=3)
    assert {f"{write_in.number}|||" for write_in in ruled} == set(ticks)
    entry = thousand.poll.journal.get(kind="write-ins-ruled")
    assert entry.data["rulings"][0] == [ruled.first().key, "3", "", "into-project"]
    assert "并入候选项目" in record.in_words(entry)


@pytest.mark.parametrize(
    ("sent", "fault"),
    [
        ({"ruling": "alone"}, "请先勾选推荐项目。"),
        ({"chosen": ["1|||"]}, "请选择处理方式。"),
        (
            {"chosen": ["1|||", "2|||"], "ruling": "into", "into": "77"},
            "请选择并入哪一项。",
        ),
        ({"chosen": ["1|||", "2|||"], "ruling": "into", "into": "推2"}, "不能并入自身"),
        ({"chosen": ["1|||", "2|||"], "ruling": "refused"}, "不予计票须注明理由。"),
        ({"chosen": ["1|||", "2|alone||"], "ruling": "alone"}, "这一项刚刚由另一人处理过"),
        ({"chosen": ["1|||", "99|||"], "ruling": "alone"}, "请先勾选推荐项目。"),
        ({"chosen": ["x|||"], "ruling": "alone"}, "请先勾选推荐项目。"),
    ],
)
def test_a_ruling_on_several_that_will_not_do_changes_none_of_them(sent, fault):
    stage = opened_stage("甲", "乙")

    reply = desk_of(stage.office).post(canvass_at(stage, "rulings"), sent)

    assert fault in read(reply).text
    assert not stage.poll.write_ins.exclude(ruling=R.NONE).exists()
    assert not stage.poll.journal.filter(kind="write-ins-ruled").exists()
