"""The entry of a WSGI server; run as a program it makes the tables, one question and a user."""

import os

import django
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.bench.peers.settings")


def fill() -> None:
    """Make a question with twelve choices, as long as our candidates, and somebody who logs in."""
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django.utils import timezone

    from tests.bench.peers.polls.models import Question

    call_command("migrate", run_syncdb=True, verbosity=0)
    question = Question.objects.create(question_text="Which?", pub_date=timezone.now())
    for number in range(1, 13):
        question.choice_set.create(choice_text=f"Livelihood project number {number}")
    get_user_model().objects.create_superuser("peer", password="a password of a peer")


if __name__ == "__main__":
    django.setup()
    fill()
else:
    application = get_wsgi_application()
