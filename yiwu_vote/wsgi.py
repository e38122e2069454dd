"""The server's entry point (granian --interface wsgi yiwu_vote.wsgi:application)."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from yiwu_vote.bodies import BodyFirst

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yiwu_vote.settings")

application = BodyFirst(get_wsgi_application(), threads=settings.THREADS)
