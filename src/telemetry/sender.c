#include "telemetry/sender.h"

#include "base/clock.h"
#include "call/hint.h"
#include "telemetry/gzip.h"

static timer_fn on_late, on_ended, on_rested;

/* ---- the only ways out of a try ---- */

static void enter(sender *s, sender_state state, timer_fn *fire, int64_t after_ms) {
    s->state = state;
    loop_timer_stop(s->loop, &s->timer);
    timer_init(&s->timer, fire);
    loop_timer_start(s->loop, &s->timer, after_ms);
}

/* Those alone that OTLP names. */
static bool may_pass(int status) {
    return status == 429 || status == 502 || status == 503 || status == 504;
}

const resend_policy sender_resend = {may_pass, .cap_ms = 30 * 1000, .most_ms = 5 * 60 * 1000};

static resend_verdict decide(sender *s) {
    const resend_facts f = {.status = s->status,
                            .hint_ms = s->hint_ms,
                            .tries = s->tries,
                            .spent_ms = s->loop->now_ms - s->began_ms,
                            .random = rng_unit(&s->loop->rng),
                            .last = s->last};
    return resend_decide(&sender_resend, &f, &s->wait_ms);
}

/* otherwise: why there is no answer. */
static void end(sender *s, span otherwise) {
    resend_verdict verdict = decide(s);
    sender_result *r = &s->result;
    *r = (sender_result){.status = s->status, .taken = verdict == RESEND_DONE};
    r->again = verdict == RESEND_WAIT;
    span said = otherwise;
    if (s->status && !r->taken)
        said = otlp_read_error(s->protocol, buf_span(&s->answer), &s->arena);
    if (r->taken)
        r->rejected = otlp_read_rejected(s->protocol, buf_span(&s->answer), &s->arena, &said);
    /* The answer may be gone when it is told. */
    r->detail = secret_set_without(s->to->secrets, arena_dup(&s->arena, said), &s->arena);
    enter(s, SENDER_ENDED, on_ended, 0);
}

/* ---- callbacks of the HTTP client ---- */

static void on_head(void *user, const http_head *head) {
    sender *s = user;
    s->status = head->status;
    s->hint_ms = hint_read(head->headers, clock_wall_us()).after_ms;
}

static void on_body(void *user, span piece) {
    sender *s = user;
    size_t room = SENDER_ANSWER_MAX - s->answer.len;
    buf_add(&s->answer, span_slice(piece, 0, room));
}

static void on_end(void *user) {
    sender *s = user;
    s->http = NULL;
    end(s, SPAN_EMPTY);
}

static void on_fail(void *user, const http_fail *fail) {
    sender *s = user;
    s->http = NULL;
    s->status = 0; /* an answer that is cut says nothing for certain */
    end(s, arena_dup(&s->arena, span_cstr(fail->text)));
}

static const http_call_ops http_ops = {
    .on_head = on_head, .on_body = on_body, .on_end = on_end, .on_fail = on_fail};

static void on_late(timer *t) {
    sender *s = CONTAINER_OF(t, sender, timer);
    http_call_cancel(s->http);
    s->http = NULL;
    s->status = 0;
    end(s, SPAN_OF("no whole answer within telemetry.timeout"));
}

/* ---- tries ---- */

static void turn(sender *s) {
    if (!s->moved) return;
    receiver_unref(s->to);
    s->to = s->moved;
    s->moved = NULL;
}

static void ask(sender *s) {
    turn(s);
    int64_t within_ms = s->to->config->timeout_ms;
    buf_clear(&s->answer);
    arena_done(&s->arena);
    s->status = 0;
    s->hint_ms = -1;
    s->tries++;
    s->last = s->hurried;
    s->piece = buf_span(&s->body);
    const http_call_spec spec = {
        .method = SPAN("POST"),
        .path = s->to->paths[s->signal],
        .headers = receiver_headers(s->to, s->protocol, s->gzip, &s->arena),
        .body = &s->piece,
        .body_count = 1,
        .connect_ms = within_ms,
        .first_byte_ms = within_ms,
        .idle_ms = within_ms,
    };
    enter(s, SENDER_ASKING, on_late, within_ms);
    s->http = http_client_send(s->to->client, s->to->origin, &spec, &http_ops, s);
}

static void on_rested(timer *t) {
    ask(CONTAINER_OF(t, sender, timer));
}

static void reset(sender *s) {
    s->state = SENDER_IDLE;
    loop_timer_stop(s->loop, &s->timer);
    receiver_unref(s->to);
    receiver_unref(s->moved);
    s->to = s->moved = NULL;
    buf_done(&s->body);
    buf_done(&s->answer);
}

static void on_ended(timer *t) {
    sender *s = CONTAINER_OF(t, sender, timer);
    if (s->result.again) {
        enter(s, SENDER_RESTING, on_rested, s->hurried ? 0 : s->wait_ms);
        s->ops->rests(s, &s->result);
        return;
    }
    reset(s);
    s->ops->told(s, &s->result);
}

/* ---- the owner's side ---- */

void sender_init(sender *s, loop *l, telemetry_signal signal, const sender_ops *ops) {
    *s = (sender){.loop = l, .signal = signal, .ops = ops};
    arena_init(&s->arena, 0);
    timer_init(&s->timer, on_late);
}

void sender_send(sender *s, receiver *to, config_telemetry_protocol p, buf *body) {
    buf packed = BUF_EMPTY;
    s->to = receiver_ref(to);
    s->protocol = p;
    s->gzip = to->config->compression == TELEMETRY_GZIP && gzip_write(buf_span(body), &packed);
    s->body = s->gzip ? packed : *body;
    if (s->gzip) buf_done(body);
    *body = BUF_EMPTY;
    s->tries = 0;
    s->began_ms = s->loop->now_ms;
    ask(s);
}

void sender_move(sender *s, receiver *to) {
    if (s->state == SENDER_IDLE) return;
    receiver_unref(s->moved);
    s->moved = receiver_ref(to);
    if (s->state == SENDER_RESTING) ask(s);
}

void sender_hurry(sender *s) {
    s->hurried = true;
    if (s->state == SENDER_RESTING) ask(s);
}

void sender_cancel(sender *s) {
    if (s->state == SENDER_IDLE) return;
    if (s->http) http_call_cancel(s->http);
    s->http = NULL;
    reset(s);
}

void sender_done(sender *s) {
    sender_cancel(s);
    arena_done(&s->arena);
}
