"""The table: when, what, with or without triggers, and what comes of it.

Each line is tried by `test_manipulations`. A line that changes its verdict is a change of what is
promised: mend section 4 of docs/security.md with it.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from tests.adversary import writing as w
from tests.adversary.machine import (
    ALONE,
    AWAY,
    VOTED,
    WAITS,
    Conceded,
    NamedBy,
    RefusedBy,
    Verdict,
)


@dataclass(frozen=True)
class Manipulation:
    """What somebody writes in `phase`; `lifted`: without triggers, which are back afterwards."""

    phase: str
    what: str
    act: w.Act
    expected: Verdict
    lifted: bool = False

    def __str__(self) -> str:
        return f"{self.phase}: {self.what}" + (" (triggers lifted)" if self.lifted else "")


ON, LIFTED = False, True


# What is said of much.
RULES = "rules are frozen once the poll has opened"
ENTERS = "an envelope enters an open poll only"
PHASE = "票决所处的阶段与操作记录不符"
KEY = "the key of a box changes with its ceremony alone"


def row(phase: str, what: str, lifted: bool, act: w.Act, expected: Verdict) -> Manipulation:
    return Manipulation(phase, what, act, expected, lifted)


# One line each, as in a table.
# fmt: off
MANIPULATIONS = [
    # --- a draft: before anybody has read the page of the opening, and between reading and pressing
    row("draft", "his key for the holders'", ON, w.put_his_key, RefusedBy("database", KEY)),
    row("draft", "the same as a new ceremony", ON, w.put_his_key_as_a_new_ceremony, RefusedBy("open", "incomplete")),
    row("draft", "his key for the holders'", LIFTED, w.put_his_key, RefusedBy("open", "incomplete") ),
    row("draft", "his key, and the record as if it were theirs", LIFTED, w.put_his_key_and_its_record, RefusedBy("box", "wrong-key")),
    row("draft", "a title", ON, w.set_project(1, title="另一个项目"), Conceded("4.1")),
    row("draft", "a name on the roll", ON, w.set_roll(WAITS, name="另一人"), RefusedBy("open", "incomplete")),
    row("draft", "a mark before the vote", ON, w.mark(), RefusedBy("open", "not-empty")),
    row("draft", "an envelope before the vote", ON, w.put_envelope, RefusedBy("database", ENTERS)),
    row("draft", "an envelope before the vote", LIFTED, w.put_envelope, RefusedBy("open", "not-empty")),
    row("draft", "a trigger switched off", ON, w.switch_a_trigger_off, RefusedBy("open", "incomplete")),
    row("draft", "its phase, so that nothing is put on record", ON, w.set_poll(phase="open", opened_at=timezone.now()), RefusedBy("open", "wrong-phase")),
    row("looked", "a title", ON, w.set_project(1, title="另一个项目"), RefusedBy("open", "changed-since")),
    row("looked", "the majority", ON, w.set_poll(majority="valid"), RefusedBy("open", "changed-since")),
    row("looked", "somebody is there who has not come", ON, w.set_roll(AWAY, present=True), Conceded("4.1")),
    # --- while people vote
    row("open", "a ballot for somebody who waits", ON, w.stuff, RefusedBy("close", "unproven")),
    row("open", "a ballot for somebody who has not come", ON, w.stuff_for_the_absent, RefusedBy("close", "unproven")),
    row("open", "a ballot with the MAC of another envelope", LIFTED, w.replace_envelope, RefusedBy("close", "unproven")),
    row("open", "an envelope copied byte for byte", ON, w.copy_envelope, RefusedBy("database", "ballots_envelope")),
    row("open", "two envelopes swapped", LIFTED, w.swap_envelopes, RefusedBy("close", "unproven")),
    row("open", "an envelope without a mark", ON, w.put_envelope, RefusedBy("close", "box-unlike-roll")),
    row("open", "a mark without an envelope", ON, w.mark(), RefusedBy("close", "box-unlike-roll")),
    row("open", "a paper that nobody was given", ON, w.set_roll(WAITS, channel="paper"), RefusedBy("box", "papers-out")),
    row("open", "an envelope deleted", ON, w.delete_envelope, RefusedBy("database", "an envelope stays while the poll takes ballots")),
    row("open", "an envelope deleted", LIFTED, w.delete_envelope, RefusedBy("close", "box-unlike-roll")),
    row("open", "an envelope and its mark taken back", LIFTED, w.take_back, Conceded("4.2")),
    row("open", "bytes of an envelope", ON, w.set_envelope(sealed=b"x"), RefusedBy("database", "an envelope is never changed")),
    row("open", "the token of an envelope", LIFTED, w.set_envelope(token="t"), Conceded("4.7")),
    row("open", "a ballot with the MAC of whoever has SECRET_KEY", ON, w.envelope_with_the_servers_key, Conceded("4.4")),
    row("open", "his card pointed at somebody else", ON, w.point_his_card_at_another, RefusedBy("sign-in", "unproven")),
    row("open", "the card of one who has voted", ON, w.change_card_of_a_voter, RefusedBy("close", "unproven")),
    row("open", "presence and a spare card of the absent", ON, w.vote_with_a_card_of_the_absent, NamedBy("A presence")),
    row("open", "a delegate suspended", ON, w.suspend, NamedBy(page="状态已变更")),
    row("open", "a delegate suspended while he would have voted", ON, w.suspend_for_an_hour, Conceded("4.3")),
    row("open", "a card void while its holder would have voted", ON, w.void_a_card_for_an_hour, Conceded("4.3")),
    row("open", "presence taken away", ON, w.set_roll(WAITS, present=False), NamedBy("A presence") ),
    row("open", "when somebody voted", ON, w.set_roll(VOTED, voted_at=timezone.now()), Conceded("4.7")),
    row("open", "a stranger on the roll", ON, w.put_on_the_roll, RefusedBy("count", "unlike-record") ),
    row("open", "a name off the roll", ON, w.take_off_the_roll, RefusedBy("database", "the roll is frozen once the poll has opened")),
    row("open", "a name off the roll", LIFTED, w.take_off_the_roll, RefusedBy("count", "unlike-record")),
    row("open", "the number of one who has voted", LIFTED, w.set_roll(VOTED, number="999"), RefusedBy("close", "unproven")),
    row("open", "the name of one who has voted", LIFTED, w.set_roll(VOTED, name="另一人"), RefusedBy("count", "unlike-record")),
    row("open", "a title", ON, w.set_project(1, title="另一个项目"), RefusedBy("database", "candidates are frozen once the poll has opened")),
    row("open", "two titles swapped", LIFTED, w.swap_titles, RefusedBy("count", "unlike-record")),
    row("open", "the majority", ON, w.set_poll(majority="none"), RefusedBy("database", RULES)),
    row("open", "the majority", LIFTED, w.set_poll(majority="none"), RefusedBy("count", "unlike-record")),
    row("open", "the deadline, earlier", ON, w.later(closes_at=timedelta(hours=-1)), RefusedBy("database", RULES)),
    row("open", "the deadline, earlier", LIFTED, w.later(closes_at=timedelta(hours=-1)), NamedBy(page="截止时间与操作记录不符")),
    row("open", "the deadline, later", ON, w.later(closes_at=timedelta(hours=1)), NamedBy(page="截止时间与操作记录不符")),
    row("open", "the telephone of the office", ON, w.set_poll(phone="1"), Conceded("4.7")),
    row("open", "his key for the holders'", ON, w.put_his_key, RefusedBy("database", "the key of a box")),
    row("open", "his key while one votes", LIFTED, w.put_his_key_while_one_votes, RefusedBy("cast", "key-changed")),
    row("open", "its phase: closed, so that names stay", ON, w.set_poll(phase="closed", closed_at=timezone.now()), RefusedBy("close", "wrong-phase")),
    row("open", "a second office by SQL", ON, w.give_an_office, NamedBy(page="工作人员账号与操作记录不符")),
    row("open", "a password by SQL", ON, w.set_a_password, Conceded("4.5")),
    row("open", "a trigger switched off", ON, w.switch_a_trigger_off, NamedBy(page="数据库的保护规则缺失")),
    # --- in a pause
    row("paused", "an envelope and its mark taken back", LIFTED, w.take_back, RefusedBy("close", "fewer-than-before")),
    row("paused", "its phase: open, without a word", ON, w.set_poll(phase="open"), NamedBy(page=PHASE)),
    row("paused", "an envelope", ON, w.stuff, RefusedBy("database", ENTERS)),
    # --- closed
    row("closed", "a sealed ballot more", ON, w.put_sealed, RefusedBy("confirm", "checks-fail")),
    row("closed", "a sealed ballot less", ON, w.delete_sealed, RefusedBy("database", "the sealed ballot is never deleted")),
    row("closed", "a sealed ballot less", LIFTED, w.delete_sealed, RefusedBy("confirm", "checks-fail")),
    row("closed", "a sealed ballot for another", LIFTED, w.replace_sealed, RefusedBy("confirm", "checks-fail")),
    row("closed", "bytes of a sealed ballot", LIFTED, w.replace_sealed_bytes, RefusedBy("confirm", "checks-fail")),
    row("closed", "a sealed ballot, its root and the record", LIFTED, w.replace_sealed_and_its_root, NamedBy("A head · public head")),
    row("closed", "a ballot set apart", LIFTED, w.set_one_apart, RefusedBy("confirm", "set-apart-decides")),
    row("closed", "a mark moved to another", ON, w.move_mark, RefusedBy("database", "a mark on the roll stays")),
    row("closed", "a mark moved to another", LIFTED, w.move_mark, RefusedBy("count", "unlike-record")),
    row("closed", "a stranger on the roll", ON, w.put_on_the_roll, RefusedBy("count", "unlike-record")),
    row("closed", "the threshold of the shares", LIFTED, w.set_box(threshold=2), RefusedBy("box", "wrong-key")),
    row("closed", "open again, a vote more, and closed", LIFTED, w.take_the_vote_again, RefusedBy("close", "box-unlike-roll")),
    # --- the box is open
    row("opened", "an opened ballot", ON, w.change_ballot, RefusedBy("database", "the ballot is never changed")),
    row("opened", "an opened ballot", LIFTED, w.change_ballot, NamedBy("B opened recount")),
    row("opened", "an opened ballot declared invalid", LIFTED, w.void_ballot, NamedBy("A marks · B opened recount")),
    row("opened", "an opened ballot more", ON, w.put_ballot, RefusedBy("confirm", "checks-fail")),
    row("opened", "an opened ballot for another", LIFTED, w.exchange_ballot, NamedBy("B opened recount")),
    row("opened", "the words of a proposal", ON, w.set_write_in(ALONE, title="加装电梯两部"), NamedBy("B proposed recount")),
    row("opened", "a ruling before two sign", ON, w.refuse_a_proposal, Conceded("4.6")),
    row("opened", "the canvass closed by nobody", ON, w.set_box(canvassed=True), RefusedBy("count", "unlike-canvass")),
    # --- two have signed where each proposal counts
    row("canvassed", "a merger into another candidate", ON, w.merge_elsewhere, RefusedBy("database", "proposals are ruled on while the box is open")),
    row("canvassed", "a merger into another candidate", LIFTED, w.merge_elsewhere, RefusedBy("count", "unlike-canvass")),
    row("canvassed", "a ruling", LIFTED, w.refuse_a_proposal, RefusedBy("count", "unlike-canvass") ),
    # --- counted
    row("counted", "figures and digest", ON, w.change_figures, RefusedBy("database", "the figures of a result are never changed")),
    row("counted", "figures and digest", LIFTED, w.change_figures, RefusedBy("confirm", "unlike-count")),
    row("counted", "a merger into another candidate", LIFTED, w.merge_elsewhere, RefusedBy("confirm", "unlike-canvass")),
    row("counted", "a title", LIFTED, w.set_project(4, title="另一个项目"), RefusedBy("confirm", "unlike-record")),
    row("counted", "an entry of the record", ON, w.edit_an_entry, RefusedBy("database", "the journal is never changed")),
    row("counted", "an entry of the record", LIFTED, w.edit_an_entry, RefusedBy("confirm", "figures-changed")),
    row("counted", "whose an entry was", LIFTED, w.blame_another, RefusedBy("confirm", "figures-changed")),
    row("counted", "a chief scrutineer for a minute", ON, w.give_and_take_an_office, NamedBy("A signers", page="工作人员账号与操作记录不符")),
    row("counted", "that the chief scrutineer has confirmed", ON, w.confirm_for_the_chief, NamedBy("A people signers · public people")),
    row("counted", "that it is confirmed", ON, w.confirm_without_anybody, NamedBy("A people signers · public people", page=PHASE)),
    row("counted", "who has counted", LIFTED, w.let_another_have_counted, RefusedBy("confirm", "counter-confirms")),
    row("counted", "that it was sent back", ON, w.send_back, RefusedBy("confirm", "unlike-count")),
    # --- confirmed
    row("confirmed", "figures and digest", LIFTED, w.change_figures, RefusedBy("publish", "unlike-count")),
    row("confirmed", "a title", LIFTED, w.set_project(1, title="另一个项目"), RefusedBy("publish", "unlike-record")),
    row("confirmed", "a decision of which nobody knows", ON, w.decide_alone, RefusedBy("publish", "unlike-record")),
    # --- published
    row("published", "figures and digest", LIFTED, w.change_figures, NamedBy("A votes ranks digest · B recount · public ranks digest")),
    row("published", "the end of the record", ON, w.drop_last_entries(1), RefusedBy("database", "the journal is never deleted")),
    row("published", "the end of the record", LIFTED, w.drop_last_entries(1), NamedBy("A state head · public state head", page=PHASE)),
    row("published", "the last three entries", LIFTED, w.drop_last_entries(3), NamedBy("A state head · public state head", page=PHASE)),
    row("published", "the whole record anew", LIFTED, w.rewrite_with_other_salts, NamedBy("A head · public head")),
    row("published", "a sealed ballot less", LIFTED, w.delete_sealed, NamedBy("A root marks turnout · B opened recount · public root turnout")),
    row("published", "an opened ballot", LIFTED, w.change_ballot, NamedBy("A votes · B opened")),
    row("published", "a mark moved to another", LIFTED, w.move_mark, NamedBy("A marks")),
    row("published", "the delegation of a delegate", LIFTED, w.set_roll(WAITS, delegation="镇代表团"), NamedBy("A roll")),
    row("published", "the poll: a rehearsal, to be wiped", ON, w.set_poll(kind="rehearsal"), RefusedBy("database", RULES)),
    row("published", "the poll: a rehearsal", LIFTED, w.set_poll(kind="rehearsal"), NamedBy("A poll digest · public poll digest")),
    row("published", "who published", ON, w.let_another_have_published, Conceded("4.7")),
    row("published", "its phase", ON, w.set_poll(phase="confirmed", published_at=None, revealed_at=None), RefusedBy("database", RULES)),
]
# fmt: on
