/* base/errors.h: the one error table (errors.def) as constants and as data. */
#ifndef WEIR_BASE_ERRORS_H
#define WEIR_BASE_ERRORS_H

#include "base/span.h"

typedef enum error_id {
    ERR_NONE = 0,
#define X(name, status, type, code, fault, retry, sentence) ERR_##name,
#include "base/errors.def"
#undef X
    ERR_COUNT
} error_id;

typedef enum error_fault { FAULT_CLIENT, FAULT_PROVIDER, FAULT_WEIR } error_fault;

typedef struct error_row {
    const char *name; /* of its enumerator, "UNKNOWN_MODEL": for people at the code */
    int status;
    const char *type;
    const char *code; /* "": null */
    error_fault fault;
    bool should_retry;
    const char *sentence;
} error_row;

/* id must be a row of the table (not ERR_NONE). */
const error_row *error_get(error_id id);
/* What logs and metrics call it, as its client reads it: its code, or, where that is null, its
 * type. Each error has its own; empty for ERR_NONE. */
span error_word(error_id id);
span error_fault_word(error_fault f); /* "client" */
/* The client is not there any more to hear of it: it left, or was left. */
static inline bool error_is_parting(error_id id) {
    return id == ERR_CLIENT_GONE || id == ERR_CLIENT_SLOW;
}

/* An error on its way to the person who will read it. */
typedef struct weir_error {
    error_id id;            /* ERR_NONE: no error */
    span message;           /* empty: the table's sentence. Lives in the exchange's arena */
    span param;             /* the field at fault; empty: null */
    int64_t retry_after_ms; /* hint for the client; < 0: none */
} weir_error;

static inline weir_error error_of(error_id id) {
    return (weir_error){.id = id, .retry_after_ms = -1};
}
/* The message, or the table's sentence. */
span error_message(const weir_error *e);

#endif
