"""Titles that look alike: the measured pairs, what is shown as a hint, and texts of any kind."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ballots.pure.similar import Likeness, beside_like, likeness, nearest

# The first three pairs are one project each, the others two. The scores of both kinds overlap,
# which is why this is a hint and decides nothing.
MEASURED = [
    ("老旧小区加装电梯项目", "推进既有住宅加装电梯工程", "0.43"),
    ("城区学校校门口交通拥堵治理", "学校门口交通拥堵整治", "0.67"),
    ("老年助餐服务点建设", "社区老年食堂建设", "0.22"),
    ("社区养老服务中心建设", "社区卫生服务中心建设", "0.40"),
    ("农村公路提升改造", "农村饮水提升改造", "0.33"),
    ("老旧小区改造", "老旧小区加装电梯", "0.60"),
]


@pytest.mark.parametrize(("left", "right", "score"), MEASURED)
def test_two_titles_are_as_alike_as_they_were_measured(left, right, score):
    assert f"{likeness(left, right):.2f}" == score


@pytest.mark.parametrize(("left", "right", "score"), MEASURED)
def test_a_hint_shows_its_score_with_two_decimals(left, right, score):
    (hint,) = nearest(left, {7: right})

    assert (hint.key, hint.title, hint.shown) == (7, right, score)


# Which hints are given

SCHOOL = "学校门口交通拥堵治理"


def test_the_nearest_three_are_given_and_the_nearest_first():
    others = {
        1: "交通拥堵",
        2: "学校门口交通拥堵治理",
        3: "夜间公交延时",
        4: "学校门口交通治理",
        5: "学校门口",
        6: "学校门口交通拥堵整治",
    }
    near_enough = [key for key, title in others.items() if likeness(SCHOOL, title) >= 0.2]
    assert near_enough == [1, 2, 4, 5, 6]

    hints = nearest(SCHOOL, others)

    assert [hint.key for hint in hints] == [2, 6, 4]
    assert hints[0] == Likeness(2, SCHOOL, 1.0)


@pytest.mark.parametrize(
    ("other", "hints"),
    [
        # Nine pairs of neighbours and one, of which one is shared: 2/10, the least that is shown.
        ("学校", 1),
        # Nine and twelve, of which two are shared: 4/21, not quite a fifth.
        ("学校门春夏秋冬东南西北中外", 0),
        ("夜间公交", 0),
        ("", 0),
    ],
)
def test_no_hint_is_given_under_a_fifth(other, hints):
    assert len(nearest(SCHOOL, {1: other})) == hints


def test_equal_scores_keep_the_order_in_which_the_others_came():
    for keys in ([1, 2, 3, 4], [4, 2, 3, 1]):
        hints = nearest(SCHOOL, dict.fromkeys(keys, "学校门口"))

        assert [hint.key for hint in hints] == keys[:3]


def test_nothing_to_compare_with_gives_no_hint():
    assert nearest(SCHOOL, {}) == []


# What makes no difference


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("5G 基站", "５ｇ基站"),
        ("WIFI全覆盖", "ｗｉｆｉ全覆盖"),
        ("社区（老年）食堂", "社区 老年 食堂"),
        ("新建公园10座", "新建公园１０座"),
        ("推进老旧小区改造工程", "老旧小区项目"),
    ],
    ids=["width", "case", "punctuation and blanks", "digits", "words of every title"],
)
def test_what_tells_no_two_projects_apart_is_not_compared(left, right):
    assert likeness(left, right) == 1


def test_how_often_a_pair_of_characters_stands_counts():
    assert likeness("人人人人", "人人") == 0.5


# Texts of any kind


@pytest.mark.parametrize(
    ("title", "with_itself"),
    [
        ("桥", 1),
        ("Ａ", 1),
        ("项目", 1),
        ("建设工程", 1),
        ("提升改造推进实施", 1),
        ("建设桥", 1),
        ("", 0),
        ("！？", 0),
        (" \n", 0),
    ],
)
def test_a_title_with_no_pair_of_characters_left_is_compared_all_the_same(title, with_itself):
    assert likeness(title, title) == with_itself
    assert likeness(title, SCHOOL) == likeness(SCHOOL, title) == 0
    assert nearest(title, {1: SCHOOL}) == []


def test_a_title_of_stop_words_alone_is_like_no_title_but_its_own():
    assert likeness("建设工程", "建设工程") == 1
    assert likeness("建设工程", "提升改造") == 0


titles = st.text(max_size=30) | st.text("老旧小区加装电梯项目工程建设Ａa１", max_size=30)


@given(titles, titles)
@example("İ", "i̇")
@example("ﷺ", "صلى")
def test_likeness_is_from_nought_to_one_and_the_same_both_ways(left, right):
    score = likeness(left, right)

    assert 0 <= score <= 1
    assert score == likeness(right, left)


@given(titles)
def test_a_title_is_like_itself_wholly_or_says_nothing(title):
    # Nought only where nothing is left to compare, as of punctuation alone.
    assert likeness(title, title) in {0, 1}


@given(titles, st.lists(titles, max_size=8))
def test_hints_are_the_best_there_are(title, others):
    hints = nearest(title, dict(enumerate(others)))

    scores = sorted((likeness(title, other) for other in others), reverse=True)
    assert [hint.score for hint in hints] == [score for score in scores if score >= 0.2][:3]
    assert all(others[hint.key] == hint.title for hint in hints)
    # Of equals, the one that came first.
    assert [hint.key for hint in hints] == sorted(
        (hint.key for hint in hints), key=lambda key: (-likeness(title, others[key]), key)
    )


# In which order titles are looked at


def test_titles_that_are_like_each_other_follow_one_another_in_the_order_given():
    titles = {1: "夜间公交", 2: "社区老年食堂", 3: "口袋公园", 4: "夜间公交延时", 5: "老年食堂"}

    assert beside_like(titles) == [1, 4, 2, 5, 3]


@given(st.dictionaries(st.integers(), st.text(max_size=12), max_size=20))
def test_every_title_is_looked_at_once(titles):
    assert sorted(beside_like(titles)) == sorted(titles)
