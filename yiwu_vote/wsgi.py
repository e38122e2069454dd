"""The server's entry point (granian --interface wsgi yiwu_vote.wsgi:application)."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yiwu_vote.settings")

application = get_wsgi_application()
