"""What may stand in a log: a card's token or the screen's key never does (design §6.4).

And how much: what anybody can bring about from outside takes one line, and no page of frames.
"""

import logging
import re

# Characters of a refusal; an address may have thousands.
LONGEST_LINE = 300
# Of anything else: a page that is asked for something odd may say all of it.
LONGEST_MESSAGE = 2_000
SECRET_PATHS = re.compile(r"/(k|screen)/[^/\s?]+", re.IGNORECASE)


class HideTokens(logging.Filter):
    """Put the route in place of a path that carries a secret, and end a line that is far too long.

    Every record passes.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = SECRET_PATHS.sub(r"/\1/<token>", record.getMessage()[:LONGEST_MESSAGE])
        record.args = None
        return True


class OneLine(logging.Filter):
    """Leave out where the program stood when it refused something: only a fault of ours needs that.

    Whoever asks for a page of staff, or by a name that is not the site's, could else fill a disk.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.ERROR or record.name.startswith("django.security"):
            record.exc_info = record.exc_text = None
            message = record.getMessage()
            record.msg, record.args = message[:LONGEST_LINE], None
        return True
