"""step.py COMMAND WORDS…: one command of the product; its seconds and the memory it took at most."""

import io
import json
import resource
import sys
import time

import django

if __name__ == "__main__":
    django.setup()
    from django.core.management import call_command

    start = time.perf_counter()
    call_command(*sys.argv[1:], stdout=io.StringIO(), stderr=io.StringIO())
    seconds = time.perf_counter() - start
    own, workers = (
        resource.getrusage(who).ru_maxrss / 1024
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(json.dumps({"seconds": seconds, "own": own, "workers": workers}))
