"""What a run of the soak has seen: a line, and docs/soak.md."""

import datetime
import platform
from collections import Counter
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs/soak.md"
TROUBLE = {
    "reload_valid": "reloads of another configuration that is good",
    "reload_invalid": "reloads of one that is not",
    "few_files": "times of few descriptors",
    "full_disk": "times of a full disk",
    "clock_set": "settings of the clock, by up to an hour forwards and back",
    "upgrade": "upgrades: another process over the same state",
    "crash": "crashes (`SIGKILL`)",
    "redis_away": "times that Redis was silent, gone or emptied",
    "postgres_away": "times that PostgreSQL was silent, gone or restarted",
}


class Figures:
    def __init__(self, crowd, provider, trouble, weir, kept, store):
        self.sessions, self.answers, self.served = crowd.sessions, len(crowd.answers), len(crowd.served)
        self.statuses = Counter(status for _, status, _ in crowd.answers)
        self.asked, self.trouble, self.store = provider.answered, trouble.done, store
        self.records, self.outcomes = len(kept), Counter(record["outcome"] for record in kept)
        self.tried = sum(len(record["tries"]) for record in kept)

    def line(self):
        return (f"{self.sessions} sessions, {self.answers} answers, {self.asked} requests at the provider, {self.records} records in {self.store}, "
                + ", ".join(f"{n} × {name}" for name, n in sorted(self.trouble.items())))


def write(figures, seconds, seed, clients, binary):
    outcomes = ", ".join(f"{n:,} {name}" for name, n in figures.outcomes.most_common())
    statuses = ", ".join(f"{status} ({n:,})" for status, n in figures.statuses.most_common(12))
    trouble = "\n".join(f"| {words} | {figures.trouble[name]:,} |" for name, words in TROUBLE.items() if figures.trouble[name])
    PAGE.write_text(f"""# Soak

Written by `make soak ARGS=--write`; what it does is said in [tests/soak/run.py](../tests/soak/run.py). Clients send what a random number says and leave when it pleases
them; the provider answers well, badly and not at all, and breaks off anywhere; meanwhile what is in the table befalls weir. Then it becomes quiet, and each of these was found
to be so, or there were no page:

* Gauges, descriptors and processes of tools are what they were before; the last process has ended with status 0, and its leaks were looked for.
* The log is JSON, has a line for each answer and each call, and no secret.
* Every call has one record, the one that its line in the log tells, crashes or not; none is missing whose answer a client has whole.
* No answer of the provider's is counted twice or otherwise than it told; the summary is the sum of the records.
* The trail of the audit is whole.

{datetime.date.today()}, {seconds:g} s, seed {seed}, {clients} clients at a time, `{binary.parent.name}/{binary.name}` ({'under ASan and UBSan' if 'address' in binary.parent.name else 'without sanitizers'}), records in {figures.store}; Linux {platform.release()}:

| | |
| --- | --- |
| connections of clients | {figures.sessions:,} |
| answers | {figures.answers:,}: {statuses} |
| requests that reached the provider | {figures.asked:,} |
| calls recorded | {figures.records:,}: {outcomes}; with {figures.tried:,} tries |
{trouble}

An even seed keeps the records in PostgreSQL, an odd one in SQLite. A run again: `make soak SOAK_SECONDS={seconds:g} ARGS='--seed {seed}'`.
""")
