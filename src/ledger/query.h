/* ledger/query.h: what may be asked of the records: the parameters of GET /usage/summary,
 * /usage/calls and /usage/prices, which `weir usage`, `weir calls` and `weir prices` give as
 * options. Pure.
 */
#ifndef WEIR_LEDGER_QUERY_H
#define WEIR_LEDGER_QUERY_H

#include "base/arena.h"
#include "base/buf.h"

typedef enum query_group {
    GROUP_NONE,
    GROUP_HOUR,
    GROUP_DAY,
    GROUP_CLIENT,
    GROUP_USER,
    GROUP_MODEL,
    GROUP_TARGET,
    GROUP_TAG,
    GROUP_CLIENT_USER, /* users, each of its client: for budgets, and no parameter's word */
} query_group;

enum { QUERY_LIMIT = 100, QUERY_LIMIT_MAX = 1000, QUERY_NAME_MAX = 64 };

typedef struct ledger_query {
    int64_t from_us, to_us;                /* wall time: from the first on, before the second */
    span client, user, model, target, tag; /* a tag as "name=value"; ptr NULL: any */
    /* Of /usage/calls alone. */
    span outcome, error_code, endpoint; /* ptr NULL: any */
    int64_t status;                     /* -1: any */
    unsigned limit;
    span cursor; /* the id of the last call that was seen; ptr NULL: from the newest on */
    /* Of /usage/summary alone. */
    query_group group;
    /* Of /usage/prices alone. */
    span pattern; /* as price_list() takes it; ptr NULL: any */
} ledger_query;

extern const ledger_query ledger_query_all;

typedef enum query_kind { QUERY_SUMMARY, QUERY_CALLS, QUERY_CALL, QUERY_PRICES } query_kind;

/* Sets one parameter by its name, as of now: times are RFC 3339, a date (its midnight, UTC) or how
 * long ago ("24h", "7d"). Texts are borrowed. false and a sentence for who wrote it where there is
 * none of that name or its value is malformed. */
MUST_USE bool query_set(ledger_query *q, query_kind kind, span name, span value, int64_t now_us,
                        buf *ret_why);
/* What no single parameter can tell, when all are set. false, and likewise. */
MUST_USE bool query_check(const ledger_query *q, buf *ret_why);
/* A time as a parameter says it: RFC 3339, a date, or how long ago. */
MUST_USE bool query_read_time(span text, int64_t now_us, int64_t *ret_us);
/* What it may be, for a message that says what it is. */
#define QUERY_TIME_FORMS                                                                           \
    "a time such as 2026-11-24T16:59:39Z, a date such as 2026-11-24, or how long ago, such as "    \
    "24h or 7d"
/* A whole query string, without '?', percent-encoded; texts are made in the arena. *ret_name: the
 * parameter at fault. */
MUST_USE bool query_parse(ledger_query *q, query_kind kind, span text, int64_t now_us, arena *a,
                          span *ret_name, buf *ret_why);

/* The parameters of that kind, for messages and help: name and what it takes. NULL past the last.
 */
typedef struct query_parameter {
    const char *name, *takes, *about;
} query_parameter;
const query_parameter *query_parameter_at(query_kind kind, size_t i);

/* "": it has none. */
const char *query_group_word(query_group g);

#endif
