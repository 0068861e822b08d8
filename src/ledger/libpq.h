/* ledger/libpq.h: PostgreSQL's client library, loaded when a store is PostgreSQL's: weir does not
 * need it, and does not carry it, where there is none.
 *
 * Any thread. Stays loaded.
 */
#ifndef WEIR_LEDGER_LIBPQ_H
#define WEIR_LEDGER_LIBPQ_H

#include "base/buf.h"

#include <libpq-fe.h>

#define LIBPQ_FUNCTIONS(X)                                                                         \
    X(connect, PQconnectdbParams)                                                                  \
    X(parse, PQconninfoParse)                                                                      \
    X(parsed_free, PQconninfoFree)                                                                 \
    X(finish, PQfinish)                                                                            \
    X(status, PQstatus)                                                                            \
    X(socket, PQsocket)                                                                            \
    X(message, PQerrorMessage)                                                                     \
    X(quiet, PQsetNoticeProcessor)                                                                 \
    X(set_nonblocking, PQsetnonblocking)                                                           \
    X(send, PQsendQueryParams)                                                                     \
    X(send_prepare, PQsendPrepare)                                                                 \
    X(send_prepared, PQsendQueryPrepared)                                                          \
    X(one_by_one, PQsetSingleRowMode)                                                              \
    X(flush, PQflush)                                                                              \
    X(consume, PQconsumeInput)                                                                     \
    X(is_busy, PQisBusy)                                                                           \
    X(result, PQgetResult)                                                                         \
    X(enter_pipeline, PQenterPipelineMode)                                                         \
    X(exit_pipeline, PQexitPipelineMode)                                                           \
    X(sync, PQpipelineSync)                                                                        \
    X(result_status, PQresultStatus)                                                               \
    X(result_field, PQresultErrorField)                                                            \
    X(changed, PQcmdTuples)                                                                        \
    X(rows, PQntuples)                                                                             \
    X(columns, PQnfields)                                                                          \
    X(type, PQftype)                                                                               \
    X(is_null, PQgetisnull)                                                                        \
    X(length, PQgetlength)                                                                         \
    X(value, PQgetvalue)                                                                           \
    X(clear, PQclear)                                                                              \
    X(notice, PQnotifies)                                                                          \
    X(release, PQfreemem)

typedef struct libpq {
#define X(name, symbol) __typeof__(&(symbol)) name;
    LIBPQ_FUNCTIONS(X)
#undef X
} libpq;

/* NULL and a sentence that tells which package brings it. */
const libpq *libpq_load(buf *ret_why);

#endif
