"""Production's settings, in a process whose clock is wrong by CLOCK_HOURS; the database's is right."""

import datetime
import os

import time_machine

from yiwu_vote.settings import *

WRONG_BY = datetime.timedelta(hours=int(os.environ["CLOCK_HOURS"]))
time_machine.travel(datetime.datetime.now(datetime.UTC) + WRONG_BY, tick=True).start()
