/* telemetry/sender.h: brings one request at a time to a receiver, as often as it takes.
 *
 *   IDLE ──sender_send()──▶ ASKING ──answered, or not──▶ ENDED ──off the stack──▶ IDLE, told
 *                             ▲                            │ may be sent again
 *                             └──────── RESTING ◀──────────┘
 *
 * Belongs to its loop. `told` is called once for each request, last, from a timer; after
 * sender_cancel() nothing comes.
 */
#ifndef WEIR_TELEMETRY_SENDER_H
#define WEIR_TELEMETRY_SENDER_H

#include "call/resend.h"
#include "telemetry/receiver.h"

/* Source   opentelemetry.io/docs/specs/otlp (OTLP/HTTP: failures, throttling, all other responses).
 */
extern const resend_policy sender_resend;

typedef struct sender sender;

typedef struct sender_result {
    bool taken;
    bool again;        /* it was not, and is sent once more: not the last word */
    int status;        /* of the receiver's answer; 0: there was none */
    span detail;       /* why not, or what the receiver says of it; without secrets; may be empty */
    uint64_t rejected; /* of what was taken: spans or points that the receiver refused */
} sender_result;

typedef struct sender_ops {
    /* A try failed, and another follows. May cancel. */
    void (*rests)(sender *s, const sender_result *r);
    void (*told)(sender *s, const sender_result *r);
} sender_ops;

typedef enum sender_state { SENDER_IDLE, SENDER_ASKING, SENDER_ENDED, SENDER_RESTING } sender_state;

enum { SENDER_ANSWER_MAX = 16 * 1024 };

struct sender {
    loop *loop;
    const sender_ops *ops;
    telemetry_signal signal;
    sender_state state;
    bool hurried; /* nothing is waited for any more: of what is here one try begins, at once */
    /* Of the request. */
    receiver *to;    /* counted */
    receiver *moved; /* counted: where the next try goes instead; NULL: there too */
    config_telemetry_protocol protocol;
    bool gzip;
    buf body;
    span piece; /* body, as the client takes it */
    unsigned tries;
    int64_t began_ms;
    /* Of the try. */
    bool last; /* it began hurried */
    http_call *http;
    timer timer; /* ASKING: its deadline; ENDED: off the stack; RESTING: the next */
    int status;
    int64_t hint_ms;
    int64_t wait_ms;
    buf answer;
    arena arena;
    sender_result result;
};

void sender_init(sender *s, loop *l, telemetry_signal signal, const sender_ops *ops);
/* Takes a reference of `to`, and body, which is emptied. The sender must be idle. */
void sender_send(sender *s, receiver *to, config_telemetry_protocol p, buf *body);
/* Another receiver is in force: what rests goes there at once, what is under way with its next try.
 */
void sender_move(sender *s, receiver *to);
/* What rests is sent now, and what is under way and fails is sent once more, at once; what then
 * fails is given up. */
void sender_hurry(sender *s);
/* Not from inside a callback of the HTTP client's. */
void sender_cancel(sender *s);
void sender_done(sender *s);

#endif
