"""How the program speaks, on every page, paper and file and in every state of a poll."""

import re
from typing import Any

import pytest
from django.db import transaction

from tests.helpers import tour

CHINESE = r"[\u3400-\u9fff]"
AMONG_CHINESE = re.compile(rf"{CHINESE} ?[,.;:!?()] ?{CHINESE}")
# Chinese sentences follow each other without a blank; one comes of a line that ends in a template.
PARTED = re.compile(rf"[。，、；：？）”…] (?:{CHINESE}|[（“])")
# A vote on projects elects nobody (design §2), and official register never exclaims.
AVOIDED = re.compile("选举|选票|当选|候选人|[!！]")
# Three words in a row are a sentence of another language; a command, an address or a name is not.
ENGLISH = re.compile(r"(?<![\w/.\-=])[A-Za-z]{2,} [A-Za-z]{2,} [A-Za-z]{2,}(?![\w/.\-=])")


@pytest.fixture(scope="module")
def walked(django_db_setup: None, django_db_blocker: Any) -> tuple[dict[str, str], dict[str, str]]:
    with django_db_blocker.unblock(), transaction.atomic():
        found = tour.walk()
        transaction.set_rollback(True)
    return found


@pytest.fixture
def texts(walked: tuple[dict[str, str], dict[str, str]]) -> dict[str, str]:
    """Everything that people can read, with an address where it stands."""
    return walked[0]


@pytest.mark.django_db
def test_the_walk_comes_by_pages_papers_and_files_of_every_kind(texts):
    for heard in (
        "表决票已提交",
        "投票已截止",
        "本次票决作废",
        "归并推荐项目",
        "票决结果报告单",
        "数据校验码",
        "密钥份额",
    ):
        assert any(heard in text for text in texts), heard


@pytest.mark.django_db
def test_no_ascii_mark_stands_between_chinese_characters(texts):
    assert {text: at for text, at in texts.items() if AMONG_CHINESE.search(text)} == {}


@pytest.mark.django_db
def test_no_blank_stands_between_chinese_sentences(walked):
    _texts, pieces = walked

    assert {text: at for text, at in pieces.items() if PARTED.search(text)} == {}


@pytest.mark.django_db
def test_no_page_exclaims_or_speaks_of_persons(texts):
    assert {text: at for text, at in texts.items() if AVOIDED.search(text)} == {}


@pytest.mark.django_db
def test_nobody_is_spoken_to_in_english_who_has_not_chosen_it(texts):
    english = {text: at for text, at in texts.items() if ENGLISH.search(text)}

    assert english == {}


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (AMONG_CHINESE, "请核对,再提交"),
        (PARTED, "恢复后再提交。 您填写的不会丢失。"),
        (AVOIDED, "当选的候选人"),
        (AVOIDED, "提交成功！"),
        (ENGLISH, "This field is required."),
    ],
)
def test_the_reader_hears_what_it_listens_for(pattern, text):
    assert pattern.search(text)
