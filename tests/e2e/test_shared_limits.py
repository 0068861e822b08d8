"""Limits of several weirs in one Redis: exact while it is there, bounded while it is not, and no call fails for it."""

import pytest

import bodies
import redis_server
from test_call import figure
from test_limits import ask, client, together
from upstream import reply

pytestmark = pytest.mark.skipif(redis_server.why_not() is not None, reason=str(redis_server.why_not()))


@pytest.fixture
def server():
    made = redis_server.Server()
    yield made
    made.close()


def patient(server):
    """For what must be exact on a machine that is busy with something else, too."""
    return {"url": server.url, "timeout": "5s"}


def weirs(weir, upstream, count, shared, **limits):
    return [weir(upstream, clients=[client(**limits)], shared=shared, server={"workers": 2}) for _ in range(count)]


def statuses(answers):
    return sorted(a.status for a in answers)


def test_64_clients_of_three_weirs_get_exactly_n(weir, upstream, server):
    """Of an hour, so that no machine is slow enough to be given one more."""
    upstream.always(reply(200, bodies.completion()))
    three = weirs(weir, upstream, 3, patient(server), requests="50/h")
    answers = together(64, lambda i: [ask(three[i % 3]), ask(three[(i + 1) % 3])])
    assert statuses(a for pair in answers for a in pair) == [200] * 50 + [429] * 78
    assert sum(figure(w, "weir_shared_local_total") for w in three) == 0
