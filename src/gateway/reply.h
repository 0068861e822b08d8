/* gateway/reply.h: the answers that the gateway makes itself, without an exchange. Each carries
 * x-request-id and what cors asks for.
 */
#ifndef WEIR_GATEWAY_REPLY_H
#define WEIR_GATEWAY_REPLY_H

#include "gateway/worker.h"

enum { REPLY_HEADERS_MAX = 8 };

/* type may be NULL where there is no body. more: at most REPLY_HEADERS_MAX. */
void reply(worker *w, http_request *r, int status, const char *type, span body, http_headers more);
void reply_json(worker *w, http_request *r, int status, span body);

/* An error in OpenAI's shape. The second form has a closer message, the third a header besides. */
void reply_error(worker *w, http_request *r, error_id id);
void reply_error_text(worker *w, http_request *r, error_id id, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
void reply_error_with(worker *w, http_request *r, const weir_error *e, http_headers more);

/* Counts an error that weir answered without an exchange. */
void reply_count_error(worker *w, error_id id);

#endif
