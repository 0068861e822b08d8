/* bench/wire.h: the canned traffic of the benchmark: requests and answers of exact sizes, known to
 * both ends, so that every answer can be checked byte for byte.
 *
 * What the upstream answers is chosen by the request's model:
 *   bench-700            a plain answer of 700 bytes
 *   bench-stream-E-P     a stream of E content events, one every P microseconds
 */
#ifndef WEIR_BENCH_WIRE_H
#define WEIR_BENCH_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A model's name and the wish for usage, as they stand in a request however its JSON is spaced. */
#define WIRE_MODEL      "\"bench-"
#define WIRE_STREAM     "stream-"
#define WIRE_ASKS_USAGE "\"include_usage\""
#define WIRE_DONE       "[DONE]"
/* In the text of content event n, from 1: nothing that a guard would wait for. */
#define WIRE_TOKEN        "no %u"
#define WIRE_TOKEN_PREFIX "no "

enum { WIRE_EVENT_MAX = 512, WIRE_BODY_MIN = 256, WIRE_BODY_MAX = 1 << 25 };

/* Ends the program with a message on stderr. */
_Noreturn void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Nanoseconds of the monotonic clock. */
int64_t now_ns(void);
/* A decimal number that must fill the whole of text and be at most max; dies otherwise. */
uint64_t parse_number(const char *name, const char *text, uint64_t max);

/* A chat completion of exactly size bytes (at least WIRE_BODY_MIN). The caller frees it. */
char *wire_answer(size_t size);
/* What such a completion says, between answer's quotes: *ret_len bytes of it. */
const char *wire_content(const char *answer, size_t *ret_len);

typedef struct wire_ask {
    unsigned port;
    const char *model;
    bool stream;
    bool chat;           /* POST /chat with a message, as services have it that hide the API */
    const char *key;     /* NULL: none */
    const char *headers; /* further lines of the head, or NULL */
    size_t body_size;
} wire_ask;

/* A whole HTTP request whose JSON body is exactly ask's body_size bytes. The caller frees it. */
char *wire_request(const wire_ask *ask, size_t *ret_len);
/* Content event n of a stream, from 1; 0 is the event that names the role. Returns its length. */
size_t wire_event(unsigned n, char out[WIRE_EVENT_MAX]);
/* The events that end a stream: the finish reason, the usage where asked, and [DONE]. */
size_t wire_finish(bool usage, char out[2 * WIRE_EVENT_MAX]);

/* Sockets of 127.0.0.1, non-blocking; they die on failure. */
int net_listen(unsigned port, unsigned *ret_port);
/* From 127.0.0.1, or from 127.0.0.(1 + from): each address has all ports for connections of its
 * own. Returns -1 when the connection is refused. */
int net_connect(unsigned port, unsigned from);

#endif
