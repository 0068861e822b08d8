/* telemetry/meter.h: all metrics of the process as one request of OTLP.
 *
 * Those of /metrics have names that a Prometheus which takes OTLP turns into theirs:
 * weir_calls_total is told as "weir.calls", a monotonic sum; of what has a unit the name's ending
 * is the unit, s or By. Any thread.
 */
#ifndef WEIR_TELEMETRY_METER_H
#define WEIR_TELEMETRY_METER_H

#include "observe/metrics.h"
#include "telemetry/otlp.h"

/* Appends it. now_us: microseconds since 1970. */
void meter_write(const metrics *m, config_telemetry_protocol p, const otlp_attributes *resource,
                 int64_t now_us, buf *out);

/* The name of a family and its unit, by OTLP's ways; *ret_name is in the arena. */
void meter_name(const metric_facts *f, arena *a, span *ret_name, span *ret_unit);

#endif
