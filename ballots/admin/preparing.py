"""The steps before the vote, as pages: the roll and the key."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.http import HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ballots import journal, roles
from ballots.acts import ceremony, roll
from ballots.acts.ceremony import HOLDER_LIMIT
from ballots.admin.forms import SecondPersonForm, SharesForm
from ballots.admin.guard import Day, StaffRequest, posted, qr_svg, show, step, take
from ballots.admin.moving import moving
from ballots.models import BallotBox, Delegate
from ballots.pure.progress import Watch
from projects.models import Poll
from projects.phases import DRAFT
from yiwu_vote.fields import Typed

# --- the roll -------------------------------------------------------------------------------------


@step(
    "roll",
    _("生成或更新名册"),
    _(
        "按在任代表（由常务委员会表决的，按在任的常委会组成人员）生成本次票决的名册。开始投票前可以重复办理，已记录的到会不受影响。"
    ),
    who=roles.is_office,
    phases=DRAFT,
)
def draw_up_roll(request: StaffRequest, poll: Poll) -> HttpResponse:
    def act(_watch: Watch) -> str:
        count = roll.draw_up_roll(poll, by=request.user)
        return gettext("名册已更新，共%(count)d人。") % {"count": count}

    drawing = moving(request, poll, act, over=Delegate.objects.all())
    return take(request, poll, drawing, on_roll=poll.roll.count())


# --- the key --------------------------------------------------------------------------------------


class KeyForm(forms.Form):
    """Who keeps the shares of a new key, a name for each, under one of the schemes offered.

    `ceremony` is the number of the key that the page was made for: a page that is sent twice, by a
    double click or by reloading the sheets, must not void the shares that were just printed. The
    names `offered` are of those who kept the shares before; without a scheme it is theirs.
    """

    SCHEMES = {"3-5": (3, 5), "2-3": (2, 3)}
    SIMPLE = {"1-2": (1, 2)}

    scheme = forms.CharField(widget=forms.HiddenInput)
    ceremony = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(
        self,
        data: Any = None,
        *,
        poll: Poll,
        scheme: str,
        ceremony: int,
        offered: Sequence[str] = (),
    ) -> None:
        super().__init__(data)
        self.last_ceremony = ceremony
        schemes = self.SIMPLE if poll.simple else self.SCHEMES
        theirs = [name for name, (_share, holders) in schemes.items() if holders == len(offered)]
        usual = theirs[0] if theirs else next(iter(schemes))
        self.chosen_scheme = scheme if scheme in schemes else usual
        self.threshold, holders = schemes[self.chosen_scheme]
        names = dict(enumerate(offered, start=1))
        self.fields["scheme"].initial = self.chosen_scheme
        self.fields["ceremony"].initial = ceremony
        for position in range(1, holders + 1):
            label = _("保管人%(place)d姓名") % {"place": position}
            widget = forms.TextInput(attrs={"autocomplete": "off"})
            self.fields[f"holder_{position}"] = Typed(
                label=label,
                max_length=HOLDER_LIMIT,
                widget=widget,
                initial=names.get(position, ""),
            )

    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("ceremony") != self.last_ceremony:
            raise forms.ValidationError(
                _("密钥在您打开本页之后已经生成。如确需作废重来，请从票决进程重新进入本页。"),
                code="made-before",
            )
        return self.cleaned_data

    @property
    def holders(self) -> list[str]:
        return [text for name, text in self.cleaned_data.items() if name.startswith("holder_")]


@step(
    "key",
    _("生成票箱密钥"),
    _("密钥分成几份，每位保管人各一份，只显示一次。系统不保存密钥。"),
    who=roles.has_office,
    phases=DRAFT,
)
def make_key(request: StaffRequest, poll: Poll) -> HttpResponse:
    """Make the key; the answer is the share sheets, which exist in this answer and nowhere else."""
    box = request.day.box
    data = posted(request)
    form = KeyForm(
        data,
        poll=poll,
        scheme=(request.GET if data is None else data).get("scheme", ""),
        ceremony=box.ceremony if box else 0,
        offered=box.holders if box else poll.holders,
    )

    def act() -> HttpResponse:
        sheets = ceremony.make_key(
            poll, holders=form.holders, threshold=form.threshold, by=request.user
        )
        shown = [{"sheet": sheet, "qr": qr_svg(sheet.text)} for sheet in sheets]
        context = {
            "sheets": shown,
            "box": BallotBox.objects.get(poll=poll),
            "holders": len(sheets),
            "head": journal.head(poll),
        }
        return show(request, poll, "preparing/key-sheets", gettext("密钥份额"), context)

    schemes = [
        {
            "name": name,
            "threshold": threshold,
            "holders": holders,
            "chosen": name == form.chosen_scheme,
        }
        for name, (threshold, holders) in KeyForm.SCHEMES.items()
    ]
    return take(request, poll, act, form, box=box, schemes=[] if poll.simple else schemes)


def _has_key(day: Day) -> bool:
    return day.box is not None


@step(
    "test",
    _("试开票箱密钥"),
    _("请保管人当场输入各自的份额，确认密钥可用，由一名监票人签名。未试开的密钥不能用于投票。"),
    who=roles.has_office,
    phases=DRAFT,
    fits=_has_key,
)
def try_key(request: StaffRequest, poll: Poll) -> HttpResponse:
    box = poll.box
    form = SharesForm(posted(request), box=box, poll=poll)
    # A scrutineer who does it himself has signed; in a rehearsal nobody need.
    is_signed = poll.is_rehearsal or roles.is_scrutineer(request.user)
    second = SecondPersonForm(posted(request), request=request, optional=is_signed)

    def act() -> str:
        ceremony.test_key(poll, texts=form.texts, by=request.user, second=second.person)
        return gettext("试开成功，票箱密钥可以使用。")

    filled = [form] if is_signed else [form, second]
    return take(request, poll, act, *filled, box=box)
