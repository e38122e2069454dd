"""The settings of the other control: production's, but on SQLite each statement stands by itself.

A step that is killed halfway stays half done then; a net that does not see it is blind.
"""

from typing import Any

from django.db.backends.sqlite3 import base

from yiwu_vote.settings import *

Wrapper: Any = base.DatabaseWrapper
Wrapper._start_transaction_under_autocommit = lambda _self: None
