"""The page that makes the draft of a 满意度测评 of the projects of a year."""

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ballots.acts.year import assessing
from ballots.admin.forms import tell
from ballots.admin.guard import StaffRequest, posted
from ballots.admin.year.pages import of_year, page
from ballots.refusal import Refused
from projects.choices import Body
from projects.models import Poll
from projects.year.models import AdoptedPart, Year
from yiwu_vote.fields import Typed

WHOLE, PART = "whole", "part"


class AssessForm(forms.Form):
    """At which meeting, by which body, and whether each project is judged or each of its sub-items."""

    meeting = Typed(
        label=_("会议名称"),
        max_length=Poll._meta.get_field("meeting").max_length or 0,
        help_text=_(
            "与同次会议的其他票决写得完全一样，到会就一起记，代表用同一张投票卡，首页一并列出。"
        ),
    )
    body = forms.ChoiceField(
        label=_("由谁测评"),
        choices=Body.choices,
        initial=Body.CONGRESS,
        widget=forms.RadioSelect,
        help_text=_("常务委员会以常委会组成人员为名册，以全体组成人员为基数。"),
    )
    judged = forms.ChoiceField(
        label=_("测评什么"),
        choices=[(WHOLE, _("逐个项目")), (PART, _("逐个子项；没有子项的，按项目"))],
        initial=WHOLE,
        widget=forms.RadioSelect,
    )


@of_year(by_office=True)
def assess(request: StaffRequest, year: Year) -> HttpResponse:
    """Make the draft, and go on to its day: roll, key and rules are seen to there."""
    form = AssessForm(posted(request))
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            draft = assessing.draft_assessment(
                year,
                meeting=said["meeting"],
                body=Body(said["body"]),
                by_part=said["judged"] == PART,
                by=request.user,
            )
        except Refused as refusal:
            tell(form, refusal)
        else:
            words = gettext(
                "满意度测评的草稿已建立，共%(count)d项。请填写测评办法、核对满意界限，"
                "再生成名册和票箱密钥。"
            )
            messages.success(request, words % {"count": draft.projects.count()})
            return redirect("admin:ballots_pollday_change", draft.pk)
    title = gettext("%(year)d年实事项目满意度测评") % {"year": year.year}
    context = {
        "year": year,
        "forms": [form],
        "projects": year.projects.count(),
        "parts": AdoptedPart.objects.filter(project__year=year).count(),
    }
    return page(request, "assess", title, context)
