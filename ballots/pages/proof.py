"""What anybody checks a result with: the public package, the verifier, and how (design §5.6)."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from ballots import journal, verifier
from ballots.files import package
from ballots.files.download import Download
from ballots.pages.answers import asked_poll, refusable
from ballots.pages.middleware import VisitorRequest
from projects.models import Poll
from yiwu_vote.tables.downloads import attachment

# So many polls are looked at in one day at the most; a package of 100,000 receipts has some 4 MB.
KEPT = 4
NAME = "verifier.py"


@dataclass(frozen=True)
class Proof(Download):
    """A public package as it is handed out; `sha256` is that of its bytes."""

    sha256: str


# Strangers may ask as often as they like: each process makes the package once for each state of the
# record, one at a time.
_making = Lock()


def proof_of(poll: Poll) -> Proof:
    """Return the public package of a revealed poll, made anew only where its record has grown."""
    with _making:
        return _made(poll.pk, journal.head(poll))


@lru_cache(maxsize=KEPT)
def _made(poll: int, _head: str) -> Proof:
    file = package.public_package(Poll.objects.get(pk=poll))
    content = file.content
    digest = hashlib.sha256(content).hexdigest()
    return Proof(file.ascii_name, file.chinese_name, content, digest)


@login_not_required
@require_safe
@refusable
def check(request: VisitorRequest) -> HttpResponse:
    """Say how a result is checked, and with what."""
    poll = asked_poll(request)
    context: dict[str, object] = {"poll": poll}
    if poll.is_revealed:
        proof = proof_of(poll)
        context |= {"proof": proof, "head": journal.head(poll), "verifier": NAME}
    return render(request, "ballots/results/check.html", context)


@login_not_required
@require_safe
@refusable
def public_package(request: VisitorRequest) -> HttpResponse:
    """Hand out the public package once everybody has seen the result."""
    poll = asked_poll(request)
    if not poll.is_revealed:
        raise Http404
    proof = proof_of(poll)
    return attachment(proof.content, ascii_name=proof.ascii_name, chinese_name=proof.chinese_name)


@login_not_required
@require_safe
def verifier_file(request: VisitorRequest) -> HttpResponse:
    """Hand out the verifier, one file that stands alone."""
    content = Path(verifier.__file__).read_bytes()
    return attachment(content, ascii_name=NAME, chinese_name=NAME)
