/* replay: an answer that is there already, or comes to another call, comes back like any other: a
 * stream as a stream, event for event, a document as a document, and either as the other where that
 * is what was asked for (dialect/turn.h). */
#include "exchange/cache_use.h"

#include "http/sse.h"

typedef struct replay {
    answer_source source;
    cache_use *use;
    retelling *told; /* of a stream as a stream; NULL: it is none */
    bool live;       /* it still grows: of a flight */
    bool paced;      /* with the pauses it had */
    bool known;      /* a document, of which there is nothing to be found out */
    bool begun, paused, over;
    bool speaks, gone; /* it is on the stack; the exchange is over */
    int64_t began_ms;
    loop_soon soon; /* nothing is said from inside what starts or resumes it */
    timer later;    /* an event that is not due yet */
    /* Of a document, and of what is turned: read whole. */
    reader *reader; /* NULL: it is none */
    buf text;
    span rest;
    bool ends; /* the reader has had all */
    /* An event that is not due yet. */
    answer_event next;
    unsigned next_at_ms;
    bool has_next;
} replay;

static replay *replay_of(answer_source *s) {
    return CONTAINER_OF(s, replay, source);
}

static loop *loop_of(const replay *p) {
    return p->use->x->env->loop;
}

static void soon(replay *p) {
    loop_soon_start(loop_of(p), &p->soon);
}

/* ---- the end ---- */

static void finish(replay *p) {
    if (p->over) return;
    p->over = true;
    exchange_take_end(p->use->x);
}

/* What the leader's own client had to do with is not this one's: his answer has been cut. */
static void fail(replay *p, const failure *why) {
    if (p->over) return;
    p->over = true;
    const weir_error cut = error_of(ERR_STREAM_CUT);
    failure f = *why;
    if (why->class == FAIL_NONE) f = failure_of(&cut);
    exchange_take_failure(p->use->x, &f);
}

/* ---- a stream as a stream ---- */

/* So far behind that what it has still to hear would be kept for it alone. */
static bool is_too_slow(const replay *p) {
    const recording *r = p->told->at.of;
    const size_t most = exchange_config(p->use->x)->cache.answer_bytes;
    return p->live && recording_bytes(r) - p->told->at.bytes > 2 * most;
}

static void on_no_more(replay *p) {
    if (!p->live) {
        finish(p);
        return;
    }
    const flight *f = p->use->seat.of;
    const flight_state state = flight_get_state(f);
    /* It may have said more before it ended. */
    if (state == FLIGHT_OPEN || p->told->at.events < recording_events(p->told->at.of)) return;
    if (state == FLIGHT_LANDED)
        finish(p);
    else
        fail(p, flight_failure(f));
}

static bool is_due(replay *p) {
    if (!p->paced) return true;
    const int64_t wait = p->began_ms + p->next_at_ms - loop_of(p)->now_ms;
    if (wait <= 0) return true;
    loop_timer_start(loop_of(p), &p->later, wait);
    return false;
}

static void tell_stream(replay *p) {
    exchange *x = p->use->x;
    while (!p->paused && !p->over && x->phase == PHASE_ANSWERING) {
        if (!p->has_next && !retelling_next(p->told, &p->next, &p->next_at_ms)) {
            on_no_more(p);
            return;
        }
        p->has_next = true;
        if (!is_due(p)) return;
        p->has_next = false;
        exchange_take_event(x, &p->next);
    }
}

/* ---- a document, and what is turned ---- */

/* A document that is asked for as one lies in the recording. */
static void gather(replay *p, bool stream, bool turned) {
    recorded_event e;
    if (!stream && !turned) {
        if (recording_next(&p->use->at, &e)) p->rest = e.data;
        return;
    }
    const span marker = exchange_dialect(p->use->x)->end_marker;
    while (recording_next(&p->use->at, &e)) {
        if (stream)
            sse_write(&p->text, &(sse_event){.name = e.name, .data = e.data});
        else
            buf_add(&p->text, e.data);
    }
    if (stream && marker.len) sse_write(&p->text, &(sse_event){.data = marker});
    p->rest = buf_span(&p->text);
}

static void tell_known(replay *p) {
    exchange *x = p->use->x;
    const cached_facts *f = &p->use->stored->facts;
    recorded_event e;
    if (p->paused || p->over || x->phase != PHASE_ANSWERING) return;
    if (!p->ends && recording_next(&p->use->at, &e)) {
        const answer_event event = {.kind = ANSWER_PLAIN,
                                    .sorts = f->sorts,
                                    .is_json = true,
                                    .data = e.data,
                                    .usage = &f->usage,
                                    .usage_text =
                                        span_slice(e.data, f->usage_at, f->usage_at + f->usage_len),
                                    .finish_reason = span_cstr(f->reason)};
        p->ends = true;
        exchange_take_event(x, &event);
    }
    if (!p->paused && !p->over && x->phase == PHASE_ANSWERING) finish(p);
}

static void tell_whole(replay *p) {
    exchange *x = p->use->x;
    answer_event e;
    while (!p->paused && !p->over && x->phase == PHASE_ANSWERING) {
        reader_result got =
            p->ends ? reader_end(p->reader, true, &e) : reader_next(p->reader, &p->rest, &e);
        if (got == READER_EVENT)
            exchange_take_event(x, &e);
        else if (got == READER_MORE && !p->ends)
            p->ends = true;
        else if (got == READER_END)
            finish(p);
        else {
            const weir_error bad = error_of(ERR_INTERNAL);
            const failure f = failure_of(&bad);
            fail(p, &f);
        }
    }
}

/* ---- the source ---- */

static void begin(replay *p) {
    exchange *x = p->use->x;
    const bool stream = x->facts.stream && endpoint_get(x->facts.endpoint)->streams;
    const answer_head head = {.kind = stream ? ANSWER_STREAM : ANSWER_PLAIN,
                              .status = 200,
                              .content_type = stream ? SPAN_OF("text/event-stream")
                                                     : SPAN_OF("application/json")};
    p->begun = true;
    p->began_ms = loop_of(p)->now_ms;
    exchange_take_head(x, &head);
}

static void free_all(replay *p) {
    if (p->told) retelling_end(p->told);
    if (p->reader) reader_done(p->reader);
    p->reader = NULL;
    buf_done(&p->text);
}

/* The exchange may end meanwhile; the bytes of a document are wanted a little longer, until its
 * last word. */
static void go_on(replay *p) {
    if (p->over) return;
    p->speaks = true;
    if (!p->begun) begin(p);
    if (p->known)
        tell_known(p);
    else if (!p->told)
        tell_whole(p);
    else
        tell_stream(p);
    p->speaks = false;
    if (p->gone) free_all(p);
}

void replay_go_on(replay *p) {
    if (p->over || p->speaks) return;
    if (p->paused && p->told && is_too_slow(p)) {
        const weir_error cut = error_of(ERR_STREAM_CUT);
        failure f = failure_of(&cut);
        fail(p, &f);
        return;
    }
    if (!loop_soon_waits(&p->soon) && !timer_active(&p->later)) go_on(p);
}

static void on_soon(loop_soon *s) {
    go_on(CONTAINER_OF(s, replay, soon));
}

static void on_later(timer *t) {
    go_on(CONTAINER_OF(t, replay, later));
}

static void on_pause(answer_source *s) {
    replay_of(s)->paused = true;
}

static void on_resume(answer_source *s) {
    replay *p = replay_of(s);
    p->paused = false;
    soon(p);
}

static void on_cancel(answer_source *s) {
    replay_of(s)->over = true;
}

static const answer_source_ops source_ops = {
    .pause = on_pause, .resume = on_resume, .cancel = on_cancel};

void replay_over(replay *p) {
    loop_soon_stop(&p->soon);
    loop_timer_stop(loop_of(p), &p->later);
    p->gone = true;
    if (!p->speaks) free_all(p);
}

/* ---- the row ---- */

/* Somebody wants more of it than its usage. */
static bool wants_texts(const exchange *x) {
    return (x->want & ~(unsigned)WANT_ITEMS) != WANT_PARTS || (x->proof && x->proof->bodies);
}

static void read_whole(replay *p, bool stream, bool was_stream) {
    exchange *x = p->use->x;
    const reader_spec spec = {.dialect = endpoint_get(x->facts.endpoint)->dialect,
                              .asked = stream ? ASKED_STREAM : ASKED_DOCUMENT,
                              .want = x->want,
                              .choices = x->facts.choices,
                              .fewest = 1,
                              .event_bytes = SIZE_MAX,
                              .answer_bytes = SIZE_MAX,
                              .usage_added = !x->facts.usage_asked};
    p->reader = arena_alloc(&x->arena, sizeof *p->reader);
    gather(p, was_stream, stream != was_stream);
    reader_init(p->reader, &spec,
                was_stream ? SPAN_OF("text/event-stream") : SPAN_OF("application/json"),
                (int64_t)p->rest.len);
}

stage_result stage_replay(exchange *x) {
    cache_use *u = x->cache;
    if (!x->given) return STAGE_NEXT;
    replay *p = arena_zalloc(&x->arena, sizeof *p);
    const bool stream = x->facts.stream && endpoint_get(x->facts.endpoint)->streams;
    const bool was_stream = u->stored ? u->stored->stream : stream;
    p->source.ops = &source_ops;
    p->use = u;
    p->live = !u->stored;
    p->paced = u->stored && exchange_config(x)->cache.pace == CACHE_PACE_RECORDED;
    loop_soon_init(&p->soon, on_soon);
    timer_init(&p->later, on_later);
    p->known = u->stored && u->stored->facts.known && !stream && !was_stream && !wants_texts(x);
    if (p->known) {
        /* it is told from the recording */
    } else if (stream && was_stream) {
        p->told = arena_alloc(&x->arena, sizeof *p->told);
        retelling_begin(p->told, x, u->at);
        u->at = (recording_reader){0};
    } else {
        read_whole(p, stream, was_stream);
    }
    u->replay = p;
    exchange_feed_from(x, &p->source);
    soon(p);
    return STAGE_WAIT;
}
