"""The peer of the private check, openmined.psi from PyPI, on the sizes of our own measurement.

openmined_psi.py TOKENS ASKED...   the set of the asked side, and how many tokens are asked, each half in the set.
Prints lines of the form of `check_speed`: a label, wall and CPU seconds. It uses one core; it has no more.
"""

import os
import sys
import time

import private_set_intersection.python as psi

FALSE_HITS = 1e-9


def cpu():
    times = os.times()
    return times.user + times.system


def timed(label, work):
    start, before = time.time(), cpu()
    result = work()
    print(f"{label:<64} wall {time.time() - start:>8.3f} s  cpu {cpu() - before:>7.2f} s", flush=True)
    return result


def main():
    count, *asked = [int(text) for text in sys.argv[1:]]
    print(f"openmined.psi {psi.__version__}, GCS, {FALSE_HITS}")
    token = "token {:059d}".format
    server = psi.server.CreateWithNewKey(True)
    client = psi.client.CreateWithNewKey(True)
    held = [token(n) for n in range(count)]
    make = lambda: server.CreateSetupMessage(FALSE_HITS, max(asked), held, psi.DataStructure.GCS)
    setup = timed("set", make)
    print(f"set: {len(setup.SerializeToString())} bytes", flush=True)
    for many in asked:
        items = [token(n + count - many // 2) for n in range(many)]

        def online():
            request = client.CreateRequest(items)
            response = server.ProcessRequest(request)
            both = len(request.SerializeToString()) + len(response.SerializeToString())
            return len(client.GetIntersection(setup, response)), both

        hits, both = timed(f"asked {many}", online)
        print(f"hits {hits}; {both / many:.1f} bytes per token there and back", flush=True)


main()
