/* lib/result.h: from what a call came to, to the public result. Private to the room. */
#ifndef WEIR_LIB_RESULT_H
#define WEIR_LIB_RESULT_H

#include "base/arena.h"
#include "http/message.h"
#include "observe/record.h"

#include <weir.h>

/* What went wrong. status: see weir_result; begun: a stream's content had been handed out. */
weir_code code_of_error(error_id id, int status, bool begun);

/* All spans are copied. */
typedef struct result_facts {
    weir_code code;
    int status;
    bool has_text;
    span text;
    span model; /* as the provider named it; empty: not known */
    bool has_body;
    span body;     /* an answer's JSON */
    span failure;  /* code is not WEIR_OK: the error in OpenAI's shape; also the body */
    span sentence; /* the same, for people */
    int64_t retry_after_ms;
    http_headers headers;      /* those that are wanted; none: {NULL, 0} */
    const call_record *record; /* NULL: the call never became one */
    const char *request_id;
} result_facts;

/* To be freed with weir_result_free(). */
MUST_USE weir_result *result_new(const result_facts *f);

#endif
