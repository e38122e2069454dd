"""The handbook (操作手册): the day in pictures, a card for each role, and what to do when something goes wrong.

It is written for who holds the vote. The admin is in Chinese alone, so its texts stand here and not in
a catalogue. What a page calls by name stands in brackets, [截止投票], and a test holds it to that name.
"""

import re
from dataclasses import dataclass

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

NAMED = re.compile(r"\[(.+?)\]")


def marked(text: str) -> SafeString:
    """Return `text` with what stands in brackets in bold, as HTML."""
    parts = NAMED.split(text)
    pairs = ((("b" if place % 2 else "span"), part) for place, part in enumerate(parts) if part)
    return format_html_join("", "<{0}>{1}</{0}>", pairs)


@dataclass(frozen=True)
class Scene:
    """A part of the day: what is done, in order, and the picture of its page in `static/handbook/`."""

    title: str
    picture: str
    steps: tuple[str, ...]

    @property
    def file(self) -> str:
        return f"handbook/{self.picture}.jpg"

    @property
    def lines(self) -> list[SafeString]:
        return [marked(step) for step in self.steps]


@dataclass(frozen=True)
class Card:
    """What one role does on the day, on one page of paper."""

    role: str
    duty: str
    steps: tuple[str, ...]

    @property
    def lines(self) -> list[SafeString]:
        return [marked(step) for step in self.steps]


@dataclass(frozen=True)
class Question:
    """What may go wrong, and what to do then."""

    asked: str
    answer: str

    @property
    def line(self) -> SafeString:
        return marked(self.answer)


SCENES = (
    Scene(
        "会前：按八项准备",
        "start",
        (
            "登录后台，首页“从这里开始”按次序列出八件事，办好一件打一个 ✓，点名称就到办理的页面。",
            "代表名册、候选项目都可以从表格导入：先预览，核对无误再导入。",
            "投票卡打印后逐张核对、分装；投票码只在打印时出现一次，系统里查不到。",
            "至少演练一次：在票决进程中[复制]为演练，用正式的网址和印好的投票卡走完全程。",
        ),
    ),
    Scene(
        "会前：生成票箱密钥",
        "draft",
        (
            "[生成票箱密钥]：保管人逐一上前，各自打印或抄写自己的一份，装袋自存。每份只显示一次。",
            "[试开票箱密钥]：保管人当场输入，由一名监票人签名。没有试开过的密钥不能使用。",
            "“开始投票前检查”中 ✗ 必须解决，△ 请留意；每一行都有链接通往办理的页面。",
        ),
    ),
    Scene(
        "当天：报到",
        "presence",
        (
            "[代表报到]：按代表团记录，或用姓名、代表证号查找；门口用[扫卡报到]。",
            "到会人数达到法定人数后才能开始。投票期间迟到的代表可以继续报到。",
        ),
    ),
    Scene(
        "当天：开始投票",
        "open",
        (
            "[开始投票]页列出规则、候选项目、名册人数和工作人员，请逐项核对，打印[开始投票核对单]宣读。",
            "请监票人抄下页面上的核对码。开始后，候选项目、规则和名册不能再改。",
            "[会场大屏]：生成网址，在大屏的电脑上打开。",
        ),
    ),
    Scene(
        "当天：投票",
        "voting",
        (
            "票决进程页随时显示已投票人数和各代表团的情况，不用刷新。",
            "系统只知道谁已投票，不知道选了什么。请提醒未投票的代表，不要代为操作。",
            "主持人宣布后[截止投票]，输入页面上的已投票人数以确认。",
        ),
    ),
    Scene(
        "当天：开箱和归并",
        "box",
        (
            "打印[清点报告]，总监票人签名后交主持人；主持人宣布本次表决有效后再开箱。",
            "[开启票箱]：保管人当众输入密钥份额，够数即可开启。",
            "有推荐项目的，逐条归并：并入、单列或不予计票。归并时看不到任何得票数。由会务和监票各一人签名结束。",
        ),
    ),
    Scene(
        "当天：计票和复核",
        "count",
        (
            "[计票]由会务办理；[复核计票结果]由监票人各用自己的账号办理，其中一名是总监票人。",
            "数据有疑问就[退回]，重新归并、计票，原来的计票结果保留备查。",
        ),
    ),
    Scene(
        "当天：公布和揭晓",
        "reveal",
        (
            "[公布结果]由会务办理，复核过的人不能公布；须输入通过的项目数。",
            "公布后大屏先显示标题，按主持人的指令[揭晓下一项]；全部揭晓后，代表的手机上才看到结果。",
            "打印[报告单]、[公告]和[宣布词]。异议期满后，由会务和监票各一人签名[归档]。",
        ),
    ),
)

CARDS = (
    Card(
        "会务",
        "办理票决的每一步，不复核。",
        (
            "开会前一小时：登录后台，首页应显示今天的票决；投影打开[会场大屏]。",
            "门口报到：[扫卡报到]或[代表报到]。没带卡的代表按姓名报到，另发新卡。",
            "主持人宣布后：核对[开始投票]页，按下开始。",
            "投票中：看未投票的代表团，派人提醒；不替代表操作，不看代表屏幕。",
            "主持人宣布后：[截止投票]，打印[清点报告]，请总监票人签名后送主持人。",
            "主持人宣布有效后：请保管人到场，[开启票箱]；归并推荐项目；[计票]。",
            "复核完成后：[公布结果]，听主持人指令[揭晓下一项]。",
            "会后：打印[报告单]、[公告]，监票人签字；异议期满后[归档]。",
        ),
    ),
    Card(
        "监票人",
        "监督密钥、开箱和计票，复核结果。",
        (
            "试开密钥时在场，并在系统中签名。",
            "开始投票时抄下核对码和操作记录核对号，当场与大屏、核对单对照。",
            "截止时核对已投票人数；开箱时在保管人身旁，不看、不抄密钥份额。",
            "归并推荐项目时与会务逐条商定，结束时签名。",
            "计票后用自己的账号[复核计票结果]：看清每一行数据，相符才确认，不符就[退回]。",
            "在[报告单]上签字。",
            "别人请您作第二人签名时，先看清事项和原因；在自己的页面“待签名”中签更稳妥。",
        ),
    ),
    Card(
        "总监票人",
        "监票人的工作之外，还有下列几项。",
        (
            "两名复核人中必须有总监票人。",
            "代表来电说“不是我投的”时，请其出示投票卡，查回执编号，报主持人。",
            "有表决票无法证明由本系统收下时，经主席团决定，由总监票人签名封存后截止。",
            "宣布作废、登记会议决定、归档，都须会务和监票各一人签名。",
            "宣布计票结果前，再核对一次：应到、实到、发出、收回、有效、弃权、无效。",
        ),
    ),
    Card(
        "主持人",
        "宣布，不操作。",
        (
            "报告应到、实到人数，宣布符合法定人数。",
            "宣读票决办法要点：最多选几项、可否少选、可否推荐新项目、怎样算通过。",
            "宣布开始投票。请代表扫描自己投票卡上的二维码，核对姓名后填写、核对、提交，看到回执才算完成。",
            "看大屏：未投票的人数为零或时间已到，询问还有没有代表未投票，宣布截止。",
            "收到[清点报告]：宣读应到、实到、发出、收回，宣布本次表决有效或无效。",
            "总监票人报告计票结果后，按[宣布词]宣读，每宣读一项，示意会务揭晓一项。",
            "得票相同或通过的不足时，按表决办法交主席团决定：再次票决、补充票决，或登记会议决定。",
        ),
    ),
    Card(
        "技术",
        "保障网络、电源和服务器，不办理票决，不接触密钥份额。",
        (
            "会前：用会场的网络和真正的手机，扫印好的投票卡，走一遍演练。",
            "会前：做好备份并离线保存；票决进程页“系统状态”各行应为 ✓。",
            "会前：备用路由器、备用电源、两台公用平板（打开 /tablet/ 设置）。",
            "投票中：不升级、不改设置、不动数据库；看“系统状态”。",
            "断网：先报会务暂停投票，再修。已收到回执的票都在。",
            "断电、死机：重新启动服务器即可继续。绝不恢复旧的备份，那会丢失此后收到的票。",
            "会后：按归档页列出的清单销毁备份。",
        ),
    ),
)

QUESTIONS = (
    Question(
        "代表的投票卡丢了、忘带了",
        "在代表名册中勾选该代表，选“发新卡（原卡作废）”，当场打印。投票期间须另一位工作人员签名。已经投过的票不受影响，新卡不能再投一次。",
    ),
    Question(
        "手机没电、没带手机、不会用",
        "请到公用平板，输入投票卡上的16位投票码。平板不留任何选择，用完自动退出。",
    ),
    Question(
        "二维码扫不出来，或微信提示不能打开",
        "用手机浏览器打开投票卡上印的网址，输入16位投票码。换用相机或浏览器扫码也可以。",
    ),
    Question(
        "投票码输错几次，要等待",
        "等页面上写的几分钟；或在代表名册中勾选该代表，选“解除等待”。请先核对卡上的号码和本人。",
    ),
    Question(
        "走错了门、坐错了代表团",
        "不要紧。卡认人不认门，在任何一处报到都记在本人名下，投票也一样。名册上的代表团写错了，开始前在代表名册中更正，再[生成或更新名册]；开始后名册不再改，不影响投票。",
    ),
    Question(
        "代表迟到",
        "投票期间可以继续报到，报到后即可投票。截止后不能补投。",
    ),
    Question(
        "误记了报到",
        "开始前在[代表报到]中改回。开始后、该代表尚未投票的，用[撤销到会]，须注明原因，由另一人签名。",
    ),
    Question(
        "代表不在名册上",
        "开始前：先在代表名册中新增，再[生成或更新名册]。开始后：[增补代表]，须注明依据，由另一人签名。",
    ),
    Question(
        "代表被暂停执行职务",
        "在代表名册中“更改状态”，投票期间须注明原因并由另一人签名。还没有投票的，不能再投，也不计入实到；已投的票照常有效。",
    ),
    Question(
        "代表说提交时断了网，不知道投上没有",
        "请再扫一次投票卡：显示已经投票和回执编号，就是投上了；能填写，就是没有投上，所选还在手机里。不会重复计票。",
    ),
    Question(
        "代表提交后想改",
        "不能改。提交前有一页“核对”，请提醒代表看清再提交。",
    ),
    Question(
        "会场断网",
        "先[暂停投票]，修好后[恢复投票]。代表填好的内容保留在各自手机上。设有截止时间、来不及的，用[延长截止时间]，须由另一人签名。",
    ),
    Question(
        "开始后发现候选项目写错",
        "开始后不能改。请暂停投票，报主席团：错误不影响表决的，口头说明后恢复；影响表决的，由会务和监票签名[宣布作废]，再[另建草稿]，更正后重新生成密钥、核对实到、投票。",
    ),
    Question(
        "密钥份额丢了一份",
        "开箱只需页面上写明的份数，其余够数就能开。尚未开始投票的，重新生成密钥并试开最稳妥。已经开始、剩下的不够数，票箱无法开启，只能[宣布作废]，重新投票。",
    ),
    Question(
        "密钥份额输入有误",
        "对照纸上逐段核对，字母和数字不要混淆。每份自带校验，输错不会损坏票箱，可以重输。",
    ),
    Question(
        "得票相同，或通过的项目不足",
        "系统不会替会议决定。复核后可以发起[再次票决]、[补充票决]，或[按会议决定登记结果]，也可以让名额留空后公布。",
    ),
    Question(
        "复核时发现数据不符",
        "不要确认。由监票人[退回]并写明原因，重新计票；仍不符的，保留现场，联系技术人员，报主席团。",
    ),
    Question(
        "大屏黑屏，或网址被外人看到",
        "在[会场大屏]中重新生成网址，旧网址随即失效，在大屏的电脑上打开新网址。",
    ),
    Question(
        "工作人员忘记密码、被锁定",
        "连续输错须等几分钟，也可以由管理该账号的人在“工作人员”中解除等待。忘记的，会务账号由会务重设，监票账号由总监票人重设；正式票决进行中重设须另一位工作人员签名。",
    ),
    Question(
        "第二位签名人不在身边",
        "只填他的姓名，不填密码；他在自己的电脑或手机上登录，在“待签名”中签名，十分钟内有效。您再按一次按钮即可。",
    ),
)


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Show the handbook to all staff: it tells nothing of any poll."""
    context = {
        "title": gettext("操作手册"),
        "scenes": SCENES,
        "cards": CARDS,
        "questions": QUESTIONS,
    }
    return render(request, "admin/handbook.html", admin.site.each_context(request) | context)
