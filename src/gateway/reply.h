/* gateway/reply.h: the answers that the gateway makes itself, without an exchange. Each carries
 * x-request-id and what cors asks for. After the server's last word about a request they do
 * nothing.
 */
#ifndef WEIR_GATEWAY_REPLY_H
#define WEIR_GATEWAY_REPLY_H

#include "gateway/request.h"

enum { REPLY_HEADERS_MAX = 8 };

/* type may be NULL where there is no body. more: at most REPLY_HEADERS_MAX. */
void reply(const request *q, int status, const char *type, span body, http_headers more);
void reply_json(const request *q, int status, span body);

/* The head of a stream of events: pieces follow, and http_answer_end(). */
void reply_stream(const request *q);

/* An error in OpenAI's shape: with a message of its own, or with headers besides. */
COLD void reply_error_text(const request *q, error_id id, const char *fmt, ...) PRINTF_LIKE(3, 4);
COLD void reply_error_with(const request *q, const weir_error *e, http_headers more);

#endif
