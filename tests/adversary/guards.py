"""`make guards`: some thirty guards are taken away, one by one, and each time a test must turn red.

The code is changed in a copy in a temporary folder and never here; the tests are run on SQLite. A
guard without which its test stays green is one that anybody could lose without being told.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.bench.lab import program, run
from tests.helpers.machine import ROOT


@dataclass(frozen=True)
class Guard:
    """What is guarded, by the `code` that stands in `file` just once, and what is put in its place."""

    what: str
    file: str
    code: str
    without: str
    test: str


# Of each the fastest test that has to notice.
GUARDS = (
    # --- one vote, by whoever may vote, while people vote ---
    Guard(
        "lock, then look: a cast",
        "ballots/acts/casting.py",
        "locks.lock_for_cast(poll.pk)",
        "pass",
        "tests/acts/test_casting.py::test_what_happens_while_a_cast_waits_for_its_lock_counts",
    ),
    Guard(
        "lock, then look: an act",
        "projects/models.py",
        "locks.lock_for_act(poll.pk)",
        "pass",
        "tests/acts/test_refusal.py::test_what_happens_while_an_act_waits_for_its_lock_counts",
    ),
    Guard(
        "one vote a delegate",
        "ballots/acts/casting.py",
        " AND delegate_id = %(delegate)s AND NOT voted",
        " AND delegate_id = %(delegate)s",
        "tests/acts/test_casting.py"
        "::test_another_token_is_told_that_the_ballot_is_in_the_box_and_since_when",
    ),
    Guard(
        "the deadline",
        "ballots/acts/casting.py",
        "AND (poll.closes_at IS NULL OR poll.closes_at > {clock})",
        "",
        "tests/acts/test_casting.py::test_past_its_time_an_open_poll_takes_nothing",
    ),
    Guard(
        "a card that was replaced",
        "ballots/acts/casting.py",
        "AND card.revoked_at IS NULL",
        "",
        "tests/acts/test_casting.py::test_a_replaced_card_casts_nothing_and_the_new_one_does",
    ),
    Guard(
        "whoever has not come",
        "ballots/acts/casting.py",
        "AND (poll.voters <> 'present' OR ballots_rollentry.present)",
        "",
        "tests/acts/test_casting.py"
        "::test_who_is_not_present_casts_nothing_where_presence_is_asked_for",
    ),
    Guard(
        "the key on record",
        "ballots/acts/casting.py",
        " and kept_of(poll).is_bound",
        "",
        "tests/acts/test_ceremony.py"
        "::test_with_another_key_in_the_box_no_ballot_is_taken_and_nothing_opened_until_it_is_put_right",
    ),
    # --- what the database refuses ---
    Guard(
        "phases follow each other",
        "ballots/triggers.py",
        "NEW.phase NOT IN ({steps})",
        "NEW.phase = ''",
        "tests/database/test_triggers.py"
        "::test_a_real_poll_goes_only_where_the_next_step_leads[closed-open]",
    ),
    Guard(
        "the record is only added to",
        "ballots/triggers.py",
        '"ballots_journalentry": "journal",',
        "",
        "tests/database/test_triggers.py"
        "::test_what_a_rehearsal_has_written_is_never_changed_either[journal-kind-forged]",
    ),
    Guard(
        "a figure of a year is never overwritten",
        "ballots/triggers.py",
        'guards += [Guard(table, event, "1 = 1", message) for event in ("UPDATE", "DELETE")]',
        "pass",
        "tests/database/test_year.py"
        "::test_a_figure_is_corrected_by_a_newer_one_and_never_overwritten",
    ),
    # --- grades ---
    Guard(
        "grades where grades are asked for alone",
        "ballots/pure/rules.py",
        "if selection.fair and not rules.is_graded:",
        "if False:",
        "tests/pure/test_grades.py::test_other_ballots_give_no_grades[each]",
    ),
    Guard(
        "ballots that could change a grade",
        "ballots/pure/figures.py",
        "return _grades_could_change(figures, more)",
        "return False",
        "tests/pure/test_grades.py"
        "::test_unopened_ballots_bar_a_result_that_any_of_them_could_change[fair-2-all]",
    ),
    Guard(
        "the second count of 基本满意",
        "ballots/facts/counting.py",
        "if second[line.item] == (line.votes, line.fair, line.against)",
        "if second[line.item][0] == line.votes",
        "tests/facts/test_counting.py::test_two_roads_that_part_fail_the_count[fair]",
    ),
    Guard(
        "the verifier works grades out again",
        "ballots/verifier.py",
        '"outcome": _grade(good, fair, needed),',
        "",
        "tests/files/test_one_sitting.py"
        "::test_twenty_delegates_judge_the_ten_and_vote_on_the_next_in_one_sitting",
    ),
    Guard(
        "opinions are for those inside",
        "ballots/pages/year.py",
        "return request.delegate is not None or roles.has_office(request.user)",
        "return True",
        "tests/pages/year/test_year.py::test_the_public_reads_no_opinion_and_not_how_many_there_are",
    ),
    # --- what proves itself, row by row ---
    Guard(
        "the MAC of a card",
        "ballots/facts/keyed.py",
        "return hmac.compare_digest(card.mac, mac)",
        "return True",
        "tests/database/test_macs.py"
        "::test_a_card_whose_row_was_pointed_at_somebody_else_signs_nobody_in",
    ),
    Guard(
        "the MAC of a mark",
        "ballots/facts/keyed.py",
        "elif is_keyed and mac != mark_mac(poll.uuid, delegate, number):",
        "elif False:",
        "tests/database/test_macs.py"
        "::test_what_was_changed_is_named_and_the_close_waits_for_two_signatures[a mark written anew]",
    ),
    Guard(
        "the MAC of an envelope",
        "ballots/facts/keyed.py",
        "(is_keyed and envelope != envelope_mac(poll.uuid, delegate, number, receipt))",
        "False",
        "tests/database/test_macs.py"
        "::test_what_was_changed_is_named_and_the_close_waits_for_two_signatures"
        "[with the MAC of the old one]",
    ),
    Guard(
        "the close asks each row",
        "ballots/acts/lifecycle.py",
        "doubts = _doubts(poll, marks, watch)",
        "doubts = []",
        "tests/database/test_macs.py"
        "::test_what_was_changed_is_named_and_the_close_waits_for_two_signatures"
        "[an envelope exchanged]",
    ),
    # --- two people ---
    Guard(
        "the second signature",
        "ballots/refusal.py",
        "if second is None or second == by or not roles.is_scrutineer(second):",
        "if second is None:",
        "tests/acts/test_lifecycle.py::test_a_poll_is_voided_by_two_people_with_a_reason",
    ),
    Guard(
        "nobody signs for his own account",
        "ballots/accounts.py",
        "change.by if change.second != who else change.second",
        "change.by",
        "tests/admin/staff/test_accounts.py"
        "::test_nobody_signs_for_his_own_account_and_whoever_has_no_office_not_at_all[scrutineer]",
    ),
    # --- the box ---
    Guard(
        "the close takes names off",
        "ballots/acts/lifecycle.py",
        "Envelope.objects.filter(poll=poll).delete()",
        "pass",
        "tests/acts/test_lifecycle.py"
        "::test_the_close_takes_names_off_and_records_numbers_and_a_hash_of_the_receipts",
    ),
    Guard(
        "a copy of a sealed ballot",
        "ballots/acts/unsealing.py",
        "if nonce and nonce in nonces:",
        "if False:",
        "tests/acts/test_lifecycle.py::test_a_ballot_that_was_copied_counts_once",
    ),
    Guard(
        "one spelling of a ballot",
        "ballots/pure/sealing.py",
        "if again != text:",
        "if False:",
        "tests/pure/test_sealing.py::test_anything_but_the_canonical_spelling_is_no_ballot",
    ),
    Guard(
        "one size of a ballot",
        "ballots/pure/sealing.py",
        " + bytes(size - len(text) - 1)",
        "",
        "tests/pure/test_sealing.py"
        "::test_all_sealed_ballots_of_a_poll_have_one_size_from_blank_to_full",
    ),
    # --- what comes in and what goes out ---
    Guard(
        "no page with choices is compressed",
        "yiwu_vote/middleware.py",
        'request.method in {"GET", "HEAD"}',
        "request.method",
        "tests/site/test_logs_and_csp.py::test_what_answers_a_form_is_not_compressed",
    ),
    Guard(
        "an address that is a secret",
        "yiwu_vote/middleware.py",
        'response.headers["Referrer-Policy"] = "no-referrer"',
        "pass",
        "tests/site/test_logs_and_csp.py::test_an_address_that_is_a_secret_is_told_to_nobody",
    ),
    Guard(
        "the token of a form",
        "yiwu_vote/settings.py",
        '"django.middleware.csrf.CsrfViewMiddleware",',
        "",
        "tests/pages/test_pages.py::test_the_look_up_of_a_receipt_needs_its_token",
    ),
    Guard(
        "a text far too long is not looked at",
        "yiwu_vote/texts.py",
        "return typed(text, lines=lines) if is_within(text, limit) else text",
        "return typed(text, lines=lines)",
        "tests/acts/test_refusal.py::test_a_reason_must_be_seen_and_is_not_endless",
    ),
    Guard(
        "two passwords at a time",
        "ballots/staff/gate.py",
        "_strangers, _known = Lock(), Lock()",
        '_strangers, _known = (__import__("threading").Semaphore(99) for _ in "ab")',
        "tests/admin/test_backends.py"
        "::test_a_third_password_at_a_time_is_not_looked_at_and_the_page_says_when_to_come_again",
    ),
    Guard(
        "a try is counted before it is looked at",
        "ballots/backends.py",
        "            waits.take_place(key)\n"
        "            user = super().authenticate("
        "request, username=username, password=password, **kwargs)\n",
        "            user = super().authenticate("
        "request, username=username, password=password, **kwargs)\n"
        "            waits.take_place(key)\n",
        "tests/admin/test_backends.py"
        "::test_of_guesses_at_one_moment_no_more_are_looked_at_than_of_guesses_in_a_row",
    ),
    # --- what is built on the record ---
    Guard(
        "the count looks back",
        "ballots/acts/lifecycle.py",
        "_demand_as_on_record(poll)",
        "pass",
        "tests/database/test_looking_back.py"
        "::test_what_was_changed_since_it_was_put_on_record_is_not_counted[the reason of one]",
    ),
    Guard(
        "the confirmation looks back",
        "ballots/acts/lifecycle.py",
        "_demand_as_on_record(poll, result)",
        "pass",
        "tests/database/test_looking_back.py::test_nor_confirmed[the reason of one]",
    ),
    Guard(
        "the publication looks back",
        "ballots/acts/lifecycle.py",
        "_demand_as_on_record(poll, outcome.result)",
        "pass",
        "tests/database/test_looking_back.py::test_nor_published[the reason of one]",
    ),
    Guard(
        "the box stays closed while papers are out",
        "ballots/acts/lifecycle.py",
        "    if papers.are_out:\n",
        "    if False:\n",
        "tests/acts/paper/test_paper.py::test_the_box_stays_closed_until_the_papers_are_in",
    ),
    Guard(
        "who keyed papers never confirms",
        "ballots/acts/lifecycle.py",
        "    if by.get_username() in given.keyers_of(poll):\n",
        "    if False:\n",
        "tests/acts/paper/test_paper.py::test_whoever_keyed_papers_never_confirms_the_count",
    ),
    Guard(
        "the public package holds names back",
        "ballots/files/package.py",
        "    Kind.OPENED,\n",
        "    Kind.OPENED,\n    Kind.STAFF_LISTED,\n",
        "tests/files/test_verifier.py"
        "::test_the_public_package_lists_neither_staff_nor_holders_and_the_full_one_does",
    ),
    Guard(
        "the verifier compares the box with the close",
        "ballots/verifier.py",
        'if package.laid.get("receipts") != package.receipts.root.hexdigest():',
        "if False:",
        "tests/files/test_verifier.py"
        "::test_a_manipulation_is_found_by_its_name[a sealed ballot replaced]",
    ),
)


def copy_to(folder: Path) -> None:
    """Copy whatever git knows of this tree, as it lies here, into `folder`."""
    listed = [program("git"), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in filter(None, run(listed, cwd=ROOT).split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def tried(folder: Path, tests: Iterable[str]) -> subprocess.CompletedProcess[str]:
    """Run `tests` in the copy up to the first that fails."""
    quiet = ["-q", "-x", "--tb=short", "-p", "no:cacheprovider"]
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", *quiet, *tests],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def is_red(answer: subprocess.CompletedProcess[str]) -> bool:
    """Tell whether a test has failed, and nothing before it: code that cannot be read proves nothing."""
    return answer.returncode == 1 and re.search(r"^1 failed", answer.stdout, re.M) is not None


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="guards-") as name:
        folder = Path(name)
        copy_to(folder)
        untouched = tried(folder, [guard.test for guard in GUARDS])
        if untouched.returncode:
            print(untouched.stdout, untouched.stderr, sep="\n")
            return 2
        print("| guard | file | test | without it | s |", "|---|---|---|---|---|", sep="\n")
        green = 0
        for guard in GUARDS:
            path, begun = folder / guard.file, time.monotonic()
            text = path.read_text("utf-8")
            path.write_text(text.replace(guard.code, guard.without), "utf-8")
            answer = tried(folder, [guard.test])
            path.write_text(text, "utf-8")
            if not is_red(answer):
                green += 1
                print(answer.stdout, answer.stderr, file=sys.stderr)
            verdict = "red" if is_red(answer) else "**STILL GREEN**"
            seconds = round(time.monotonic() - begun)
            print(
                f"| {guard.what} | {guard.file} | {guard.test} | {verdict} | {seconds} |",
                flush=True,
            )
    return int(green > 0)


if __name__ == "__main__":
    raise SystemExit(main())
