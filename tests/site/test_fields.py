"""Every field in which people type gives out the one normal form, and looks at nothing far too long."""

from collections.abc import Iterator
from typing import Any

import pytest
from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import RequestFactory
from django.urls import get_resolver

from tests.helpers.looking import MARKS, lengths_looked_at
from yiwu_vote.fields import LONGEST, Typed

# What is compared sign by sign and never shown or kept: names of accounts, secrets, tokens of ours.
EXACT = {
    *("SecondPersonForm.second_name", "SecondPersonForm.second_password", "LogInForm.password"),
    *(
        "TableForm.pasted",
        "DoorForm.card",
        "RulingForm.seen",
        "BackForm.seen",
        "PresenceForm.delegation",
        "UserCreationForm.username",
        # A whole table: its reader takes each cell in the normal form.
        "TableForm.pasted",
    ),
}
# Django's own pages of a group, which this program does not use.
OURS = ("ballots.", "projects.", "yiwu_vote.")


def all_below(kind: type[forms.BaseForm]) -> Iterator[type[forms.BaseForm]]:
    for below in kind.__subclasses__():
        yield below
        yield from all_below(below)


def is_exact(form: type[forms.BaseForm], name: str, field: forms.Field) -> bool:
    return bool(field.widget.is_hidden) or any(
        f"{kind.__name__}.{name}" in EXACT for kind in form.__mro__
    )


def test_whatever_people_type_into_a_form_comes_out_in_the_normal_form():
    get_resolver().reverse_dict  # noqa: B018 - every page and its forms are imported by it
    loose = {
        f"{form.__name__}.{name}"
        for form in [*all_below(forms.Form), *all_below(forms.ModelForm)]
        if form.__module__.startswith(OURS)
        for name, field in form.base_fields.items()  # type: ignore[attr-defined]
        if type(field) is forms.CharField and not is_exact(form, name, field)
    }

    assert not loose


@pytest.mark.django_db
@pytest.mark.parametrize("label", ["projects.poll", "projects.project", "auth.user"])
def test_the_columns_of_text_that_the_admin_offers_are_typed(label):
    request = RequestFactory().get("/")
    request.user = User.objects.create_superuser("root", password="x")
    page = next(
        page for model, page in admin.site._registry.items() if model._meta.label_lower == label
    )
    kept = request.user if label == "auth.user" else None
    fields: Any = page.get_form(request, kept, change=kept is not None).base_fields
    texts = {
        name
        for name, field in fields.items()
        if isinstance(field, forms.CharField) and not field.widget.is_hidden
    }
    typed = {name for name in texts if isinstance(fields[name], Typed)}
    # An account's own name, its address and its hashed password have fields of their own.
    assert texts - typed <= {"username", "email", "password"}
    assert typed


@pytest.mark.parametrize(
    ("typed", "seen"),
    [(" 建\u200b公园\ufe0f ", "建公园"), ("\u3164", ""), ("一\r\n二", "一 二"), ("   ", "")],
)
def test_a_field_gives_out_what_can_be_seen(typed, seen):
    assert Typed(required=False).clean(typed) == seen


def test_a_field_of_lines_keeps_them():
    assert Typed(lines=True).clean("一 \r\n\u200b二\r\n") == "一\n二"


def test_the_length_is_that_of_what_can_be_seen():
    # Case 44: what was pasted along does not count.
    assert Typed(max_length=3).clean("建\u200b公\u200b园\u200b") == "建公园"
    with pytest.raises(forms.ValidationError):
        Typed(max_length=3).clean("建公园乙")


@pytest.mark.parametrize("limit", [{}, {"max_length": 30}, {"limit": 30}])
def test_a_text_far_too_long_is_not_looked_at(limit, monkeypatch):
    lengths = lengths_looked_at(monkeypatch)
    field = Typed(**limit)

    if "limit" in limit:
        assert field.clean(MARKS) == MARKS
    else:
        with pytest.raises(forms.ValidationError):
            field.clean(MARKS)
    assert field.bound_data(MARKS, None) == MARKS
    assert not lengths
    assert field.limit in {30, LONGEST}


def test_a_nul_goes_as_all_that_nobody_sees():
    field = Typed(required=False, max_length=5)

    assert field.clean("建\0公园") == "建公园"
    assert field.clean("\0") == ""
    assert field.bound_data("建\0公园", None) == "建公园"
    assert Typed(limit=5).clean("\0" + "字" * 99) == "字" * 99


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("字" * 6, "最多5个字，现有6个字，请缩短。"),
        ("\0" + "字" * 6, "最多5个字，现有6个字，请缩短。"),
        ("字" * 9_000, "最多5个字，现有9000个字，请缩短。"),
        ("\0\u200b", "这个字段是必填项。"),
    ],
)
def test_what_a_field_refuses_it_refuses_in_our_words(typed, words):
    with pytest.raises(forms.ValidationError) as refusal:
        Typed(max_length=5).clean(typed)

    assert refusal.value.messages == [words]


def test_a_page_that_comes_back_shows_no_sign_that_cannot_be_seen_and_else_what_was_typed():
    # Case 44.
    field = Typed()

    assert field.bound_data(" 建\u200b公园 ", None) == "建公园"
    assert field.bound_data(" 建 公园 ", None) == " 建 公园 "
    assert field.bound_data(None, None) is None
