"""What may stand in a log: a card's token or the screen's key never does (design §6.4)."""

import logging
import re

SECRET_PATHS = re.compile(r"/(k|screen)/[^/\s?]+", re.IGNORECASE)


class HideTokens(logging.Filter):
    """Put the route in place of a path that carries a secret; every record passes."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = SECRET_PATHS.sub(r"/\1/<token>", record.getMessage())
        record.args = None
        return True
