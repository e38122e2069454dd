"""A member of staff at a desk: in the admin by Django's test client, at the day of a poll."""

from typing import Any

from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from projects.models import Poll
from tests.helpers.factories import PASSWORD


def desk_of(user: User) -> Client:
    """Return a browser in which `user` has logged in."""
    client = Client()
    client.force_login(user)
    return client


def at(poll: Poll, name: str = "change") -> str:
    """Return the address of the day of `poll`, or of the step or paper of that name."""
    return reverse(f"admin:ballots_pollday_{name}", args=[poll.pk])


def press_open(desk: Client, poll: Poll) -> Any:
    """Look at the page of the opening and press its button; return what is shown then."""
    page = desk.get(at(poll, "open"))
    return desk.post(at(poll, "open"), {"looked": page.context["forms"][0].now}, follow=True)


def signed_by(user: User) -> dict[str, str]:
    """Return what the second person types below a step that asks for one."""
    return {"second_name": user.username, "second_password": PASSWORD}


def messages_of(reply: Any) -> list[str]:
    """Return the messages that stand above a page."""
    return [str(message) for message in reply.context["messages"]]


def faults_of(reply: Any) -> list[str]:
    """Return every fault that a page tells, form by form and field by field."""
    return [
        str(fault)
        for form in reply.context["forms"]
        for faults in form.errors.values()
        for fault in faults
    ]


def queries_of(desk: Client, address: str) -> list[str]:
    """Return what the page at `address` asks the database."""
    with CaptureQueriesContext(connection) as queries:
        assert desk.get(address).status_code == 200
    return [query["sql"] for query in queries]


def upload(desk: Client, address: str, *lines: str, **fields: Any) -> Any:
    """Send a table of these lines, the first of which is its header, to the page at `address`."""
    file = SimpleUploadedFile("表.csv", "\r\n".join(lines).encode())
    return desk.post(address, {"file": file} | fields)


def confirmation(preview: Any) -> dict[str, Any]:
    """Return what the button below the preview of an import sends."""
    form = preview.context["confirm"]
    return {name: form[name].value() or "" for name in form.fields}


def fields_of(reply) -> dict[str, object]:
    """Return what the page's admin form would send if nobody touched it."""
    form = reply.context["adminform"].form
    values = {name: form[name].value() for name in form.fields}
    for inline in reply.context["inline_admin_formsets"]:
        formset = inline.formset
        for part in [formset.management_form, *formset.forms]:
            values |= {part.add_prefix(name): part[name].value() for name in part.fields}
    # A browser leaves out what is empty and what is not ticked; 0 is neither.
    return {
        name: value for name, value in values.items() if value is not None and value is not False
    }
