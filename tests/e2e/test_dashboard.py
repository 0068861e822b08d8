"""The dashboard of packaging/grafana before a real Prometheus that scrapes a weir over the simulator: every query is over series that there
are, and shows what was played."""

import html
import json
import re

import pytest

import daemon
import prometheus
from monitored import Monitored
from test_prometheus import faults, names_of

DASHBOARD = json.loads((daemon.ROOT / "packaging" / "grafana" / "weir.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
TARGETS = [pytest.param(target, id=f"{panel['id']}{target['refId']}") for panel in PANELS for target in panel["targets"]]
RATES = "5s"  # what $__rate_interval is here: four scrapes and more
STAY_AT_0 = {"weir_log_lines_dropped_total", "weir_ledger_unrecorded_calls_total", "weir_ledger_interrupted_calls_total", "weir_ledger_store_away",
             "weir_journal_damaged_places_total", "weir_provider_down", "weir_provider_key_refused", "weir_shortages_total"}


def filled(expression):
    """As Grafana sends it."""
    values = {"$job": "weir", "$instance": ".*", "$__rate_interval": RATES, "$__range": "1m"}
    for name, value in values.items():
        expression = expression.replace(name, value)
    assert "$" not in expression, expression
    return expression


# -- the file ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", TARGETS)
def test_a_query_asks_for_what_there_is(target):
    wanted = re.findall(r"{{\s*(\w+)\s*}}", target["legendFormat"])
    for part in re.split(r" \+ ", target["expr"]):
        assert faults(part, wanted) == []
    for name in names_of(target["expr"]):
        assert target["expr"].count(name) == target["expr"].count(name + '{job=~"$job",instance=~"$instance"'), f"{name} of any job"


def test_panels_have_their_place():
    """A title, a description and room of their own in 24 columns; numbers that tell them apart."""
    taken = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert panel["title"] and not cells & taken and max(x for x, _ in cells) < 24
        assert panel["type"] == "row" or panel["description"].endswith(".")
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_each_source_is_the_chosen_one():
    """A file that names its author's server shows nothing at a reader's."""
    for panel in PANELS:
        for source in [panel["datasource"], *(target["datasource"] for target in panel["targets"])]:
            assert source == {"type": "prometheus", "uid": "${datasource}"}
    names = [variable["name"] for variable in DASHBOARD["templating"]["list"]]
    assert names == ["datasource", "job", "instance"]


def test_the_picture_has_each_panel():
    """Else it is of an earlier dashboard: tools/dashboard-picture draws it anew."""
    picture = (daemon.ROOT / "docs" / "dashboard.svg").read_text()
    drawn = {html.unescape(title) for title in re.findall(r'class="[tr]">([^<]+)<', picture)}
    assert drawn == {panel["title"] for panel in DASHBOARD["panels"]}
    assert "no data" not in picture


# -- before Prometheus -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    if why := prometheus.why_not():
        pytest.skip(why)
    with Monitored(tmp_path_factory.mktemp("monitored")) as m, m.playing():
        m.prometheus.wait('sum(increase(weir_fallbacks_total[1m])) > 2')
        yield m


@pytest.mark.parametrize("target", TARGETS)
def test_a_query_shows_what_was_played(seen, target):
    """Without its `> 0`, which hides what there is and did not happen."""
    expression = filled(target["expr"])
    if names_of(expression) <= STAY_AT_0:
        values = seen.prometheus.wait(expression.replace(" > 0", ""))
        assert {float(series["value"][1]) for series in values} == {0}
    else:
        seen.prometheus.wait(f"({expression}) > 0", 15)
    for label in re.findall(r"{{\s*(\w+)\s*}}", target["legendFormat"]):
        assert all(label in series["metric"] for series in seen.prometheus.query(expression))
