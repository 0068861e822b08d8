/* bench/reader.h: reads and checks one answer of wire.h's traffic. Whatever is not what was asked
 * for ends the program: a wrong answer must never count as a fast one. A plain answer is compared
 * byte for byte; of a proxy that writes answers anew, only that it has the whole of what was said.
 */
#ifndef WEIR_BENCH_READER_H
#define WEIR_BENCH_READER_H

#include "wire.h"

typedef struct expectation {
    const char *body; /* of a plain answer; NULL: a stream */
    size_t body_len;
    const char
        *content; /* NULL: the body comes as it was sent; else this is all that must be in it */
    size_t content_len;
    unsigned events; /* content events of a stream */
} expectation;

typedef struct reader {
    const expectation *want;
    enum { READ_HEAD, READ_BODY, READ_CHUNK_SIZE, READ_CHUNK, READ_CHUNK_END, READ_DONE } state;
    size_t left;     /* of the body or chunk */
    size_t body_at;  /* bytes of the body so far */
    unsigned events; /* content events so far */
    bool finished;   /* [DONE] has come */
    bool ending;     /* the last chunk, of size 0, is being read */
    char *text;      /* of a body that is written anew, body_at bytes; the reader's own */
    size_t line_len;
    char line[4096]; /* the head, or an unfinished line of it or of the stream */
} reader;

void reader_begin(reader *r, const expectation *want);
/* true when the answer is complete. */
bool reader_feed(reader *r, const char *bytes, size_t len);

#endif
