/* cli/chat_report.h: what is said of an answer, beside its text. Pure.
 *
 * Everything that comes from a provider (names, messages) is made harmless for a terminal first.
 */
#ifndef WEIR_CLI_CHAT_REPORT_H
#define WEIR_CLI_CHAT_REPORT_H

#include "base/buf.h"

#include <weir.h>

/* "about 12 + 34 tokens" */
void chat_report_tokens(const weir_result *r, buf *out);
/* "12 + 34 tokens, 1.2 s, first token after 0.3 s, gpt-4o-mini by openai/gpt-4o-mini". */
void chat_report_usage(const weir_result *r, buf *out);
/* "rate limited, again in 20 s". */
void chat_report_wait(const weir_wait *w, buf *out);
/* Why an answer that did not fail is shorter than it might be: a sentence, or NULL. */
const char *chat_report_remark(const weir_result *r);
/* A sentence for people, a line end, and the reason for those who want to know. */
void chat_report_failure(const weir_result *r, buf *out);
/* One JSON object, without a line end; see weir(1). */
void chat_report_json(const weir_result *r, buf *out);
/* "3 calls, 1 of them failed, 120 + 340 tokens, retries: 2, models: a, b". */
void chat_report_summary(const weir_summary *s, buf *out);

#endif
