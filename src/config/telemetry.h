/* config/telemetry.h: what a receiver of OpenTelemetry is told (telemetry:). */
#ifndef WEIR_CONFIG_TELEMETRY_H
#define WEIR_CONFIG_TELEMETRY_H

#include "config/provider.h"

typedef enum config_telemetry_protocol {
    TELEMETRY_PROTOBUF,
    TELEMETRY_JSON
} config_telemetry_protocol;
typedef enum config_telemetry_compression {
    TELEMETRY_PLAIN,
    TELEMETRY_GZIP
} config_telemetry_compression;

/* Traces and metrics for a receiver of OTLP over HTTP. */
typedef struct config_telemetry {
    bool on;
    config_url endpoint; /* /v1/traces and /v1/metrics are beneath it */
    config_telemetry_protocol protocol;
    config_header *headers; /* values are secret */
    size_t header_count;
    span ca_file; /* empty: the system's authorities */
    config_telemetry_compression compression;
    bool traces, metrics;
    double sample;                 /* of the traces that begin here: 0…1 */
    bool content;                  /* spans hold prompts and answers */
    int64_t interval_ms;           /* between two exports of the metrics */
    int64_t timeout_ms;            /* of one request */
    size_t queue_bytes;            /* spans that may wait */
    span service;                  /* service.name */
    const config_header *resource; /* further attributes: names and values */
    size_t resource_count;
} config_telemetry;

#endif
