/* batch/results.h: the lines of the output and error files. Pure.
 *
 * They have the form of OpenAI's:
 *   {"id":"batch_req_12_0123456789ab","custom_id":"a","response":{"status_code":200,
 *    "request_id":"…","body":{…}},"error":null}
 * The id holds the number and the mark of the input's line: so the files are their own record of
 * what is done.
 *
 * Any thread.
 * Source   docs.rs/openai-struct, BatchRequestOutput.
 */
#ifndef WEIR_BATCH_RESULTS_H
#define WEIR_BATCH_RESULTS_H

#include "base/buf.h"

/* Which line a result is of. */
typedef struct result_of {
    uint64_t line;
    uint64_t mark;
    span custom_id; /* as JSON; empty: null */
} result_of;

/* An answer, or a provider's refusal. body is written on one line; one that is no JSON becomes a
 * string. */
void result_write_response(buf *out, const result_of *of, int status, span request_id, span body);
/* What is no one's answer. */
void result_write_error(buf *out, const result_of *of, span code, span message);
/* The same of a line that was not understood; message begins with "line N: ". */
void result_write_bad_line(buf *out, const result_of *of, span code, span message);

/* Enough of a result for result_read(). */
enum { RESULT_HEAD_MAX = 8192 };

typedef struct result_head {
    uint64_t line;
    uint64_t mark;
    bool failed; /* no response, or one that refuses */
} result_head;

/* From the beginning of a line that one of the above wrote (by any version of weir; also after
 * another program has written it anew in compact form, members in the same order). false: it is no
 * result of a batch. */
MUST_USE bool result_read(span head, result_head *ret);
/* Whether torn, the beginning of a line that was not written to its end, may be that of a result:
 * or zeros, which a lost machine leaves in the place of what had not reached the disk. Of a longer
 * line that ends with them the rest is to be looked at, too. */
bool result_may_begin(span torn);

#endif
