"""The alert rules of packaging/ beside the metrics that weir has (src/observe/metrics.def), and before promtool; what weir exposes, before
promtool too. A rule over a metric, a label or a word that there is not would be silent for ever."""

import re

import pytest
import yaml

import bodies
import daemon
import prometheus
import wire
from prometheus import promtool
from upstream import error, reply, sse

RULES = daemon.ROOT / "packaging" / "prometheus" / "weir-alerts.yaml"
CASES = RULES.with_name("weir-alerts.test.yaml")
PROMETHEUS_OWN = {"job", "instance"}  # labels that a scrape adds
WORDS = {"and", "or", "unless", "by", "without", "on", "ignoring", "offset", "bool"}
SELECTOR = re.compile(r"([a-zA-Z_:]\w*)\s*\{([^}]*)\}")
MATCHER = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"')
GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")

needs_promtool = pytest.mark.skipif(prometheus.why_not() is not None, reason=str(prometheus.why_not()))


# -- what there is -----------------------------------------------------------------------------------------------------


def series():
    """{name of a series: its labels}, a histogram by its three."""
    found = {}
    rows = (daemon.ROOT / "src/observe/metrics.def").read_text()
    for name, kind, labels in re.findall(r'^X\(\w+, "(\w+)", (\w+), \w+, \w+, "\w*", "([\w,]*)"', rows, re.M):
        labels = {label for label in labels.split(",") if label} | PROMETHEUS_OWN
        if kind == "HISTOGRAM":
            found.update({f"{name}_bucket": labels | {"le"}, f"{name}_sum": labels, f"{name}_count": labels})
        else:
            found[name] = labels
    return found


SERIES = series()
LABEL_WORDS = set(re.findall(r"`(\w+)`", (daemon.ROOT / "docs" / "metrics.md").read_text()))


def names_of(expression):
    """The series that an expression names."""
    bare = GROUPING.sub(" ", re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", expression))
    return set(re.findall(r"(?<![\w$\"])([a-zA-Z_:][\w:]*)\b(?!\s*\()", bare)) - WORDS


def faults(expression, labels_used=()):
    """What is wrong with an expression, as sentences. labels_used: those that its texts name."""
    names = names_of(expression)
    wrong = [f"there is no series {name}" for name in names if name not in SERIES]
    if not names:
        wrong.append("names no series")
    for name, matchers in SELECTOR.findall(expression):
        for label, pattern in MATCHER.findall(matchers):
            if label not in SERIES.get(name, {label}):
                wrong.append(f"{name} has no label {label}")
            if label in ("outcome", "fault", "kind", "state", "reason"):
                wrong += [f"{label} is never {word}" for word in pattern.split("|") if word not in LABEL_WORDS]
    known = set().union(*(SERIES.get(name, set()) for name in names))
    grouped = {label.strip() for labels in GROUPING.findall(expression) for label in labels.split(",")}
    wrong += [f"no series of it has a label {label}" for label in grouped - known]
    left = grouped if re.search(r"\bby\b", expression) else known
    wrong += [f"its result has no label {label}" for label in set(labels_used) - left]
    return wrong


def test_what_is_wrong_is_found():
    good = 'sum by (target, le) (rate(weir_first_token_seconds_bucket{target="a"}[5m])) > 1e3 and on (job) weir_build_info'
    assert faults(good) == []
    assert faults('weir_calls_total{outcome=~"ok|cut"}', ["job", "model"]) == []
    for bad in ("wier_calls_total > 0", "weir_first_token_seconds > 1", 'weir_calls_total{fault="weir"}', 'weir_calls_total{outcome="brocken"}',
                "sum by (shortage) (rate(weir_calls_total[5m]))", "1 > 0"):
        assert len(faults(bad)) == 1, bad
    assert faults("sum by (model) (weir_calls_total)", ["target"]) == ["its result has no label target"]


def assert_page(reference):
    """docs/PAGE.md or docs/PAGE.md#HEADING is there."""
    page, _, anchor = reference.partition("#")
    text = (daemon.ROOT / page).read_text()
    headings = {re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-") for line in re.findall(r"^#+ .*$", text, re.M)}
    assert not anchor or anchor in headings, reference


# -- the rules ---------------------------------------------------------------------------------------------------------


def alerts():
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_rule(rule):
    """It asks for what there is, and says what to do and where that is told."""
    assert set(rule["annotations"]) == {"summary", "runbook"} and rule["labels"]["severity"] in ("critical", "warning", "info")
    assert faults(rule["expr"], re.findall(r"\$labels\.(\w+)", str(rule["annotations"]))) == []
    pages = re.findall(r"docs/[\w-]+\.md(?:#[\w-]+)?", rule["annotations"]["runbook"])
    assert pages
    for page in pages:
        assert_page(page)


def test_the_page_has_each_rule():
    page = (daemon.ROOT / "docs" / "monitoring.md").read_text()
    assert re.findall(r"^\| `(Weir\w+)` \| (\w+) \| \w", page, re.M) == [(rule["alert"], rule["labels"]["severity"]) for rule in alerts()]


def firing(check):
    return {re.search(r'alertname="(\w+)"', sample["labels"])[1] for sample in check["exp_samples"]}


def test_each_rule_has_a_case():
    """Each alert fires in one, and each case knows a time at which nothing does."""
    cases = yaml.safe_load(CASES.read_text())["tests"]
    fired = set().union(*(firing(check) for case in cases for check in case["promql_expr_test"]))
    assert fired == {rule["alert"] for rule in alerts()}
    assert all(any(not check["exp_samples"] for check in case["promql_expr_test"]) for case in cases)


def test_cases_are_made_of_what_there_is():
    for case in yaml.safe_load(CASES.read_text())["tests"]:
        for given in case["input_series"]:
            name, labels = re.fullmatch(r"(\w+)\{(.*)\}", given["series"]).groups()
            assert faults(given["series"]) == []
            assert {label for label, _ in MATCHER.findall(labels)} <= SERIES[name]


@needs_promtool
def test_promtool_takes_the_rules():
    promtool("check", "rules", RULES)


@needs_promtool
def test_the_rules_fire_when_they_should():
    promtool("test", "rules", CASES)


# -- what weir exposes -------------------------------------------------------------------------------------------------


@needs_promtool
def test_promtool_takes_the_metrics(weir, upstream):
    upstream.script(reply(200, bodies.completion(usage=bodies.USAGE)), error(503), sse(bodies.stream("a", usage=bodies.USAGE)), error(404))
    w = weir(upstream, retry={"base": "1ms"}, prices={"*": {"input": "0.15", "output": "0.6"}})
    for stream in (False, True, False):
        wire.chat(w, stream=stream)
    w.calls(3)
    text = wire.call(w, "GET", "/metrics").body.decode()
    exposed = set(re.findall(r"^(\w+)[{ ]", text, re.M))
    assert exposed <= set(SERIES)
    assert {"weir_calls_total", "weir_first_token_seconds_bucket", "weir_errors_total", "weir_cost_total", "weir_ledger_records_total"} <= exposed
    assert promtool("check", "metrics", input=text) == ""
