"""close_waits.py POLL: how long whoever would close the poll waits for its lock, four times a second.

Prints a line when it is ready, and the waits in seconds when somebody types one.
"""

import json
import select
import sys
import time

import django

PAUSE = 0.25

if __name__ == "__main__":
    django.setup()
    from django.db import transaction

    from projects.models import Poll

    poll = Poll.objects.get(pk=sys.argv[1])
    waits = []
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], PAUSE)[0]:
        start = time.perf_counter()
        with transaction.atomic():
            Poll.objects.locked(poll)
            waits.append(time.perf_counter() - start)
            transaction.set_rollback(True)
    print(json.dumps(waits))
