"""The pages of the roll's import, where others work on the same register."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from ballots.models import Delegate
from tests.helpers.factories import make_delegates, make_office

pytestmark = pytest.mark.django_db

IMPORT = "admin:ballots_delegate_import"


def test_a_register_that_changed_after_the_preview_is_told_and_nothing_is_written(client):
    client.force_login(make_office())
    make_delegates(1)
    content = "代表证号,姓名,代表团\r\n001,改名,城区代表团".encode()
    preview = client.post(
        reverse(IMPORT), {"file": SimpleUploadedFile("名册.csv", content), "add_delegations": "on"}
    )
    confirm = preview.context["confirm"]
    Delegate.objects.update(phone="13800000000")

    reply = client.post(
        reverse(IMPORT), {name: confirm[name].value() or "" for name in confirm.fields}
    )

    assert [str(message) for message in reply.context["messages"]] == [
        "没有导入：代表名册在预览之后有变动，请重新上传。"
    ]
    assert reply.context["forms"][0]["add_delegations"].value()
    assert Delegate.objects.get().name == "代表1"


def test_a_list_of_problems_that_is_too_old_leads_back_to_the_upload(client):
    client.force_login(make_office())

    reply = client.post(
        reverse("admin:ballots_delegate_import-errors"), {"problems": "x"}, follow=True
    )

    assert reply.redirect_chain == [(reverse(IMPORT), 302)]
    assert [str(message) for message in reply.context["messages"]] == ["预览已过期，请重新上传。"]
