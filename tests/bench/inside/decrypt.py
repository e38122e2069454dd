"""decrypt.py SHARES: how many ballots a second of CPU the bare HPKE opens, without any of our code."""

import json
import statistics
import sys
import time
from pathlib import Path

import django

MANY = 2000

if __name__ == "__main__":
    django.setup()
    from ballots.acts.ceremony import recover_key
    from ballots.pure import sealing
    from projects.models import Poll

    poll = Poll.objects.latest("pk")
    key = recover_key(poll, Path(sys.argv[1]).read_text().splitlines())
    rows = [bytes(one) for one in poll.sealed_ballots.values_list("sealed", flat=True)[:MANY]]
    info = sealing._binding(poll.uuid)
    rates = []
    for _round in range(3):
        start = time.process_time()
        for row in rows:
            sealing._HPKE.decrypt(row, key.opener, info=info)
        rates.append(len(rows) / (time.process_time() - start))
    print(json.dumps({"rate": statistics.median(rates), "bytes": len(rows[0])}))
