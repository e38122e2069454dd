"""The second factor of a superuser: six digits that his phone shows, or a code from paper (design §6.3).

The arithmetic is django-otp's. What it stores is no secret here: the phone's is derived under
SECRET_KEY (`Authenticator`), and of the codes on paper only keyed digests are kept.
"""

import logging
import secrets

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken

from ballots.models import Authenticator
from ballots.refusal import Refusals
from ballots.staff.waits import give_back, key_of_codes, take_place

logger = logging.getLogger("ballots")
refused = Refusals({"wrong-code": _("验证码不正确，请用手机上现在显示的6位数字。")})

# Where a session keeps which phone, or whose paper, it was opened with.
PASSED = "second-factor"
PAPER_CODES = 10
PAPER_DIGITS = 12
# Characters of what anybody types as a code; the longest right one has blanks in it.
LONGEST = 40


def is_asked_of(user: User) -> bool:
    """Tell whether `user` shows a second factor on this site."""
    return bool(settings.SECOND_FACTOR and user.is_superuser)


def is_due(request: HttpRequest) -> bool:
    """Tell whether the password was right and the second factor is still to come."""
    user = request.user
    if not isinstance(user, User) or not is_asked_of(user):
        return False
    phone = phone_of(user)
    return phone is None or request.session.get(PASSED) != phone.pk


def phone_of(user: User) -> Authenticator | None:
    """Return the phone that `user` has bound to his account."""
    return Authenticator.objects.filter(user=user, confirmed=True).first()


def codes_left(user: User) -> int:
    """Return how many codes on the paper of `user` have not been used."""
    return StaticToken.objects.filter(device__user=user).count()


def begin_binding(user: User) -> Authenticator:
    """Return the phone that waits to be bound: its address is the QR code to scan."""
    waiting = Authenticator.objects.filter(user=user, confirmed=False).first()
    return waiting or Authenticator.objects.create(user=user, confirmed=False)


def bind(request: HttpRequest, user: User, typed: str) -> list[str]:
    """Bind the phone that shows `typed` in place of any other; return the codes for the paper.

    Nobody can read them again, and other sessions of this person need the new phone. Raises
    Refused("wrong-code", "wait").
    """
    take_place(key_of_codes(user))
    codes = [f"{secrets.randbelow(10**PAPER_DIGITS):0{PAPER_DIGITS}}" for _ in range(PAPER_CODES)]
    with transaction.atomic():
        phones = Authenticator.objects.select_for_update().filter(user=user)
        phone = phones.filter(confirmed=False).first()
        if phone is None or not _is_shown_by(phone, digits_of(typed)):
            raise refused("wrong-code")
        phone.confirmed = True
        phone.save()
        phones.exclude(pk=phone.pk).delete()
        StaticDevice.objects.filter(user=user).delete()
        paper = StaticDevice.objects.create(user=user, name="paper")
        StaticToken.objects.bulk_create(
            [StaticToken(device=paper, token=_digest(user, code)) for code in codes]
        )
    _let_pass(request, user, phone, "bound")
    return codes


def check(request: HttpRequest, user: User, typed: str) -> None:
    """Let `user` pass whose phone shows `typed`, or on whose paper it stands unused.

    Each is taken once. Raises Refused("wrong-code", "wait").
    """
    take_place(key_of_codes(user))
    digits = digits_of(typed)
    with transaction.atomic():
        phone = Authenticator.objects.select_for_update().filter(user=user, confirmed=True).first()
        paper = StaticDevice.objects.select_for_update().filter(user=user).first()
        is_from_paper = paper is not None and paper.verify_token(_digest(user, digits))
        if phone is None or not (is_from_paper or _is_shown_by(phone, digits)):
            raise refused("wrong-code")
    _let_pass(request, user, phone, "passed from paper" if is_from_paper else "passed")


def digits_of(typed: str) -> str:
    """Return the digits of what was typed, of any width, without what parts them."""
    return "".join(str(int(sign)) for sign in typed[:LONGEST] if sign.isdecimal())


def _is_shown_by(phone: Authenticator, digits: str) -> bool:
    return len(digits) == phone.digits and bool(phone.verify_token(digits))


def _digest(user: User, code: str) -> str:
    """Return what is kept of a code on paper, as long as django-otp's column is."""
    text = f"{user.pk}\0{code}"
    return salted_hmac("ballots.paper-code", text, algorithm="sha256").hexdigest()[:16]


def _let_pass(request: HttpRequest, user: User, phone: Authenticator, how: str) -> None:
    give_back(key_of_codes(user))
    # Who holds the session from before has a password and no more.
    request.session.cycle_key()
    request.session[PASSED] = phone.pk
    logger.info("second factor of account %d: %s", user.pk, how)
