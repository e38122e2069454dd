"""What a preview shows, signed and handed back by the page that confirms it.

So nothing is kept on the server between preview and confirmation, and what is written is what was
shown. It is the rows and not the file that travel: a file of 2 MB as text would not pass the limit
on form data.
"""

from collections.abc import Iterable
from dataclasses import astuple
from typing import Any

from django import forms
from django.core import signing
from django.utils.translation import gettext_lazy as _

# A preview that nobody confirms within this time is made again (seconds).
AGE_LIMIT = 60 * 60


def signed(rows: Iterable[Any], salt: str) -> str:
    """Return the fields of `rows`, dataclasses, as text that only this site can have written."""
    return signing.dumps([list(astuple(row)) for row in rows], salt=salt, compress=True)


def unsigned(text: str, salt: str) -> list[list[Any]]:
    """Return what `signed` was given, or raise ValidationError if it is not so or too old."""
    try:
        rows: list[list[Any]] = signing.loads(text, salt=salt, max_age=AGE_LIMIT)
    except signing.BadSignature:
        raise forms.ValidationError(_("预览已过期，请重新上传。"), code="expired") from None
    return rows
