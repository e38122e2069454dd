"""Rows show that this server wrote them: the valid cards that there are, by the key of today.

Marks and envelopes of a poll that is open are left as they are: its opening says of itself that it
was before that, and its close demands no more of them.
"""

import hmac
from typing import Any

from django.conf import settings
from django.db import migrations, models
from django.utils.crypto import salted_hmac


def sign_cards(apps: Any, schema_editor: Any) -> None:
    """Give each valid card that this server made its MAC, as `facts.keyed.card_mac` did at the time.

    One that was made with another SECRET_KEY signs nobody in, and proves nothing either.
    """
    check = salted_hmac("ballots.card.key", "", algorithm="sha256").hexdigest()[:16]
    key = hmac.digest(settings.SECRET_KEY.encode(), b"ballots.mac.card", "sha256")
    cards = apps.get_model("ballots", "AccessCard").objects
    signed = []
    for card in cards.filter(revoked_at__isnull=True, key_check__in=["", check]):
        bound = f"{card.delegate_id}\0{card.code_digest}\0{card.token_digest}"
        card.mac = hmac.digest(key, bound.encode(), "sha256").hex()[:32]
        signed.append(card)
    cards.bulk_update(signed, ["mac"], batch_size=500)


class Migration(migrations.Migration):
    dependencies = [("ballots", "0016_authenticators")]

    operations = [
        *(
            migrations.AddField(
                model_name=name,
                name="mac",
                field=models.CharField(blank=True, default="", editable=False, max_length=32),
            )
            for name in ("accesscard", "rollentry", "envelope")
        ),
        migrations.AddField(
            model_name="sealedballot",
            name="set_apart",
            field=models.BooleanField(default=False),
        ),
        migrations.RemoveConstraint(model_name="ballot", name="ballot_reason_is_known"),
        migrations.AlterField(
            model_name="ballot",
            name="invalid",
            field=models.CharField(
                blank=True,
                choices=[
                    ("", "有效"),
                    ("not-opened", "无法开启"),
                    ("malformed", "格式错误"),
                    ("other-poll", "属于其他票决"),
                    ("repeated", "与另一张表决票完全重复"),
                    ("rules", "不符合票决规则"),
                    ("set-apart", "封存未开启"),
                ],
                default="",
                max_length=16,
            ),
        ),
        migrations.AddConstraint(
            model_name="ballot",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    invalid__in=[
                        *("", "not-opened", "malformed", "other-poll"),
                        *("repeated", "rules", "set-apart"),
                    ]
                ),
                name="ballot_reason_is_known",
            ),
        ),
        migrations.RunPython(sign_cards, migrations.RunPython.noop),
    ]
