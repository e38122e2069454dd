"""The server's entry point (granian --interface wsgi yiwu_vote.wsgi:application)."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.template.loader import get_template
from django.urls import get_resolver
from django.utils.translation import gettext, override

from yiwu_vote.bodies import BodyFirst
from yiwu_vote.machine.serving import end_when_told

end_when_told()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yiwu_vote.settings")
# Read by the settings: somebody waits for whatever this process does.
os.environ.setdefault("SERVING", "1")
django_application = get_wsgi_application()

# What asks the tables can be imported only now that Django knows of them.
from yiwu_vote.health import HealthFirst, demand_fit_database, end_with_parent, tell_age  # noqa: E402

# The pages of a vote; each brings its parts and the frame of all others.
PAGES = ("sign_in/sign_in", "home/home", "ballot/ballot", "ballot/review", "ballot/receipt")


def load() -> None:
    """Load what the first visitor would else wait for: addresses with their views, templates, words."""
    _ = get_resolver().url_patterns
    for page in PAGES:
        get_template(f"ballots/{page}.html")
    for language, _name in settings.LANGUAGES:
        with override(language):
            gettext("进入")


application = HealthFirst(BodyFirst(django_application, places=settings.PLACES))
end_with_parent()
demand_fit_database()
tell_age()
load()
