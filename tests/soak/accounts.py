"""What weir kept of its calls, beside what it said of them, what clients received and what the provider told."""

import json
from collections import Counter

import bodies
import wire
from hostile_clients import ADMIN
from hostile_provider import FIRST_NUMBER

HEADERS = {"Authorization": f"Bearer {ADMIN}"}
SAME = ("outcome", "status", "client", "model", "target", "prompt_tokens", "completion_tokens", "cost_nano", "cache")  # in a call's line and in its record
RUN = "chat.functions"
READ = (RUN, "chat", "chat.completions", "completions", "responses")  # whose answers weir reads; of others it passes on what it is given
SUMS = ("prompt_tokens", "completion_tokens", "total_tokens", "cost_nano", "saved_nano")


def asked(weir, path):
    """None while the store does not answer."""
    answer = wire.call(weir, "GET", path, None, HEADERS, timeout=60)
    return json.loads(answer.body) if answer.status == 200 else None


def records(weir):
    """All of them, newest first; None while the store does not answer."""
    found, cursor = [], ""
    while cursor is not None:
        page = asked(weir, f"/usage/calls?limit=1000{cursor and '&cursor=' + cursor}")
        if page is None:
            return None
        found += page["data"]
        cursor = page["next"]
    return found


def complaints(kept, summary, weir, crowd, said, disk_was_full):
    """What does not agree, a sentence each. kept: the records; said: what the provider told of its good answers. disk_was_full: then
    calls that are refused, and cost nothing, have no record."""
    by_id = Counter(record["request_id"] for record in kept)
    yield from (f"{n} records of {i}" for i, n in by_id.items() if n > 1)
    yield from missing(kept, weir, disk_was_full)
    if not weir.killed:
        yield from (f"no line in the log of {i}, of which there is a record" for i in by_id if i not in weir.calls)
    yield from (f"no record of {i}, whose answer a client has whole" for i, _ in crowd.served if i not in by_id)
    yield from (f"the answer of {i}: {why}" for i, why in crowd.served if why and weir.calls.get(i, {}).get("endpoint") in READ)
    for record in kept:
        line = weir.calls.get(record["request_id"])
        if line:
            yield from (f"{record['request_id']}: {name} is {record[name]} in the record, {line[name]} in the log"
                        for name in SAME if name in line and line[name] != record[name])
    yield from told(kept, said)
    # A run's tokens and money are those of its steps, and count there.
    steps = [record for record in kept if record["endpoint"] != RUN]
    sums = {name: sum(record[name] or 0 for record in steps) for name in SUMS}
    yield from (f"the summary has {name} {summary[name]}, its records {value}" for name, value in {**sums, "total_calls": len(kept)}.items() if summary[name] != value)


def missing(kept, weir, disk_was_full):
    recorded = {record["request_id"] for record in kept}
    return (f"no record of {i}, of which the log has a line: {line}" for i, line in weir.calls.items()
            if i not in recorded and not (disk_was_full and line["attempts"] == 0))


def told(kept, said):
    """No number of the provider's is counted twice, or otherwise than it was told."""
    seen = Counter()
    for record in kept:
        for one in record["tries"]:
            prompt, completion = one.get("prompt_tokens"), one.get("completion_tokens")
            if one.get("estimated") or prompt is None or prompt < FIRST_NUMBER:
                continue
            seen[prompt] += 1
            if said.get(prompt) != completion:
                yield f"{record['request_id']}: {prompt} and {completion} tokens, where the provider told {said.get(prompt)} with {prompt}"
    yield from (f"the answer with {number} tokens is counted {n} times" for number, n in seen.items() if n > 1)
    if not seen:
        yield f"no answer of the provider's own is counted: its others tell {bodies.USAGE['prompt_tokens']} tokens"
