"""Rows: the roll, the cards, the box, the ballots, the journal; what the database itself refuses.

Before the close a sealed envelope stands beside its roll entry; after it nothing joins a delegate
to a ballot. Ballots have no time, no sequence and no link to a person (design §5).
"""

import json
import uuid
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Case, Exists, F, OuterRef, Q, Value, When
from django.db.models.functions import Length
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.functional import cached_property
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_totp.models import TOTPDevice

from ballots.pure import sealing
from ballots.pure.figures import Figures, Stored, current
from ballots.pure.identity import PLACE_LIMIT
from ballots.pure.rules import Rules
from projects.choices import known
from projects.models import Poll, Project
from projects.year.models import NOTE_LIMIT, AdoptedProject
from yiwu_vote import texts

models.CharField.register_lookup(Length)


def rules_of(poll: Poll) -> Rules:
    """Return the rules of `poll` as the frozen value that sealing, casting and the count use."""
    return Rules(
        places=poll.places,
        form=poll.form,  # type: ignore[arg-type]  # the constraint holds the literal
        exactly=poll.choice_rule == Poll.ChoiceRule.EXACTLY,
        blank_allowed=poll.blank_allowed,
        proposals=poll.proposals,  # type: ignore[arg-type]
        proposal_limit=poll.proposal_limit,
        majority=poll.majority,  # type: ignore[arg-type]
        delegates_total=poll.delegates_total,
        boundary=poll.boundary,
        boundary_included=poll.boundary_included,
        whole_boundary=poll.whole_boundary,
        whole_boundary_included=poll.whole_boundary_included,
    )


class Derived(models.CharField):
    """A column that is always what `how` makes of the column `of`: written along, typed by nobody.

    It is written whenever a row is saved or made; an act that updates `of` alone writes it too.
    """

    def __init__(self, *, of: str, how: Callable[[str], str], **options: Any) -> None:
        super().__init__(max_length=DERIVED_LIMIT, editable=False, **options)
        self.of, self.how = of, how

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        value = self.how(getattr(model_instance, self.of))[:DERIVED_LIMIT]
        setattr(model_instance, self.attname, value)
        return value

    def deconstruct(self) -> Any:
        name, _path, args, options = super().deconstruct()
        return name, "django.db.models.CharField", args, options

    def clone(self) -> Any:
        """Return the column as a migration knows it, which computes nothing."""
        _name, _path, args, options = self.deconstruct()
        return models.CharField(*args, **options)


def derive(row: models.Model, of: str) -> list[str]:
    """Write the columns of `row` that are made of its column `of`; return their names.

    For acts that update several rows at once, which write only what they are told to.
    """
    columns = [
        column
        for column in row._meta.local_fields
        if isinstance(column, Derived) and column.of == of
    ]
    for column in columns:
        column.pre_save(row, add=False)
    return [column.name for column in columns]


# Twenty digits and letters in turn, each run of digits as long as `texts.ORDER_WIDTH`.
DERIVED_LIMIT = 255


# --- who takes part -------------------------------------------------------------------------------


class RegisterQuerySet(models.QuerySet["Register"]):
    def locked(self) -> "Register":
        """Return the one register under the lock that every act on it takes first.

        It comes before the lock of any poll, and polls follow in the order of their keys, so that
        no two acts wait for each other.
        """
        self.get_or_create(pk=Register.ONLY)
        return self.select_for_update(no_key=True).get(pk=Register.ONLY)


class Register(models.Model):
    """The register of delegates (代表名录), as one row: what acts on delegates and cards lock.

    Those acts belong to no poll; the journal keeps a chain of their own.
    """

    ONLY = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY, editable=False)

    objects = RegisterQuerySet.as_manager()

    class Meta:
        verbose_name = _("代表名录")
        verbose_name_plural = _("代表名录")
        default_permissions = ()
        constraints = [models.CheckConstraint(condition=Q(id=1), name="there_is_one_register")]


# Below what PostgreSQL keeps in a small column; SQLite would keep anything.
DELEGATIONS_LIMIT = 30_000


class Delegation(models.Model):
    """A delegation (代表团); it deliberates together and never votes as a bloc."""

    name = models.CharField(_("名称"), max_length=50, unique=True)
    position = models.PositiveSmallIntegerField(
        _("顺序"), default=0, validators=[MaxValueValidator(DELEGATIONS_LIMIT)]
    )
    # Empty where an older version let in a name that is another's to the eye.
    name_key = Derived(of="name", how=texts.folded, null=True)
    name_order = Derived(of="name", how=texts.number_order)

    class Meta:
        verbose_name = _("代表团")
        verbose_name_plural = _("代表团")
        ordering = ["position", "name_order", "name"]
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="delegation_has_a_name"),
            models.CheckConstraint(
                condition=Q(position__lte=DELEGATIONS_LIMIT), name="delegation_position_is_bounded"
            ),
            models.UniqueConstraint(fields=["name_key"], name="delegation_looks_like_no_other"),
        ]

    def __str__(self) -> str:
        return self.name


class DelegateStatus(models.TextChoices):
    ACTIVE = "active", _("在任")
    SUSPENDED = "suspended", _("暂停")
    OBSERVER = "observer", _("列席")
    ENDED = "ended", _("终止")


# As delegates stand on lists: by delegation, then as the office placed them, then by number.
LISTED = ["delegation__position", "delegation__name_order", "position", "number_order", "number"]
# And on a roll, under the delegation with which it was drawn up.
ROLL_LISTED = [
    "delegate__delegation__position",
    "delegate__delegation__name_order",
    "delegation",
    "delegate__position",
    "number_order",
]


class Delegate(models.Model):
    """A deputy (代表). Not a Django user: nobody can set a password for one in the admin."""

    Status = DelegateStatus
    number = models.CharField(_("代表证号"), max_length=20, unique=True)
    name = models.CharField(_("姓名"), max_length=30)
    delegation = models.ForeignKey(
        Delegation, models.PROTECT, verbose_name=_("代表团"), related_name="delegates"
    )
    position = models.PositiveIntegerField(
        _("序号"), default=0, validators=[MaxValueValidator(PLACE_LIMIT)]
    )
    phone = models.CharField(_("联系电话"), max_length=30, blank=True)
    seat = models.CharField(_("座位"), max_length=20, blank=True)
    status = models.CharField(
        _("状态"), max_length=16, choices=DelegateStatus, default=DelegateStatus.ACTIVE
    )
    # Members of a standing committee are elected from the delegates: one register, one card.
    on_committee = models.BooleanField(
        _("常委会组成人员"),
        default=False,
        help_text=_("由常务委员会表决的，名册由在任的常委会组成人员生成。"),
    )
    card_number = models.CharField(
        _("卡号"), max_length=4, unique=True, null=True, blank=True, editable=False
    )
    locked_until = models.DateTimeField(null=True, editable=False)
    failures = models.PositiveSmallIntegerField(default=0, editable=False)
    # Empty where an older version let in a number that is another's to the eye: the checklist names
    # the two, and a number that is corrected gets its key.
    number_key = Derived(of="number", how=texts.number_key, null=True)
    number_order = Derived(of="number", how=texts.number_order)
    name_key = Derived(of="name", how=texts.name_key)

    class Meta:
        verbose_name = _("代表")
        verbose_name_plural = _("代表")
        ordering = LISTED
        constraints = [
            models.UniqueConstraint(
                fields=["number_key"], name="delegate_number_looks_like_no_other"
            ),
            known("status", DelegateStatus, name="delegate_status_is_known"),
            models.CheckConstraint(
                condition=~Q(number="") & ~Q(name=""), name="delegate_has_a_number_and_a_name"
            ),
            models.CheckConstraint(
                condition=Q(position__lte=PLACE_LIMIT), name="delegate_position_is_bounded"
            ),
            models.CheckConstraint(
                condition=Q(card_number__isnull=True) | Q(card_number__length=4),
                name="delegate_card_number_has_four_digits",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}（{self.number}）"


class Namesakes(models.Model):
    """Two delegates who look like one person, and of whom the office says that they are two."""

    one = models.ForeignKey(Delegate, models.CASCADE, related_name="+")
    other = models.ForeignKey(Delegate, models.CASCADE, related_name="+")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["one", "other"], name="namesakes_are_told_apart_once"),
            models.CheckConstraint(
                condition=Q(one__lt=F("other")), name="namesakes_are_two_in_one_order"
            ),
        ]


class RollImport(models.Model):
    """What the last import of the roll changed (名册导入), kept so that it can be undone.

    `changes` holds the keys of what was added, and each row that was changed before and after.
    """

    entry = models.OneToOneField("JournalEntry", models.PROTECT, related_name="+")
    # The entry knows it to the second; what came just before must not seem to come after.
    at = models.DateTimeField(auto_now_add=True)
    changes = models.JSONField()

    class Meta:
        default_permissions = ()


# Hexadecimal digits of a MAC, 128 bits. What is older than MACs has none.
MAC_LENGTH = 32


class AccessCard(models.Model):
    """A printed card (投票卡): only keyed digests of its code and of its QR token are kept."""

    delegate = models.ForeignKey(
        Delegate, models.PROTECT, verbose_name=_("代表"), related_name="cards"
    )
    code_digest = models.CharField(max_length=64, unique=True, editable=False)
    token_digest = models.CharField(max_length=64, unique=True, editable=False)
    issued_at = models.DateTimeField(_("发卡时间"), auto_now_add=True)
    issued_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, verbose_name=_("发卡人"), related_name="+"
    )
    reason = models.CharField(_("换卡原因"), max_length=100, blank=True)
    revoked_at = models.DateTimeField(_("作废时间"), null=True)
    # Which key its digests were made with; empty on a card of an earlier version.
    key_check = models.CharField(max_length=16, blank=True, editable=False)
    # The PUBLIC_URL that its QR code leads to, and the one at which another device has opened it.
    address = models.CharField(max_length=300, blank=True, editable=False)
    reached_at = models.CharField(max_length=300, blank=True, editable=False)
    # Of a valid card alone: one that was replaced does not come back.
    mac = models.CharField(max_length=MAC_LENGTH, blank=True, default="", editable=False)

    class Meta:
        verbose_name = _("投票卡")
        verbose_name_plural = _("投票卡")
        constraints = [
            models.UniqueConstraint(
                fields=["delegate"],
                condition=Q(revoked_at__isnull=True),
                name="delegate_holds_one_valid_card",
            ),
        ]

    def __str__(self) -> str:
        return str(self.delegate)


class Session(AbstractBaseSession):
    """A browser that has signed in (登录状态): with a card, which it does not outlive, or as staff."""

    card = models.ForeignKey(AccessCard, models.CASCADE, null=True, related_name="sessions")

    class Meta:
        verbose_name = _("登录状态")
        verbose_name_plural = _("登录状态")
        default_permissions = ()

    @classmethod
    def get_session_store_class(cls) -> Any:
        return import_string(f"{settings.SESSION_ENGINE}.SessionStore")


class PasswordTries(models.Model):
    """How often a password of staff was tried from one place (密码尝试): neither name nor address."""

    key = models.CharField(max_length=64, primary_key=True)
    failures = models.PositiveSmallIntegerField(default=0)
    wait_until = models.DateTimeField(null=True)
    last_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("密码尝试")
        verbose_name_plural = _("密码尝试")
        default_permissions = ()

    def __str__(self) -> str:
        return self.key


class Authenticator(TOTPDevice):
    """The phone with which a superuser shows that it is he (验证器).

    Its column holds no secret. What the phone has is derived of it under SECRET_KEY, so that no copy
    of the database shows codes.
    """

    class Meta:
        proxy = True
        verbose_name = _("验证器")
        verbose_name_plural = _("验证器")
        default_permissions = ()

    @property
    def bin_key(self) -> bytes:
        return salted_hmac("ballots.authenticator", self.key, algorithm="sha256").digest()[:20]


class Channel(models.TextChoices):
    ONLINE = "online", _("电子")
    PAPER = "paper", _("纸质")


class RollEntry(models.Model):
    """A delegate on the roll of one poll: whether present, whether voted, never how."""

    Channel = Channel

    poll = models.ForeignKey(Poll, models.PROTECT, verbose_name=_("票决"), related_name="roll")
    delegate = models.ForeignKey(
        Delegate, models.PROTECT, verbose_name=_("代表"), related_name="roll_entries"
    )
    # The frozen roll keeps its own words: a name corrected later must not change what was hashed.
    number = models.CharField(_("代表证号"), max_length=20)
    name = models.CharField(_("姓名"), max_length=30)
    delegation = models.CharField(_("代表团"), max_length=50)
    number_order = Derived(of="number", how=texts.number_order)
    present = models.BooleanField(_("实到"), default=False)
    # Why somebody has excused himself; empty for whoever has not.
    leave = models.CharField(_("请假事由"), max_length=200, blank=True, default="")
    channel = models.CharField(_("方式"), max_length=8, choices=Channel, default=Channel.ONLINE)
    voted = models.BooleanField(_("已投票"), default=False)
    voted_at = models.DateTimeField(_("投票时间"), null=True)
    # Of the mark: it outlives the names, and so knows neither receipt nor token.
    mac = models.CharField(max_length=MAC_LENGTH, blank=True, default="", editable=False)

    class Meta:
        verbose_name = _("名册条目")
        verbose_name_plural = _("名册")
        constraints = [
            models.UniqueConstraint(
                fields=["poll", "delegate"], name="delegate_stands_once_on_a_roll"
            ),
            models.UniqueConstraint(fields=["poll", "number"], name="number_stands_once_on_a_roll"),
            models.CheckConstraint(
                # Whoever has voted has a time until the poll is archived: see the trigger.
                condition=Q(voted=True) | Q(voted_at__isnull=True),
                name="roll_entry_has_no_time_unless_voted",
            ),
            models.CheckConstraint(
                condition=Q(present=False) | Q(leave=""),
                name="roll_entry_present_is_not_on_leave",
            ),
            # A mark is that of a ballot that was cast here; whoever holds a paper casts none.
            models.CheckConstraint(
                condition=Q(channel="online") | Q(voted=False),
                name="roll_entry_votes_one_way",
            ),
            known("channel", Channel, name="roll_entry_channel_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.name}（{self.number}）"

    @property
    def is_on_paper(self) -> bool:
        """Whether he holds a paper ballot, and so casts nothing here (design §5.8)."""
        return self.channel == Channel.PAPER


class RecommendationRuling(models.TextChoices):
    WAITING = "waiting", _("待处理")
    ADOPTED = "adopted", _("列为候选项目")
    MERGED = "merged", _("并入候选项目")
    DECLINED = "declined", _("未采纳")


class Recommendation(models.Model):
    """A project that a delegate recommends by name before the vote (会前推荐)."""

    Ruling = RecommendationRuling

    poll = models.ForeignKey(
        Poll, models.PROTECT, verbose_name=_("票决"), related_name="recommendations"
    )
    delegate = models.ForeignKey(
        Delegate, models.PROTECT, verbose_name=_("代表"), related_name="recommendations"
    )
    title = models.CharField(_("项目名称"), max_length=30)
    detail = models.CharField(_("主要内容和目标"), max_length=200, blank=True)
    unit = models.CharField(_("建议责任单位"), max_length=30, blank=True)
    ruling = models.CharField(
        _("处理"), max_length=16, choices=RecommendationRuling, default=RecommendationRuling.WAITING
    )
    project = models.ForeignKey(Project, models.PROTECT, null=True, blank=True)
    reason = models.CharField(_("理由"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("会前推荐")
        verbose_name_plural = _("会前推荐")
        constraints = [
            models.CheckConstraint(condition=~Q(title=""), name="recommendation_has_a_title"),
            known("ruling", RecommendationRuling, name="recommendation_ruling_is_known"),
            models.CheckConstraint(
                condition=Q(ruling__in=["waiting", "declined"], project__isnull=True)
                | Q(ruling__in=["adopted", "merged"], project__isnull=False),
                name="recommendation_names_the_project_it_became",
            ),
            models.CheckConstraint(
                condition=~Q(ruling="declined") | ~Q(reason=""),
                name="recommendation_is_declined_with_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return self.title


# --- the year after the vote ----------------------------------------------------------------------


class Standing(models.IntegerChoices):
    """How far an opinion has come, in the order in which the office must look at them."""

    OVERDUE = 1, _("超期未答复")
    WAITING = 2, _("待答复")
    ANSWERED = 3, _("已答复")
    CLOSED = 4, _("已办结")


class OpinionQuerySet(models.QuerySet["Opinion"]):
    def told(self) -> "OpinionQuerySet":
        """Return the opinions with who wrote them and all that was answered, the newest first."""
        return (
            self.select_related("delegate__delegation", "entered_by", "closed_by")
            .prefetch_related("answers")
            .order_by("-pk")
        )

    def with_standing(self) -> "OpinionQuerySet":
        """Return the opinions with `standing`: see `Opinion.standing`."""
        answered = Exists(OpinionAnswer.objects.filter(opinion=OuterRef("pk")))
        return self.annotate(
            standing=Case(
                When(closed_at__isnull=False, then=Value(Standing.CLOSED)),
                When(answered, then=Value(Standing.ANSWERED)),
                When(due__lt=timezone.localdate(), then=Value(Standing.OVERDUE)),
                default=Value(Standing.WAITING),
                output_field=models.PositiveSmallIntegerField(),
            )
        )

    def overdue(self) -> "OpinionQuerySet":
        """Return the opinions that nobody has answered in time, nor closed."""
        return self.with_standing().filter(standing=Standing.OVERDUE)  # type: ignore[misc]


class Opinion(models.Model):
    """What somebody demands of those who carry out an adopted project, by name (督办意见).

    Neither its words nor its author are ever changed. Of its answers the newest stands; once it is
    closed there is none any more.
    """

    LIMIT = NOTE_LIMIT
    Standing = Standing
    # Of the rows that `with_standing` gives.
    standing: int

    project = models.ForeignKey(
        AdoptedProject, models.PROTECT, verbose_name=_("实事项目"), related_name="opinions"
    )
    # Nobody of the register where a group or a delegation has it.
    delegate = models.ForeignKey(
        Delegate, models.PROTECT, verbose_name=_("代表"), null=True, related_name="opinions"
    )
    by_name = models.CharField(_("提出人"), max_length=60)
    text = models.CharField(_("督办意见"), max_length=LIMIT)
    due = models.DateField(_("答复期限"))
    at = models.DateTimeField(_("提出时间"), auto_now_add=True)
    # Nobody, where a delegate has written it himself.
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        verbose_name=_("录入人"),
        null=True,
        related_name="+",
    )
    closed_at = models.DateTimeField(_("办结时间"), null=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        verbose_name=_("办结人"),
        null=True,
        related_name="+",
    )
    reason = models.CharField(_("办结说明"), max_length=200, blank=True)

    objects = OpinionQuerySet.as_manager()

    class Meta:
        verbose_name = _("督办意见")
        verbose_name_plural = _("督办意见")
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=~Q(by_name="") & ~Q(text=""), name="opinion_is_by_name"
            ),
            models.CheckConstraint(
                condition=Q(delegate__isnull=False) | Q(entered_by__isnull=False),
                name="opinion_is_entered_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, closed_by__isnull=True, reason="")
                | (Q(closed_at__isnull=False, closed_by__isnull=False) & ~Q(reason="")),
                name="opinion_is_closed_with_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return self.text if len(self.text) <= 30 else f"{self.text[:29]}…"

    @property
    def author(self) -> str:
        """Who has written it: a delegate with his delegation, or a group as it is called."""
        return f"{self.by_name}（{self.delegate.delegation}）" if self.delegate else self.by_name

    @property
    def standing_words(self) -> str:
        return str(Standing(self.standing).label)


class OpinionAnswer(models.Model):
    """What the lead unit answers, as the office types it; the newest row of an opinion stands."""

    opinion = models.ForeignKey(Opinion, models.PROTECT, related_name="answers")
    text = models.CharField(_("答复"), max_length=Opinion.LIMIT)
    at = models.DateTimeField(_("答复时间"), auto_now_add=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, verbose_name=_("录入人"), related_name="+"
    )

    class Meta:
        verbose_name = _("答复")
        verbose_name_plural = _("答复")
        ordering = ["-pk"]
        default_permissions = ()
        constraints = [
            models.CheckConstraint(condition=~Q(text=""), name="answer_has_a_text"),
        ]

    def __str__(self) -> str:
        return self.text


# --- the box --------------------------------------------------------------------------------------


class BallotBox(models.Model):
    """The box (票箱) of a poll: a public key; its private half exists only as paper shares."""

    poll = models.OneToOneField(Poll, models.PROTECT, primary_key=True, related_name="box")
    ceremony = models.PositiveSmallIntegerField(_("第几次生成"), default=1)
    suite = models.CharField(_("算法"), max_length=60)
    public_key = models.BinaryField()
    threshold = models.PositiveSmallIntegerField(_("开箱所需份数"))
    holders = models.JSONField(_("保管人"))
    commitments = models.JSONField()
    made_at = models.DateTimeField(_("生成时间"))
    tested_at = models.DateTimeField(_("试开时间"), null=True)
    # Bytes of every padded ballot; 0 until the opening freezes the rules.
    ballot_size = models.PositiveIntegerField(default=0)
    # From a close with papers given out until these are sealed, too; it keeps the receipts on record
    # from telling which were there before (design §5.8).
    paper_salt = models.CharField(max_length=32, blank=True, default="", editable=False)
    # Set by 会务 and 监票 together when every write-in has its ruling (design §3.3).
    canvassed = models.BooleanField(_("推荐项目已归并"), default=False)

    class Meta:
        verbose_name = _("票箱")
        verbose_name_plural = _("票箱")
        constraints = [
            models.CheckConstraint(condition=Q(threshold__gte=1), name="box_needs_a_share"),
            models.CheckConstraint(condition=Q(ceremony__gte=1), name="box_ceremony_from_one"),
        ]

    @property
    def key_code(self) -> str:
        """The signs by which people compare the public key: on sheets, opening page and screen."""
        return sealing.key_code(bytes(self.public_key))


class Envelope(models.Model):
    """A delegate's sealed ballot (密封票) while the poll takes ballots; gone after the close."""

    roll_entry = models.OneToOneField(
        RollEntry, models.PROTECT, primary_key=True, related_name="envelope"
    )
    poll = models.ForeignKey(Poll, models.PROTECT, related_name="envelopes")
    sealed = models.BinaryField()
    receipt = models.CharField(max_length=64, unique=True)
    code = models.CharField(max_length=16)
    token = models.CharField(max_length=64)
    mac = models.CharField(max_length=MAC_LENGTH, blank=True, default="", editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["poll", "code"], name="receipt_code_is_unique_in_a_poll"
            ),
            models.CheckConstraint(
                condition=Q(receipt__length=64), name="envelope_receipt_is_a_digest"
            ),
            models.CheckConstraint(condition=~Q(token=""), name="envelope_has_a_token"),
        ]


class SealedBallot(models.Model):
    """A sealed ballot after names are stripped (脱名密封票): receipt and bytes, nothing else."""

    receipt = models.CharField(max_length=64, primary_key=True)
    poll = models.ForeignKey(Poll, models.PROTECT, related_name="sealed_ballots")
    code = models.CharField(max_length=16)
    sealed = models.BinaryField()
    # By the presidium's decision: what could not prove itself at the close is never opened.
    set_apart = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["poll", "code"], name="board_code_is_unique_in_a_poll"),
            models.CheckConstraint(
                condition=Q(receipt__length=64), name="sealed_ballot_receipt_is_a_digest"
            ),
        ]


# So many papers are keyed in one go, by the same two people.
BUNDLE_LIMIT = 25


class PaperBundle(models.Model):
    """Papers that two people key independently (纸质票一扎); gone once all papers are sealed."""

    poll = models.ForeignKey(Poll, models.PROTECT, related_name="bundles")
    number = models.PositiveSmallIntegerField(_("扎号"))
    size = models.PositiveSmallIntegerField(_("张数"))
    first = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    second = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )

    class Meta:
        verbose_name = _("纸质票")
        verbose_name_plural = _("纸质票")
        default_permissions = ()
        ordering = ["poll", "number"]
        constraints = [
            models.UniqueConstraint(
                fields=["poll", "number"], name="bundle_number_is_unique_in_a_poll"
            ),
            models.CheckConstraint(
                condition=Q(size__gte=1, size__lte=BUNDLE_LIMIT), name="bundle_has_25_at_most"
            ),
            models.CheckConstraint(
                condition=~Q(first=F("second")), name="bundle_is_keyed_by_two_people"
            ),
        ]

    def __str__(self) -> str:
        return str(_("第%(number)d扎") % {"number": self.number})


class ReadingSide(models.IntegerChoices):
    FIRST = 1, _("第一人")
    SECOND = 2, _("第二人")
    RULED = 3, _("总监票人")


class PaperReading(models.Model):
    """What one person read on one paper (录入); no name of a delegate, and gone with its bundle.

    `doubt` says why the paper is spoilt or doubtful; a ruling of the chief scrutineer with it makes
    the paper invalid.
    """

    Side = ReadingSide

    bundle = models.ForeignKey(PaperBundle, models.CASCADE, related_name="readings")
    place = models.PositiveSmallIntegerField(_("第几张"))
    side = models.PositiveSmallIntegerField(choices=ReadingSide)
    chosen = models.JSONField(default=list)
    fair = models.JSONField(default=list)
    against = models.JSONField(default=list)
    proposals = models.JSONField(default=list)
    doubt = models.CharField(_("疑问"), max_length=200, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    mac = models.CharField(max_length=MAC_LENGTH, editable=False)

    class Meta:
        verbose_name = _("纸质票录入")
        verbose_name_plural = _("纸质票录入")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["bundle", "place", "side"], name="paper_is_read_once_by_each"
            ),
            models.CheckConstraint(
                condition=Q(place__gte=1, place__lte=BUNDLE_LIMIT), name="paper_has_a_place"
            ),
            models.CheckConstraint(
                condition=Q(side__in=ReadingSide.values), name="reading_side_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.bundle}·{self.place}"


class WriteInRuling(models.TextChoices):
    NONE = "", _("待处理")
    ALONE = "alone", _("单列一项")
    INTO_PROJECT = "into-project", _("并入候选项目")
    INTO_WRITE_IN = "into-write-in", _("并入推荐项目")
    REFUSED = "refused", _("不予计票")


class WriteIn(models.Model):
    """One distinct text proposed in the ballots (推荐项目), without person or time, and its ruling."""

    Ruling = WriteInRuling

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    poll = models.ForeignKey(Poll, models.PROTECT, related_name="write_ins")
    number = models.PositiveSmallIntegerField(_("推荐编号"))
    title = models.CharField(_("项目名称"), max_length=30)
    detail = models.CharField(_("主要内容"), max_length=200, blank=True)
    unit = models.CharField(_("建议责任单位"), max_length=30, blank=True)
    ruling = models.CharField(
        _("处理方式"), max_length=16, choices=WriteInRuling, default=WriteInRuling.NONE, blank=True
    )
    into_project = models.ForeignKey(Project, models.PROTECT, null=True, related_name="+")
    into_write_in = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    reason = models.CharField(_("理由"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("推荐项目")
        verbose_name_plural = _("推荐项目")
        ordering = ["poll", "number"]
        constraints = [
            models.UniqueConstraint(
                fields=["poll", "number"], name="write_in_number_is_unique_in_a_poll"
            ),
            models.UniqueConstraint(
                fields=["poll", "title", "detail", "unit"],
                name="write_in_text_is_unique_in_a_poll",
            ),
            models.CheckConstraint(condition=Q(number__gte=1), name="write_in_number_from_one"),
            models.CheckConstraint(condition=~Q(title=""), name="write_in_has_a_title"),
            models.CheckConstraint(
                condition=Q(
                    ruling="into-project", into_project__isnull=False, into_write_in__isnull=True
                )
                | Q(ruling="into-write-in", into_project__isnull=True, into_write_in__isnull=False)
                | Q(
                    ruling__in=["", "alone", "refused"],
                    into_project__isnull=True,
                    into_write_in__isnull=True,
                ),
                name="write_in_goes_where_its_ruling_says",
            ),
            models.CheckConstraint(
                condition=Q(into_write_in__isnull=True) | ~Q(into_write_in=F("id")),
                name="write_in_is_not_merged_into_itself",
            ),
            models.CheckConstraint(
                condition=~Q(ruling="refused") | ~Q(reason=""),
                name="write_in_is_refused_with_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key}. {self.title}"

    @property
    def key(self) -> str:
        """The name under which the count and the files list it: 推1, 推2 … (design §9)."""
        return f"推{self.number}"


class InvalidReason(models.TextChoices):
    VALID = "", _("有效")
    NOT_OPENED = "not-opened", _("无法开启")
    MALFORMED = "malformed", _("格式错误")
    OTHER_POLL = "other-poll", _("属于其他票决")
    REPEATED = "repeated", _("与另一张表决票完全重复")
    RULES = "rules", _("不符合票决规则")
    SET_APART = "set-apart", _("封存未开启")


class Ballot(models.Model):
    """An opened ballot (表决票): a random key, sorted lists, no person, no time, no order.

    In a 满意度测评 `chosen` are 满意, `fair` 基本满意 and `against` 不满意.
    """

    Invalid = InvalidReason

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    poll = models.ForeignKey(Poll, models.PROTECT, related_name="ballots")
    chosen = models.JSONField(default=list)
    fair = models.JSONField(default=list)
    against = models.JSONField(default=list)
    write_ins = models.JSONField(default=list)
    invalid = models.CharField(
        max_length=16, choices=InvalidReason, default=InvalidReason.VALID, blank=True
    )

    class Meta:
        constraints = [
            known("invalid", InvalidReason, name="ballot_reason_is_known"),
        ]


class Decision(models.Model):
    """What the presidium decided on a tie or a shortfall (会议决定), recorded by two people.

    `items` are keys of the count (“7”, “推3”), each of which fills one of the `places` left open; a
    place that none of them fills stays open.
    """

    poll = models.OneToOneField(Poll, models.PROTECT, related_name="decision")
    places = models.PositiveSmallIntegerField(_("待定名额"))
    items = models.JSONField(_("确定的项目"), default=list)
    words = models.TextField(_("决定内容"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    second = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("会议决定")
        verbose_name_plural = _("会议决定")
        constraints = [
            models.CheckConstraint(condition=Q(places__gte=1), name="decision_is_on_a_place"),
            models.CheckConstraint(condition=~Q(words=""), name="decision_is_in_words"),
            models.CheckConstraint(
                condition=~Q(by=F("second")), name="decision_is_recorded_by_two_people"
            ),
        ]


class Result(models.Model):
    """One count of a poll (票决结果): figures never change once written.

    A count that is sent back stays beside the one that replaces it, with its reason.
    """

    poll = models.ForeignKey(Poll, models.PROTECT, related_name="results")
    # As it was frozen, in the shape of its own version; the type is for the reader and for mypy.
    stored: "models.JSONField[Stored, Stored]" = models.JSONField(db_column="figures")
    digest = models.CharField(_("数据校验码"), max_length=64)
    counted_at = models.DateTimeField(_("计票时间"))
    counted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, verbose_name=_("计票人"), related_name="+"
    )
    sent_back = models.CharField(_("退回原因"), max_length=200, blank=True)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        verbose_name=_("公布人"),
        null=True,
        related_name="+",
    )

    class Meta:
        verbose_name = _("票决结果")
        verbose_name_plural = _("票决结果")
        constraints = [
            models.UniqueConstraint(
                fields=["poll"], condition=Q(sent_back=""), name="poll_has_one_standing_result"
            ),
            models.CheckConstraint(
                condition=Q(sent_back="") | Q(published_by__isnull=True),
                name="result_sent_back_is_never_published",
            ),
        ]

    @cached_property
    def figures(self) -> Figures:
        """The figures in today's shape, of whatever version they are."""
        return current(self.stored)


class Announcement(models.Model):
    """The words of the public notice (公告) that the office may edit; its figures stand in `Result`."""

    poll = models.OneToOneField(Poll, models.PROTECT, primary_key=True, related_name="announcement")
    title = models.CharField(_("标题"), max_length=200)
    number = models.CharField(_("公告编号"), max_length=40, blank=True)
    opening = models.CharField(_("开头"), max_length=400)
    closing = models.CharField(_("结尾"), max_length=200)
    signature = models.CharField(_("署名"), max_length=100)
    dated = models.CharField(_("日期"), max_length=40)
    with_votes = models.BooleanField(_("附得票情况"), default=False)

    class Meta:
        verbose_name = _("公告")
        verbose_name_plural = _("公告")
        constraints = [
            models.CheckConstraint(
                condition=~Q(title="") & ~Q(signature=""), name="announcement_is_signed"
            ),
        ]


class Confirmation(models.Model):
    """That a scrutineer has checked one count and confirms it (复核)."""

    result = models.ForeignKey(Result, models.PROTECT, related_name="confirmations")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, verbose_name=_("复核人"), related_name="+"
    )
    chief = models.BooleanField(_("总监票人"), default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["result", "by"], name="scrutineer_confirms_a_count_once"
            ),
        ]


# --- the record -----------------------------------------------------------------------------------


class WaitingStep(models.Model):
    """What somebody has filled in and another one has to sign on a screen of his own (待签名).

    Nobody has two of them at a time. It goes once it is used, refused or replaced.
    """

    by = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    second = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    path = models.CharField(max_length=200)
    posted = models.JSONField()
    title = models.CharField(max_length=300)
    words = models.JSONField()
    asked_at = models.DateTimeField()
    signed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("待签名")
        verbose_name_plural = _("待签名")
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=~Q(second=F("by")), name="waiting_step_is_signed_by_another_person"
            ),
        ]

    def __str__(self) -> str:
        return self.title


class PasswordDate(models.Model):
    """Since when the password of an account is what it is; none for one from before this was kept.

    It is not his own as long as it is the one that somebody has given him; who gave one is kept.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    at = models.DateTimeField(_("时间"))
    is_own = models.BooleanField(_("本人设置"), default=True)
    given_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("密码由谁给出"),
    )

    class Meta:
        verbose_name = _("密码设置时间")
        verbose_name_plural = _("密码设置时间")
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.user)


class JournalEntry(models.Model):
    """One link of the hash chain of acts on a poll (操作记录); never a single cast.

    Acts on delegates and cards belong to no poll and form a chain of their own. `body` is the text
    that was hashed, so nothing is serialised again to verify it.
    """

    poll = models.ForeignKey(
        Poll, models.PROTECT, verbose_name=_("票决"), related_name="journal", null=True
    )
    seq = models.PositiveIntegerField(_("序号"))
    kind = models.CharField(_("操作"), max_length=40)
    at = models.DateTimeField(_("时间"))
    # Nobody, where an account was changed by other ways than our pages (`ballots.accounts`).
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        verbose_name=_("操作人"),
        null=True,
        related_name="+",
    )
    second = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        verbose_name=_("第二人"),
        null=True,
        related_name="+",
    )
    body = models.TextField(_("内容"))
    hash = models.CharField(_("校验码"), max_length=64)

    class Meta:
        verbose_name = _("操作记录")
        verbose_name_plural = _("操作记录")
        ordering = ["poll", "seq"]
        constraints = [
            models.UniqueConstraint(
                fields=["poll", "seq"], name="journal_number_is_unique_in_a_poll"
            ),
            models.UniqueConstraint(
                fields=["seq"],
                condition=Q(poll__isnull=True),
                name="journal_number_is_unique_in_the_register",
            ),
            # By it a request finds the opening under which things are kept (`facts.kept`).
            models.UniqueConstraint(
                fields=["poll"], condition=Q(kind="opened"), name="poll_opens_once_on_record"
            ),
            models.CheckConstraint(condition=Q(seq__gte=1), name="journal_number_from_one"),
            models.CheckConstraint(
                condition=Q(second__isnull=True) | ~Q(second=F("by")),
                name="journal_second_is_another_person",
            ),
            models.CheckConstraint(
                condition=Q(by__isnull=False) | Q(kind="account-changed"),
                name="only_a_change_of_accounts_is_by_nobody",
            ),
        ]

    def __str__(self) -> str:
        return str(_("第%(seq)d条") % {"seq": self.seq})

    @property
    def data(self) -> Any:
        """What the act put on record, as it was hashed; what each kind holds stands at its act."""
        return json.loads(self.body)["data"]


class PollDay(Poll):
    """The day's own admin pages for a poll (票决进程), with permissions of their own."""

    class Meta:
        proxy = True
        verbose_name = _("票决进程")
        verbose_name_plural = _("票决进程")
        default_permissions = ("view",)
