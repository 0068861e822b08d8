#!/usr/bin/env python3
"""Which answers stay: hit rates of three ways over traces that this makes, or over one that was recorded.

    bench/cache_trace.py [REQUESTS]
    bench/cache_trace.py --recorded FILE

FILE is of the form in which Mooncake's traces are published (kvcache-ai/Mooncake, FAST25-release/traces): a JSON object a line, with the hashes of
a prompt's blocks of 512 tokens (`hash_ids`), and `output_length`. Of it two traces are made: the requests, which are the same where all of their
blocks are, with answers of four bytes a token; and the blocks that they bring with them, in their order, all of one size: what of a conversation is
asked again. Memory is a share of what all that is asked would take.

A trace is questions as applications ask them: some often (Zipf), a share of them only once (what a person types), and now and
then a run through many that are never asked again (a batch). Answers are of 0.5 to 8 KB. The bound is in bytes, as
cache.memory is. What is here as S3-FIFO is what src/cache/store.c does; the numbers stand in docs/decisions.
"""

import bisect
import itertools
import json
import random
import sys
from collections import OrderedDict, deque


class Lru:
    def __init__(self, most):
        self.most, self.used, self.of = most, 0, OrderedDict()

    def ask(self, key, size):
        if key in self.of:
            self.of.move_to_end(key)
            return True
        self.of[key] = size
        self.used += size
        while self.used > self.most:
            self.used -= self.of.popitem(last=False)[1]
        return False


class S3Fifo:
    def __init__(self, most):
        self.most, self.of = most, {}  # key: [size, asked, long]
        self.queues, self.bytes = (deque(), deque()), [0, 0]
        self.ghosts, self.put_out = {}, 0

    def ask(self, key, size):
        e = self.of.get(key)
        if e:
            e[1] = min(3, e[1] + 1)
            return True
        long = key in self.ghosts and self.put_out - self.ghosts[key] <= len(self.queues[1]) + 1
        self.put(key, [size, 0, int(long)])
        while sum(self.bytes) > self.most:
            self.evict()
        return False

    def put(self, key, e):
        self.of[key] = e
        self.queues[e[2]].append(key)
        self.bytes[e[2]] += e[0]

    def evict(self):
        q = 0 if self.bytes[0] * 10 >= sum(self.bytes) and self.queues[0] or not self.queues[1] else 1
        key = self.queues[q].popleft()
        e = self.of[key]
        self.bytes[q] -= e[0]
        if q == 0 and e[1]:
            self.put(key, [e[0], 0, 1])
        elif q == 1 and e[1]:
            self.put(key, [e[0], e[1] - 1, 1])
        else:
            del self.of[key]
            if q == 0:
                self.ghosts[key], self.put_out = self.put_out, self.put_out + 1


class TinyLfu:
    """W-TinyLFU: a window of 1 % by LRU, a main part by segmented LRU, and a count of all that was asked, halved now and then."""

    def __init__(self, most, sample=10):
        self.most, self.window, self.probation, self.protected = most, OrderedDict(), OrderedDict(), OrderedDict()
        self.bytes = {id(self.window): 0, id(self.probation): 0, id(self.protected): 0}
        self.count, self.seen, self.sample = {}, 0, sample

    def put(self, part, key, size):
        part[key] = size
        self.bytes[id(part)] += size

    def take(self, part, key=None):
        key = next(iter(part)) if key is None else key
        size = part.pop(key)
        self.bytes[id(part)] -= size
        return key, size

    def note(self, key):
        self.count[key] = min(15, self.count.get(key, 0) + 1)
        self.seen += 1
        if self.seen > self.sample * max(1000, len(self.window) + len(self.probation) + len(self.protected)):
            self.count, self.seen = {k: v // 2 for k, v in self.count.items() if v > 1}, self.seen // 2

    def ask(self, key, size):
        self.note(key)
        if key in self.window:
            self.window.move_to_end(key)
            return True
        if key in self.protected:
            self.protected.move_to_end(key)
            return True
        if key in self.probation:
            self.put(self.protected, *self.take(self.probation, key))
            while self.bytes[id(self.protected)] > self.most * 0.99 * 0.8:
                self.put(self.probation, *self.take(self.protected))
            return True
        self.put(self.window, key, size)
        while self.bytes[id(self.window)] > self.most * 0.01:
            self.admit(*self.take(self.window))
        return False

    def admit(self, key, size):
        main = self.most * 0.99
        while self.bytes[id(self.probation)] + self.bytes[id(self.protected)] + size > main:
            part = self.probation or self.protected
            victim = next(iter(part))
            if self.count.get(victim, 0) >= self.count.get(key, 0):
                return
            self.take(part)
        self.put(self.probation, key, size)


def trace(requests, questions, skew, once, scans, seed=16):
    draw = random.Random(seed)
    weights = list(itertools.accumulate(1 / (i + 1) ** skew for i in range(questions)))
    fresh = itertools.count(questions)
    scan = 0
    for _ in range(requests):
        if scan or (scans and draw.random() < scans / 2000):
            scan = scan - 1 if scan else 2000
            yield next(fresh)
        elif draw.random() < once:
            yield next(fresh)
        else:
            yield bisect.bisect(weights, draw.random() * weights[-1])


WAYS = (Lru, S3Fifo, TinyLfu)


def rates(asked, most):
    """asked: [(key, bytes)]; hit rates."""
    caches = [way(most) for way in WAYS]
    return [sum(c.ask(key, size) for key, size in asked) / len(asked) for c in caches]


def show(name, memory, row):
    print(f"{name:42}{memory:>8}" + "".join(f"{rate:>{width}.1%}" for rate, width in zip(row, (8, 9, 11))))


def made(requests):
    size = lambda key: 512 + hash((key, 7)) % 7680
    for name, skew, once, scans in [("Zipf 1.0", 1.0, 0, 0), ("Zipf 0.8", 0.8, 0, 0), ("Zipf 1.0, a half asked once", 1.0, 0.5, 0),
                                    ("Zipf 0.9, 30 % asked once, scans", 0.9, 0.3, 0.2), ("Zipf 1.0, scans", 1.0, 0, 0.3)]:
        asked = [(k, size(k)) for k in trace(requests, 20_000, skew, once, scans)]
        for most in (4 << 20, 16 << 20):
            show(name, f"{most >> 20} MB", rates(asked, most))


def recorded(path):
    with open(path, encoding="utf-8") as file:
        calls = [json.loads(line) for line in file]
    requests = [((c["input_length"], *c["hash_ids"]), 512 + 4 * c["output_length"]) for c in calls]
    blocks = [(block, 512) for c in calls for block in c["hash_ids"]]
    for name, asked in [("requests", requests), ("blocks of prompts", blocks)]:
        every = dict(asked)
        print(f"{name}: {len(asked)} asked, {len(every)} of them different, so at most {1 - len(every) / len(asked):.1%}")
        for share in (0.01, 0.03, 0.1, 0.3):
            show(name, f"{share:.0%}", rates(asked, share * sum(every.values())))


def main():
    print(f"{'trace':42}{'cache':>8}{'LRU':>8}{'S3-FIFO':>9}{'W-TinyLFU':>11}")
    if sys.argv[1:2] == ["--recorded"]:
        recorded(sys.argv[2])
    else:
        made(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)


if __name__ == "__main__":
    main()
