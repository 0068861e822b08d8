"""A receiver of OTLP: a scripted provider whose requests are decoded by OpenTelemetry's own package."""

import gzip

from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse

import daemon

KINDS = {1: "INTERNAL", 2: "SERVER", 3: "CLIENT"}


def value_of(value):
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [value_of(v) for v in value.array_value.values]
    return getattr(value, kind)


def attributes_of(pairs):
    found = {pair.key: value_of(pair.value) for pair in pairs}
    assert len(found) == len(pairs), f"an attribute stands twice: {pairs}"
    return found


class Span:
    def __init__(self, span, resource):
        self.name, self.kind = span.name, KINDS[span.kind]
        self.trace, self.id, self.parent = span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()
        self.state, self.flags = span.trace_state, span.flags
        self.start, self.end = span.start_time_unix_nano, span.end_time_unix_nano
        self.attributes = attributes_of(span.attributes)
        self.links = [link.span_id.hex() for link in span.links]
        self.status, self.message = span.status.code, span.status.message
        self.resource = resource

    def __getitem__(self, key):
        return self.attributes[key]

    def __contains__(self, key):
        return key in self.attributes


def decode(request, message):
    body = request.body
    if request.header("content-encoding") == "gzip":
        body = gzip.decompress(body)
    if request.header("content-type") == "application/json":
        return json_format.Parse(to_base64(body), message)
    assert request.header("content-type") == "application/x-protobuf"
    message.ParseFromString(body)
    return message


def to_base64(body):
    """OTLP's JSON has ids in hex, where protobuf's own has bytes in base 64."""
    import base64
    import json

    def walk(value):
        if isinstance(value, list):
            return [walk(v) for v in value]
        if not isinstance(value, dict):
            return value
        ids = ("traceId", "spanId", "parentSpanId")
        return {k: base64.b64encode(bytes.fromhex(v)).decode() if k in ids else walk(v) for k, v in value.items()}

    return json.dumps(walk(json.loads(body)))


class Receiver:
    """What has arrived at an Upstream that stands in for a receiver."""

    def __init__(self, upstream):
        self.upstream = upstream

    @property
    def endpoint(self):
        return self.upstream.url.removesuffix("/v1")

    def requests(self, signal):
        return [r for r in list(self.upstream.requests) if r.path == f"/v1/{signal}"]

    def spans(self):
        found = []
        for request in self.requests("traces"):
            for resource in decode(request, ExportTraceServiceRequest()).resource_spans:
                about = attributes_of(resource.resource.attributes)
                for scoped in resource.scope_spans:
                    assert scoped.scope.name == "weir"
                    found += [Span(span, about) for span in scoped.spans]
        return found

    def wait_spans(self, n, timeout=15.0):
        daemon.wait_until(lambda: len(self.spans()) >= n, timeout, f"{len(self.spans())} of {n} spans came")
        return self.spans()

    def wait_call(self, attempts=1, timeout=15.0):
        """The span of the only call, and those of its attempts."""
        spans = self.wait_spans(1 + attempts, timeout)
        assert len(spans) == 1 + attempts, [s.name for s in spans]
        assert [s.kind for s in spans] == ["SERVER"] + attempts * ["CLIENT"]
        assert all(s.trace == spans[0].trace and s.parent == spans[0].id for s in spans[1:])
        return spans

    def metrics(self):
        """Of the last request: by name."""
        requests = self.requests("metrics")
        if not requests:
            return {}
        found = {}
        for resource in decode(requests[-1], ExportMetricsServiceRequest()).resource_metrics:
            for scoped in resource.scope_metrics:
                for metric in scoped.metrics:
                    assert metric.name not in found, metric.name
                    found[metric.name] = metric
        return found

    def points(self, name, **attributes):
        """The points of a metric that have these attributes, dots written as two underscores."""
        metric = self.metrics().get(name)
        if not metric:
            return []
        wanted = {key.replace("__", "."): value for key, value in attributes.items()}
        points = getattr(metric, metric.WhichOneof("data")).data_points
        return [p for p in points if wanted.items() <= attributes_of(p.attributes).items()]

    def wait_point(self, name, ready=lambda p: True, timeout=15.0, **attributes):
        def found():
            return [p for p in self.points(name, **attributes) if ready(p)]

        daemon.wait_until(found, timeout, f"no {name} with {attributes} came")
        return found()[0]


def partial(rejected, message=""):
    answer = ExportTraceServiceResponse()
    answer.partial_success.rejected_spans = rejected
    answer.partial_success.error_message = message
    return answer.SerializeToString()
