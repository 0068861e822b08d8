/* The recorder: writes down what any client would get, for the cache and for those who listen
 * meanwhile.
 *
 * Who makes a call that others listen to must not hold it up when his own client is slow: the
 * provider goes on being read, what comes is recorded and no more, and this client hears the
 * recording, as the others do (it is *apart*). For that the recorder stands between the exchange
 * and what feeds it. When this client leaves, the call goes on for the others, with nobody at the
 * door.
 */
#include "exchange/cache_use.h"

#include "base/mem.h"

typedef struct recorder {
    filter filter;
    cache_use *use;
    recording *said;  /* the flight's, or its own (counted); NULL: nothing was said yet */
    bool alone;       /* nobody listens */
    bool stopped;     /* nothing is recorded any more */
    bool overgrown;   /* it is too large to be kept */
    bool unfit;       /* it is no whole answer */
    bool done;        /* the flight knows how it ended */
    uint64_t purges;  /* so many there were before the call is made */
    int64_t asked_ms; /* when it is */
    int64_t began_ms; /* the first event */
    size_t events;
    bool usage_told;
    cached_facts facts; /* of a document */
    /* Apart. */
    answer_source source; /* what the exchange knows of */
    answer_source *feeds; /* what is behind it; NULL: nothing any more */
    bool stands;          /* between the two */
    bool apart, ended;
    retelling *told; /* NULL: it has never been */
    loop_soon soon;  /* to hear what was said meanwhile */
    /* The door of one whose client has left. */
    const exchange_door *door;
    void *user;
} recorder;

static recorder *recorder_of(filter *f) {
    return CONTAINER_OF(f, recorder, filter);
}

static exchange *exchange_of(const recorder *r) {
    return r->use->x;
}

static flight *flight_of(const recorder *r) {
    return r->alone ? NULL : r->use->seat.of;
}

static unsigned listeners(const recorder *r) {
    return r->alone || r->done ? 0 : flight_followers(flight_of(r));
}

/* ---- recording ---- */

static cache_room *room_of(const recorder *r) {
    return cache_store_room(exchange_of(r)->env->cache->store);
}

static void begin_recording(recorder *r, recording *said) {
    r->said = said;
    if (!r->alone) flight_record(flight_of(r), said);
}

static recording *said_of(recorder *r) {
    if (!r->said) begin_recording(r, recording_new(room_of(r)));
    return r->said;
}

/* Nobody is told any more, and nothing will be stored. */
static void stop_recording(recorder *r) {
    if (r->stopped) return;
    r->stopped = true;
    recording_let_go(said_of(r));
}

static void note_fitness(recorder *r, const answer_event *e) {
    if (e->sorts & (EVENT_FAILED | EVENT_ERROR)) r->unfit = true;
    if (e->finish_reason.len && !cache_reason_is_whole(e->finish_reason)) r->unfit = true;
    for (size_t i = 0; i < e->part_count; i++) {
        const answer_part *p = &e->parts[i];
        if (p->kind != PART_FINISH || p->value.type != JSON_STRING) continue;
        if (!cache_reason_is_whole(span_slice(p->value.raw, 1, p->value.raw.len - 1)))
            r->unfit = true;
    }
}

/* Of a document that is all of an answer and tells what it has used. */
static void note_facts(recorder *r, const answer_event *e) {
    cached_facts *f = &r->facts;
    const bool inside = e->usage_text.len && e->usage_text.ptr >= e->data.ptr &&
                        e->usage_text.ptr + e->usage_text.len <= e->data.ptr + e->data.len;
    f->known = !r->events && e->is_json && !e->large && inside && usage_is_told(e->usage) &&
               e->finish_reason.len < sizeof f->reason;
    if (!f->known) return;
    f->sorts = e->sorts;
    f->usage = *e->usage;
    f->usage_at = (size_t)(e->usage_text.ptr - e->data.ptr);
    f->usage_len = e->usage_text.len;
    if (e->finish_reason.len) memcpy(f->reason, e->finish_reason.ptr, e->finish_reason.len);
    f->reason[e->finish_reason.len] = 0;
}

/* Too large to be kept, or there is no room for it: those who listen already hear the rest. */
static void outgrow(recorder *r) {
    if (!r->overgrown) {
        r->overgrown = true;
        if (!r->alone) flight_close(flight_of(r));
        if (exchange_of(r)->head.kind == ANSWER_STREAM || !listeners(r))
            recording_let_go(said_of(r));
    }
    if (!listeners(r) && !r->apart) stop_recording(r);
}

static bool is_too_large(const recorder *r, size_t more) {
    const size_t most = exchange_config(exchange_of(r))->cache.answer_bytes;
    return (r->said ? recording_bytes(r->said) : 0) + more > most;
}

static void record(recorder *r, const answer_event *e) {
    exchange *x = exchange_of(r);
    if (r->stopped) return;
    const int64_t now_ms = x->env->loop->now_ms;
    if (e->kind == ANSWER_PLAIN) note_facts(r, e);
    if (!r->events++) r->began_ms = now_ms;
    note_fitness(r, e);
    if (e->kind == ANSWER_PLAIN && is_too_large(r, e->data.len)) outgrow(r);
    if (r->stopped) return;
    if (e->kind == ANSWER_PLAIN && !r->said)
        begin_recording(r, recording_of_whole(room_of(r), e->data));
    else if (e->kind == ANSWER_PLAIN)
        recording_add_whole(r->said, e->data);
    else
        recording_add(said_of(r), e->name, e->data, (unsigned)(now_ms - r->began_ms));
    cache_store *s = x->env->cache->store;
    const cache_room *room = room_of(r);
    const bool full = atomic_load_explicit(&room->used, memory_order_relaxed) >
                      atomic_load_explicit(&room->most, memory_order_relaxed);
    if (is_too_large(r, 0) || (full && !cache_store_trim(s))) outgrow(r);
    if (!r->alone) flight_tell(flight_of(r));
}

/* ---- how it ends ---- */

static bool may_store(const recorder *r) {
    const exchange *x = exchange_of(r);
    return !r->stopped && !r->overgrown && !r->unfit && r->events && x->head.status == 200 &&
           r->use->ttl_ms > 0;
}

static span target_of(const exchange *x) {
    return x->call ? call_get_report(x->call).target : SPAN_EMPTY;
}

static void store(recorder *r, span target) {
    exchange *x = exchange_of(r);
    const int64_t now_ms = x->env->loop->now_ms;
    const cached_answer a = {.key = r->use->key,
                             .stream = x->head.kind == ANSWER_STREAM,
                             .said = r->said,
                             .model = x->facts.model_name,
                             .client = x->client ? x->client->name : SPAN_EMPTY,
                             .target = target,
                             .usage_asked = x->facts.usage_asked || r->usage_told,
                             .facts = r->facts,
                             .similar = similar_look_vector(r->use),
                             .purges = r->purges,
                             .asked_ms = r->asked_ms,
                             .stored_ms = now_ms,
                             .expires_ms = now_ms + r->use->ttl_ms};
    cache_store_put(x->env->cache->store, &a);
    if (r->use->is_far) far_put(x->env->far, &a);
}

/* Stored before the flight is over: who comes from now on finds the one or the other. */
static void land(recorder *r) {
    if (r->done) return;
    r->done = true;
    const span target = target_of(exchange_of(r));
    recording_end(said_of(r));
    if (may_store(r)) store(r, target);
    if (!r->alone) flight_land(flight_of(r), target);
}

static void crash(recorder *r) {
    if (r->done) return;
    r->done = true;
    if (!r->alone) flight_fail(flight_of(r), &exchange_of(r)->failure);
}

/* ---- apart: this client hears the recording ---- */

static void rejoin(recorder *r) {
    exchange *x = exchange_of(r);
    r->apart = false;
    retelling_end(r->told);
    if (!r->ended) return;
    x->source = NULL;
    exchange_enter(x->env);
    filter_pass_end(&r->filter);
    exchange_leave(x->env);
    exchange_watch_rest(x);
}

static void catch_up(recorder *r) {
    exchange *x = exchange_of(r);
    answer_event e;
    unsigned at_ms;
    while (r->apart && !x->pauses && x->phase == PHASE_ANSWERING) {
        if (!retelling_next(r->told, &e, &at_ms)) {
            rejoin(r);
            return;
        }
        exchange_enter(x->env);
        filter_pass_event(&r->filter, &e);
        exchange_leave(x->env);
    }
}

static void on_soon(loop_soon *s) {
    catch_up(CONTAINER_OF(s, recorder, soon));
}

/* From the event that comes next. false: what is recorded is not there from its beginning. */
static bool part(recorder *r) {
    exchange *x = exchange_of(r);
    recording_reader at;
    if (r->stopped || x->head.kind != ANSWER_STREAM || !recording_read(said_of(r), &at))
        return false;
    recorded_event e;
    while (at.events < r->events && recording_next(&at, &e)) {}
    if (!r->told) r->told = arena_zalloc(&x->arena, sizeof *r->told);
    retelling_begin(r->told, x, at);
    r->apart = true;
    return true;
}

/* ---- between the exchange and what feeds it ---- */

static recorder *standing(answer_source *s) {
    return CONTAINER_OF(s, recorder, source);
}

/* It is the client alone who is slow, and others listen. */
static bool may_part(const recorder *r) {
    return exchange_of(r)->pauses == PAUSE_DOOR && !r->apart && listeners(r) > 0;
}

static void on_pause(answer_source *s) {
    recorder *r = standing(s);
    if (r->apart || (may_part(r) && part(r))) return;
    if (r->feeds) r->feeds->ops->pause(r->feeds);
}

static void on_resume(answer_source *s) {
    recorder *r = standing(s);
    if (r->apart)
        loop_soon_start(exchange_of(r)->env->loop, &r->soon);
    else if (r->feeds)
        r->feeds->ops->resume(r->feeds);
}

static void on_cancel(answer_source *s) {
    recorder *r = standing(s);
    answer_source *feeds = r->feeds;
    r->feeds = NULL;
    loop_soon_stop(&r->soon);
    if (feeds) feeds->ops->cancel(feeds);
}

static const answer_source_ops source_ops = {
    .pause = on_pause, .resume = on_resume, .cancel = on_cancel};

/* ---- a client that has left ---- */

static void deaf_answer(void *user, int status, http_headers headers, span body) {
    (void)user, (void)status, (void)headers, (void)body;
}
static void deaf_head(void *user, int status, http_headers headers) {
    (void)user, (void)status, (void)headers;
}
static void deaf_piece(void *user, span bytes) {
    (void)user, (void)bytes;
}
static void deaf_event(void *user, const answer_event *event) {
    (void)user, (void)event;
}
static void deaf(void *user) {
    (void)user;
}
static bool never_full(void *user) {
    (void)user;
    return false;
}
static void deaf_done(void *user) {
    recorder *r = user;
    r->door->done(r->user);
}
static const exchange_door nobody = {.answer = deaf_answer,
                                     .head = deaf_head,
                                     .piece = deaf_piece,
                                     .event = deaf_event,
                                     .end = deaf,
                                     .abort = deaf,
                                     .broken = deaf,
                                     .full = never_full,
                                     .done = deaf_done};

bool recorder_has_left(const recorder *r) {
    return exchange_of(r)->door == &nobody;
}

/* What the client's request lies in goes with him, but for what he gives away: no byte of that
 * moves. */
static void keep_request(exchange *x) {
    exchange_own_record(x);
    if (x->asked) return;
    x->head_kept = x->door->hand_over_head(x->user);
    if (x->large || !x->request->body.len || !x->door->hand_over) return;
    large_request *l = mem_zalloc(sizeof *l);
    l->refs = 1;
    l->loop = x->env->loop;
    l->body = x->door->hand_over(x->user, &l->hold);
    arena_init(&l->arena, 0);
    for (size_t i = 0; i < TOKENS_FAMILIES; i++)
        l->prompts[i] = -1;
    x->large = l;
}

/* Nobody is at the door any more. */
static void leave_door(recorder *r) {
    exchange *x = exchange_of(r);
    keep_request(x);
    r->door = x->door;
    r->user = x->user;
    x->door = &nobody;
    x->user = r;
    exchange_unpause(x, PAUSE_DOOR);
}

/* What is wanted of its request is not the client's, or given away by him. */
static bool may_leave(const exchange *x) {
    const bool body = x->large || !x->request->body.len || x->door->hand_over;
    return x->asked || (body && x->door->hand_over_head);
}

static bool stays(exchange *x) {
    recorder *r = x->cache->recorder;
    if (recorder_has_left(r)) return listeners(r) > 0;
    if (x->phase != PHASE_ANSWERING || !r->stands || !listeners(r) || !may_leave(x)) return false;
    leave_door(r);
    return true;
}

/* This client is so far behind that all that was said since would be kept for it alone. */
static void leave_behind(recorder *r) {
    exchange *x = exchange_of(r);
    const exchange_door *door = x->door;
    void *user = x->user;
    if (recorder_has_left(r)) return;
    x->parting = ERR_CLIENT_SLOW;
    leave_door(r);
    door->abort(user);
}

static bool is_too_slow(const recorder *r) {
    const size_t most = exchange_config(exchange_of(r))->cache.answer_bytes;
    return r->apart && recording_bytes(r->said) - r->told->at.bytes > 2 * most;
}

void recorder_news(recorder *r) {
    exchange *x = exchange_of(r);
    if (r->done || !r->stands) return;
    if (recorder_has_left(r) && !listeners(r))
        exchange_cancel(x);
    else if (may_part(r) && r->feeds && part(r))
        r->feeds->ops->resume(r->feeds);
}

/* ---- the filter ---- */

static void on_begin(filter *f) {
    recorder *r = recorder_of(f);
    exchange *x = f->x;
    r->source.ops = &source_ops;
    r->feeds = x->source;
    r->stands = true;
    x->source = &r->source;
    x->stays = r->alone ? NULL : stays;
    filter_pass_begin(f);
}

static void on_head(filter *f, const answer_head *head) {
    recorder *r = recorder_of(f);
    if (head->kind == ANSWER_RAW || head->status != 200) r->unfit = true;
    filter_pass_head(f, head);
}

static void on_event(filter *f, const answer_event *event) {
    recorder *r = recorder_of(f);
    r->usage_told |= event->usage && usage_is_told(event->usage);
    record(r, event);
    if (!r->apart) {
        filter_pass_event(f, event);
    } else if (is_too_slow(r)) {
        if (listeners(r) && (recorder_has_left(r) || may_leave(exchange_of(r))))
            leave_behind(r);
        else if (r->feeds)
            r->feeds->ops->pause(r->feeds);
    }
}

static void keep_feeding(recorder *r) {
    r->ended = true;
    exchange_of(r)->source = &r->source;
}

static void on_end(filter *f) {
    recorder *r = recorder_of(f);
    land(r);
    r->feeds = NULL;
    if (r->apart)
        keep_feeding(r);
    else
        filter_pass_end(f);
}

static void on_fail(filter *f) {
    recorder *r = recorder_of(f);
    crash(r);
    r->feeds = NULL;
    r->apart = false;
    filter_pass_fail(f);
}

void recorder_over(recorder *r) {
    crash(r);
    loop_soon_stop(&r->soon);
    if (r->told) retelling_end(r->told);
    if (r->alone) recording_unref(r->said);
    r->said = NULL;
}

void record_answer(cache_use *u, bool alone) {
    static const filter_ops ops = {.name = "record",
                                   .place = PLACE_CACHE,
                                   .want = WANT_PARTS,
                                   .begin = on_begin,
                                   .head = on_head,
                                   .event = on_event,
                                   .end = on_end,
                                   .fail = on_fail,
                                   .done = filter_pass_done};
    recorder *r = arena_zalloc(&u->x->arena, sizeof *r);
    r->use = u;
    r->purges = cache_store_purges(u->x->env->cache->store);
    r->asked_ms = u->x->env->loop->now_ms;
    r->alone = alone;
    loop_soon_init(&r->soon, on_soon);
    u->recorder = r;
    filter_add(u->x, &r->filter, &ops);
}
