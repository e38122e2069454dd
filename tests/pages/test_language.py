"""English beside Chinese: a whole catalogue, and a switch that loses nothing."""

import re
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.utils.translation import override

from tests.helpers.browsing import filled, read, signed_in
from tests.helpers.factories import make_office, make_stage
from tests.helpers.machine import lacking
from tests.helpers.reading import Tongues
from tests.helpers.tour import walk_in_english
from yiwu_vote.language import data, money, quoting

CATALOGUE = Path(settings.BASE_DIR) / "locale" / "en" / "LC_MESSAGES" / "django.po"
NOT_ENGLISH = re.compile(r"\(s\)|[、。〈-】\uff01-\uff5e]")
CHINESE = "请用微信“扫一扫”扫描投票卡上的二维码，或输入投票码。"


def gettext_tool(name: str) -> str:
    """Return the path of a program of GNU gettext, which reads and compiles catalogues."""
    return shutil.which(name) or lacking("GNU gettext (apt-get install gettext)")


def output_of(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


# --- the catalogue --------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["--untranslated", "--only-fuzzy", "--only-obsolete"])
def test_no_entry_of_the_catalogue_is_empty_fuzzy_or_left_over(fault):
    assert (
        output_of(
            gettext_tool("msgattrib"),
            fault,
            "--no-obsolete" if "obs" not in fault else "--obsolete",
            str(CATALOGUE),
        )
        == ""
    )


def test_the_catalogue_keeps_every_placeholder():
    subprocess.run(
        [gettext_tool("msgfmt"), "--check", "--output-file=/dev/null", str(CATALOGUE)], check=True
    )


def test_the_compiled_catalogue_is_that_of_its_source(tmp_path):
    fresh = tmp_path / "django.mo"
    subprocess.run([gettext_tool("msgfmt"), f"--output-file={fresh}", str(CATALOGUE)], check=True)

    assert fresh.read_bytes() == CATALOGUE.with_suffix(".mo").read_bytes()


def test_the_catalogue_holds_every_string_of_the_program(tmp_path, monkeypatch):
    """Collect the strings anew, in a copy, and compare: none missing, none too many."""
    gettext_tool("xgettext")
    for folder in ("ballots", "projects", "templates", "yiwu_vote", "locale"):
        shutil.copytree(Path(settings.BASE_DIR) / folder, tmp_path / folder)
    monkeypatch.chdir(tmp_path)
    call_command("makemessages", locale=["en"], no_location=True, no_wrap=True, verbosity=0)
    copy = tmp_path / CATALOGUE.relative_to(settings.BASE_DIR)

    assert msgids(copy) == msgids(CATALOGUE)


def msgids(catalogue: Path) -> set[str]:
    text = output_of(gettext_tool("msgattrib"), "--no-obsolete", "--no-wrap", str(catalogue))
    return {line for line in text.splitlines() if line.startswith("msgid ")}


def test_the_english_texts_agree_with_their_numbers_and_have_no_mark_of_chinese_print():
    """“(s)” is no plural, and a full-width mark tears a line of Latin letters apart."""
    text = output_of(gettext_tool("msgattrib"), "--no-obsolete", "--no-wrap", str(CATALOGUE))
    english = [line for line in text.splitlines() if line.startswith("msgstr")]

    assert [line for line in english if NOT_ENGLISH.search(line)] == []


# --- what stands in Chinese on an English page ----------------------------------------------------


@pytest.mark.once
@pytest.mark.django_db
def test_whatever_an_english_page_shows_in_chinese_says_that_it_is_chinese():
    assert walk_in_english() == {}


@pytest.mark.parametrize("page", ['<p lang="en">第1项', '<p lang="zh"><b lang="en">第1项</b>'])
def test_the_reader_hears_chinese_that_says_nothing_of_itself(page):
    assert Tongues(page).unmarked == ["第1项"]


def test_only_on_an_english_page_data_are_marked_and_of_a_sentence_what_it_quotes():
    words = "“公交<5>路” & “公园”, in the end"
    span = '<span lang="zh-Hans">'
    with override("en"):
        assert data("公<园") == f"{span}公&lt;园</span>"
        assert quoting(words) == (
            f"“{span}公交&lt;5&gt;路</span>” &amp; “{span}公园</span>”, in the end"
        )

    assert data("公<园") == "公&lt;园"
    assert quoting(words) == "“公交&lt;5&gt;路” &amp; “公园”, in the end"


@pytest.mark.parametrize(
    ("amount", "chinese", "english"),
    [
        ("1800.00", "1,800万元", "¥18 million"),
        ("0.50", "0.5万元", "¥5,000"),
        ("100.00", "100万元", "¥1 million"),
        ("125000.00", "125,000万元", "¥1.25 billion"),
    ],
)
def test_a_sum_is_said_as_the_language_of_the_page_says_it(amount, chinese, english):
    with override("en"):
        assert money(Decimal(amount)) == english
    assert money(Decimal(amount)) == chinese


# --- the switch -----------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_page_is_in_chinese_whatever_the_browser_asks_for():
    page = Client(headers={"accept-language": "en"}).get("/")

    assert CHINESE in page.content.decode()
    assert 'lang="zh-Hans"' in page.content.decode()
    assert page["Content-Language"] == "zh-hans"


@pytest.mark.django_db
def test_the_switch_at_the_foot_turns_pages_into_english_and_back():
    client = Client()
    reply = client.post("/language/", {"language": "en", "next": "/board/"})
    english = client.get("/").content.decode()
    client.post("/language/", {"language": "zh-hans", "next": "/"})

    assert (reply.status_code, reply["Location"]) == (303, "/board/")
    assert "Voting code" in english
    assert '<html lang="en"' in english
    assert CHINESE in client.get("/").content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["xx", "", "en-us", "../en"])
def test_a_language_that_we_do_not_have_changes_nothing(language):
    client = Client()
    client.post("/language/", {"language": language, "next": "/"})

    assert CHINESE in client.get("/").content.decode()


@pytest.mark.django_db
def test_the_switch_on_a_ballot_keeps_every_tick():
    stage = make_stage()
    client = signed_in(stage)
    data = filled(stage.poll, 3, 5, proposals=["夜间公交"]) | {"language": "en"}
    page = read(client.post("/ballot/", data))

    assert "Fill in the ballot" in page.text
    kept = page.form("/ballot/review/").fields
    assert [value for name, value in kept if name == "projects"] == ["3", "5"]
    assert ("proposal-0-title", "夜间公交") in kept


@pytest.mark.django_db
def test_the_admin_and_what_is_made_there_stay_in_chinese():
    client = Client()
    client.force_login(make_office())
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"

    assert "票决进程" in client.get("/admin/").content.decode()
