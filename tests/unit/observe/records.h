/* The record that tests and the benchmark of the log and the metrics begin with. */
#ifndef WEIR_UNIT_RECORDS_H
#define WEIR_UNIT_RECORDS_H

#include "observe/record.h"

/* A streamed call that went well, with everything that such a record may hold. */
static inline call_record record_of_stream(void) {
    return (call_record){
        .request_id = "019ab123-0000-7000-8000-000000000001",
        .started_wall_us = 1796126400000042,
        .client_request_id = SPAN("mine-7"),
        .client = SPAN("ci"),
        .environment = SPAN("dev"),
        .endpoint = SPAN("chat.completions"),
        .model = SPAN("fast"),
        .model_label = SPAN("fast"),
        .target = SPAN("openai/gpt-4o-mini"),
        .target_label = SPAN("openai/gpt-4o-mini"),
        .provider_request_id = SPAN("req_1"),
        .finish_reason = SPAN("stop"),
        .attempts = 2,
        .hedges = 1,
        .status = 200,
        .stream = true,
        .bytes_in = 1024,
        .bytes_out = 700,
        .skipped_events = 1,
        .usage = {.prompt = 12, .completion = 34, .total = 46, .cached = 0, .reasoning = -1},
        .first_byte_us = 100000,
        .first_token_us = 210005,
        .own_us = 57,
        .cost_nano = 345000,
        .total_us = 1500000,
    };
}

#endif
