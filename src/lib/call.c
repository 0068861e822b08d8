/* One call: from weir_start() through the queue and an exchange to its result. */
#include "lib/client.h"

#include "base/clock.h"
#include "base/mem.h"
#include "dialect/dialect_ops.h"
#include "dialect/words.h"
#include "lib/misuse.h"
#include "lib/request.h"
#include "lib/result.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* BEGUN: it is an exchange, which runs or rests. */
typedef enum call_state { CALL_NEW, CALL_WAITING, CALL_BEGUN, CALL_ENDED } call_state;

struct weir_call {
    atomic_uint refs; /* the handle's owner, the loop until the call has ended, the mailbox */
    mailbox *mail;    /* counted */
    list mail_link;   /* under the mailbox's lock */
    bool mailed;
    atomic_bool cancel_wanted, hold_wanted; /* any thread */
    atomic_bool begun_to_ask;               /* any thread reads */

    /* What is asked: written before the call is mailed. */
    weir_event_fn *on_event; /* NULL: a plain answer */
    weir_done_fn *on_done;
    void *user;
    weir_wait_fn *on_wait; /* NULL: nobody hears of waits */
    void *wait_user;
    endpoint endpoint;
    buf path, body; /* the path with its query */
    buf type;       /* the body's, of another call */
    char method[17];
    bool other; /* weir_request_set_call() */
    bool keep_headers;
    buf asked_model; /* empty: none is named */
    buf fault;       /* what is wrong with the request; empty: nothing */
    http_header *headers;
    size_t header_count;
    buf header_text;
    int64_t due_ms; /* monotonic; 0: no deadline of its own */

    /* The loop's. */
    weir_client *client;
    list link; /* client->calls */
    turn place;
    call_state state;
    exchange *x;
    timer deadline;
    weir_error ended_by; /* us: the time in the queue, a bound; ERR_NONE: not */
    buf answer, text, model;
    bool answered;             /* with a whole answer, not a stream */
    arena heads;               /* of `headers_back` */
    http_headers headers_back; /* the answer's, where they are wanted */
    bool has_text;             /* it says something, be it "" */
    bool begun;                /* a stream, or bytes that come in pieces */
    bool streamed;             /* an event of it came */
    bool refused;              /* once or more, for the provider's load */
    bool stopped;              /* pieces of it were not handed out, or are not wanted any more */
    arena scratch;             /* of one event */
};

/* ---- references ---- */

static void unref(weir_call *call) {
    if (atomic_fetch_sub_explicit(&call->refs, 1, memory_order_acq_rel) != 1) return;
    /* The analyzer cannot count. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    mailbox_unref(call->mail);
    free(call);
}

static weir_call *call_of(list *link) {
    return LIST_ENTRY(link, weir_call, link);
}

static weir_call *call_at(turn *place) {
    return CONTAINER_OF(place, weir_call, place);
}

bool libcall_mail(weir_call *call, list *calls) {
    if (call->mailed) return false;
    call->mailed = true;
    atomic_fetch_add_explicit(&call->refs, 1, memory_order_relaxed);
    list_push_back(calls, &call->mail_link);
    return true;
}

/* ---- the end ---- */

static void drop_contents(weir_call *call) {
    buf_done(&call->path);
    buf_done(&call->body);
    buf_done(&call->type);
    buf_done(&call->asked_model);
    buf_done(&call->fault);
    if (call->header_text.ptr) mem_wipe(call->header_text.ptr, call->header_text.cap);
    buf_done(&call->header_text);
    free(call->headers);
    buf_done(&call->answer);
    buf_done(&call->text);
    buf_done(&call->model);
    arena_done(&call->scratch);
    arena_done(&call->heads);
}

static void end_with(weir_call *call, const result_facts *facts) {
    weir_client *c = call->client;
    weir_result *result = result_new(facts);
    usage_count(&c->usage, result);
    call->state = CALL_ENDED;
    turns_leave(&c->turns, &call->place);
    client_tell_counts(c);
    list_remove(&call->link);
    loop_timer_stop(&c->loop, &call->deadline);
    drop_contents(call);
    if (call->on_done)
        call->on_done(call->user, result);
    else
        weir_result_free(result);
    unref(call);
}

/* Text for people, where the exchange has none of its own for it. */
static void write_sentence(const weir_client *c, const weir_error *e, buf *out) {
    const config_chat *say = &client_config(c)->chat;
    bool theirs = error_get(e->id)->fault == FAULT_CLIENT && e->id != ERR_CLIENT_GONE;
    sentence_fill(theirs ? say->say_invalid : say->say_failed, error_message(e), out);
}

/* It ends for a reason of the library's; x may be NULL. */
static void end_by(weir_call *call, const weir_error *e, result_facts *facts) {
    buf error = BUF_EMPTY, sentence = BUF_EMPTY;
    exchange_error_body(e, &error);
    write_sentence(call->client, e, &sentence);
    facts->code = code_of_error(e->id, 0, call->begun);
    facts->failure = buf_span(&error);
    facts->sentence = buf_span(&sentence);
    facts->retry_after_ms = -1;
    end_with(call, facts);
    buf_done(&error);
    buf_done(&sentence);
}

/* Before it has become an exchange. */
static void end_early(weir_call *call, const weir_error *e) {
    char id[ID_LEN + 1];
    id_new(&call->client->loop.rng, clock_wall_us(), id);
    end_by(call, e, &(result_facts){.request_id = id});
}

static weir_error cancelled(void) {
    weir_error e = error_of(ERR_CLIENT_GONE);
    e.message = SPAN_OF("The call was cancelled.");
    return e;
}

/* ---- the exchange's answer ---- */

static void note_model(weir_call *call, const answer_event *event) {
    if (!event->envelope) return; /* one that a filter has made */
    json_value model = event->envelope->model;
    if (!call->model.len && model.type == JSON_STRING)
        buf_add(&call->model, json_string(model, &call->scratch));
}

/* false: it says nothing. */
static bool words_of(weir_call *call, const answer_event *event, span *ret) {
    bool all = dialect_get(endpoint_get(call->endpoint)->dialect)->one_answer;
    return answer_words(event, all, &call->scratch, ret);
}

static void stop(weir_call *call) {
    call->stopped = true;
    weir_call_cancel(call); /* at the end of the turn, when the exchange is not on the stack */
}

/* More than any answer may have is not gathered: a provider could send for ever. */
static bool has_room(weir_call *call, size_t more) {
    size_t most = client_config(call->client)->limits.answer_bytes;
    if (call->text.len + call->answer.len + more <= most) return true;
    call->ended_by = error_of(ERR_ANSWER_TOO_LARGE);
    stop(call);
    return false;
}

/* A text with its end behind it, as C reads it. */
static const char *ended(weir_call *call, span s) {
    return s.len ? arena_dup(&call->scratch, s).ptr : "";
}

static void hand_out(weir_call *call, span text, span json) {
    const weir_event event = {.text = ended(call, text),
                              .text_len = text.len,
                              .json = ended(call, json),
                              .json_len = json.len};
    if (call->on_event(call->user, &event)) stop(call);
}

/* What the program has done inside a callback holds from its return on, though the exchange hears
 * of it at the end of the turn, and may come to its own end before. */
static bool is_wanted(weir_call *call) {
    if (atomic_load(&call->cancel_wanted) || atomic_load(&call->client->free_itself))
        call->stopped = true;
    return !call->stopped;
}

/* A provider that does not stream answers a stream in one piece. */
static void hand_out_whole(weir_call *call) {
    if (!is_wanted(call))
        buf_clear(&call->text); /* nobody has seen it */
    else
        hand_out(call, buf_span(&call->text), buf_span(&call->answer));
}

static void keep_head(weir_call *call, http_headers headers) {
    if (!call->keep_headers || !headers.count) return;
    http_header *kept = arena_alloc(&call->heads, headers.count * sizeof *kept);
    for (size_t i = 0; i < headers.count; i++)
        kept[i] = (http_header){.name = arena_dup(&call->heads, headers.items[i].name),
                                .value = arena_dup(&call->heads, headers.items[i].value)};
    call->headers_back = (http_headers){kept, headers.count};
}

static void door_answer(void *user, int status, http_headers headers, span body) {
    (void)status;
    weir_call *call = user;
    keep_head(call, headers);
    call->answered = true;
    buf_add(&call->answer, body);
}

/* A stream where a whole answer was asked for is no answer: nobody is there to hear its events. */
static void refuse_stream(weir_call *call) {
    call->ended_by = error_of(ERR_BAD_ANSWER);
    call->ended_by.message =
        SPAN_OF("The provider sent a stream where a whole answer was asked for.");
    stop(call);
}

/* Of another call, bytes may follow as well as events. */
static void door_head(void *user, int status, http_headers headers) {
    (void)status;
    weir_call *call = user;
    keep_head(call, headers);
    call->begun = call->on_event || call->other;
    if (!call->begun) refuse_stream(call);
}

/* Of what is neither JSON nor a stream. */
static void door_piece(void *user, span bytes) {
    weir_call *call = user;
    if (has_room(call, bytes.len)) buf_add(&call->answer, bytes);
}

static void hear_piece(weir_call *call, const answer_event *event) {
    span text = SPAN_EMPTY;
    if (!call->on_event && call->ended_by.id == ERR_NONE) refuse_stream(call);
    if (!is_wanted(call) || !call->on_event) return;
    call->streamed = true;
    note_model(call, event);
    if (!words_of(call, event, &text)) text = SPAN_EMPTY;
    if (!has_room(call, text.len)) return;
    buf_add(&call->text, text);
    hand_out(call, text, event->data);
}

/* door_answer() gets its bytes. */
static void hear_whole(weir_call *call, const answer_event *event) {
    span text;
    note_model(call, event);
    call->has_text = words_of(call, event, &text);
    if (call->has_text) buf_add(&call->text, text);
}

static void door_event(void *user, const answer_event *event) {
    weir_call *call = user;
    if (event->kind == ANSWER_STREAM)
        hear_piece(call, event);
    else
        hear_whole(call, event);
    arena_reset(&call->scratch, 0);
}

/* A whole answer that came in pieces, perhaps in none. */
static void door_end(void *user) {
    weir_call *call = user;
    call->answered |= call->other && !call->streamed;
}

static void door_abort(void *user) {
    (void)user; /* the exchange knows */
}

static bool door_full(void *user) {
    return atomic_load(&((weir_call *)user)->hold_wanted);
}

static void door_refused(void *user, int status, int64_t retry_after_ms) {
    (void)status;
    weir_call *call = user;
    weir_client *c = call->client;
    call->refused = true;
    turns_refused(&c->turns, &call->place, retry_after_ms, c->loop.now_ms);
    client_tell_counts(c);
}

static void door_missed(void *user) {
    weir_call *call = user;
    weir_client *c = call->client;
    turns_missed(&c->turns, &call->place, c->loop.now_ms);
    client_tell_counts(c);
}

/* Another call may have its place meanwhile. */
static void door_rests(void *user) {
    weir_call *call = user;
    turns_rest(&call->client->turns, &call->place);
    client_start_soon(call->client);
}

static bool door_wakes(void *user) {
    weir_call *call = user;
    bool runs = turns_wake(&call->client->turns, &call->place);
    client_tell_counts(call->client);
    return runs;
}

static void door_waits(void *user, const call_wait *w) {
    weir_call *call = user;
    const failure *why = w->why;
    if (!call->on_wait || !is_wanted(call)) return;
    const weir_wait wait = {.wait_ms = w->wait_ms,
                            .code = code_of_error(why->error, why->status, false),
                            .status = why->error == ERR_PROVIDER_ERROR ? why->status : 0,
                            .target = ended(call, w->target),
                            .attempts = w->attempts};
    if (call->on_wait(call->wait_user, &wait)) stop(call);
    arena_reset(&call->scratch, 0);
}

static void end_answered(weir_call *call, result_facts *facts) {
    facts->has_body = call->answered;
    if (call->answered) facts->body = buf_span(&call->answer);
    facts->has_text = call->has_text || !call->answered;
    if (facts->has_text) facts->text = buf_span(&call->text);
    facts->model = buf_span(&call->model);
    facts->retry_after_ms = -1;
    end_with(call, facts);
}

static void end_failed(weir_call *call, result_facts *facts) {
    const exchange *x = call->x;
    facts->has_text = call->text.len > 0;
    facts->text = buf_span(&call->text);
    facts->model = buf_span(&call->model);
    if (call->ended_by.id != ERR_NONE || call->stopped || exchange_error(x) == ERR_CLIENT_GONE) {
        weir_error e = call->ended_by.id != ERR_NONE ? call->ended_by : cancelled();
        end_by(call, &e, facts);
        return;
    }
    buf error = BUF_EMPTY, sentence = BUF_EMPTY;
    exchange_failure_body(x, &error);
    exchange_sentence(x, &sentence);
    facts->code = code_of_error(exchange_error(x), facts->status, call->begun);
    facts->failure = buf_span(&error);
    facts->sentence = buf_span(&sentence);
    facts->retry_after_ms = exchange_retry_after_ms(x);
    end_with(call, facts);
    buf_done(&error);
    buf_done(&sentence);
}

static void door_asked(void *user) {
    weir_call *call = user;
    buf_done(&call->body);
}

static void door_done(void *user) {
    weir_call *call = user;
    weir_client *c = call->client;
    const exchange *x = call->x;
    result_facts facts = {.status = exchange_status(x),
                          .headers = call->headers_back,
                          .record = exchange_record(x),
                          .request_id = exchange_request_id(x)};
    bool answered = exchange_error(x) == ERR_NONE;
    turns_ended(&c->turns, &call->place, answered, call->refused);
    if (answered && call->answered && call->on_event) hand_out_whole(call);
    if (answered && !call->stopped)
        end_answered(call, &facts);
    else
        end_failed(call, &facts);
    client_start_waiting(c);
}

static const exchange_door door = {
    .answer = door_answer,
    .head = door_head,
    .piece = door_piece,
    .event = door_event,
    .end = door_end,
    .abort = door_abort,
    .full = door_full,
    .done = door_done,
    .asked = door_asked,
    .refused = door_refused,
    .waits = door_waits,
    .missed = door_missed,
    .rests = door_rests,
    .wakes = door_wakes,
};

/* ---- through the queue ---- */

static void end_now(weir_call *call) {
    if (call->state == CALL_BEGUN) {
        exchange_cancel(call->x);
        return;
    }
    weir_error e = call->ended_by.id != ERR_NONE ? call->ended_by : cancelled();
    end_early(call, &e);
}

void libcall_cancel(list *link) {
    end_now(call_of(link));
}

/* In the queue; once it has begun the exchange knows of it. */
static void on_deadline(timer *t) {
    weir_call *call = CONTAINER_OF(t, weir_call, deadline);
    call->ended_by = error_of(ERR_TOTAL_TIMEOUT);
    call->ended_by.message = SPAN_OF("The call's time was over before its turn came.");
    end_now(call);
}

static void begin(weir_client *c, weir_call *call) {
    span path = buf_span(&call->path);
    size_t query = span_find(path, 0, '?');
    const exchange_request request = {.form = &form_direct,
                                      .endpoint = call->endpoint,
                                      .method = span_cstr(call->method),
                                      .path = span_slice(path, 0, query),
                                      .query = span_slice(path, query + 1, path.len),
                                      .headers = {call->headers, call->header_count},
                                      .body = buf_span(&call->body),
                                      .started_us = c->loop.now_us,
                                      .due_ms = call->due_ms,
                                      .identified = true};
    loop_timer_stop(&c->loop, &call->deadline);
    call->state = CALL_BEGUN;
    atomic_store(&call->begun_to_ask, true);
    call->x = exchange_start(&c->env, &request, &door, call);
}

void libcall_run(weir_client *c, turn *it) {
    weir_call *call = call_at(it);
    if (call->state == CALL_WAITING)
        begin(c, call);
    else
        exchange_go_on(call->x);
}

/* Whom it will ask first, as the configuration in force has it; which of several is a matter of
 * the moment that it begins. */
static void join(weir_client *c, weir_call *call) {
    span named = buf_span(&call->asked_model);
    const config_model *m = config_find_model(client_config(c), named.len ? named : SPAN_OF("*"));
    buf target = BUF_EMPTY;
    if (m) buf_add(&target, m->targets[0].name);
    if (m && !m->targets[0].model.len) {
        buf_add_char(&target, '/');
        buf_add(&target, named);
    }
    turns_join(&c->turns, &call->place, buf_span(&target));
    buf_done(&target);
}

static void enqueue(weir_client *c, weir_call *call) {
    call->state = CALL_WAITING;
    list_push_back(&c->calls, &call->link);
    join(c, call);
    int64_t left_ms = call->due_ms - c->loop.now_ms;
    if (call->due_ms && left_ms <= 0) { /* the loop was busy with other things for so long */
        on_deadline(&call->deadline);
        return;
    }
    if (call->due_ms) loop_timer_start(&c->loop, &call->deadline, left_ms);
    client_start_waiting(c);
}

static void hear_new(weir_client *c, weir_call *call) {
    if (c->closing || atomic_load(&call->cancel_wanted)) {
        weir_error e = cancelled();
        end_early(call, &e);
    } else if (call->fault.len) {
        weir_error e = error_of(ERR_BAD_REQUEST);
        e.message = buf_span(&call->fault);
        end_early(call, &e);
    } else {
        enqueue(c, call);
    }
}

void libcall_hear(weir_client *c, list *mail_link) {
    weir_call *call = LIST_ENTRY(mail_link, weir_call, mail_link);
    /* From here on it may come again. */
    pthread_mutex_lock(&call->mail->lock);
    call->mailed = false;
    pthread_mutex_unlock(&call->mail->lock);
    if (call->state == CALL_NEW)
        hear_new(c, call);
    else if (call->state != CALL_ENDED && atomic_load(&call->cancel_wanted))
        end_now(call);
    else if (call->state == CALL_BEGUN && !atomic_load(&call->hold_wanted))
        exchange_room(call->x);
    unref(call);
}

/* ---- the public functions ---- */

static void keep_headers(weir_call *call, const weir_request *r) {
    call->header_count = r->headers.count;
    call->headers = mem_zalloc_array(r->headers.count + 2, sizeof *call->headers);
    for (size_t i = 0; i < r->headers.count; i++) {
        buf_add_cstr(&call->header_text, r->headers.items[i].name);
        buf_add_cstr(&call->header_text, r->headers.items[i].value);
    }
    /* Only now does the text not move any more. */
    size_t at = 0;
    for (size_t i = 0; i < r->headers.count; i++) {
        size_t name = strlen(r->headers.items[i].name), value = strlen(r->headers.items[i].value);
        call->headers[i].name = span_from(call->header_text.ptr + at, name);
        call->headers[i].value = span_from(call->header_text.ptr + at + name, value);
        at += name + value;
    }
}

/* What weir_request_set_call() has said. */
static void note_other(weir_call *call, const weir_request *r) {
    call->other = true;
    call->endpoint = EP_OTHER;
    snprintf(call->method, sizeof call->method, "%s", r->method);
    if (!r->type) return;
    buf_add_cstr(&call->type, r->type);
    call->headers[call->header_count++] =
        (http_header){.name = SPAN_OF("content-type"), .value = buf_span(&call->type)};
}

/* The client's model is one that writes. */
static const char *default_model(const weir_client *c, endpoint e) {
    return endpoint_get(e)->streams ? c->model : NULL;
}

static void refuse_path(const weir_request *r, buf *fault) {
    buf_addf(fault, "No call can be made to the path %s; it may be ", request_path(r));
    endpoint_add_paths(fault, "", "");
    buf_add_char(fault, '.');
}

/* What is wrong with a request is its result, which comes the same way as any other. */
static void write_asked(const weir_client *c, const weir_request *r, weir_call *call) {
    if (call->endpoint == EP_OTHER && !call->other)
        refuse_path(r, &call->fault);
    else if (!request_write_body(r, default_model(c, call->endpoint), call->on_event, &call->body,
                                 &call->asked_model, &call->fault))
        buf_done(&call->body);
}

static weir_call *start(weir_client *c, const weir_request *request, weir_event_fn *on_event,
                        weir_done_fn *on_done, void *user) {
    weir_call *call = mem_zalloc(sizeof *call);
    atomic_init(&call->refs, 2);
    call->mail = mailbox_ref(c->mail);
    call->client = c;
    call->on_event = on_event;
    call->on_done = on_done;
    call->user = user;
    call->on_wait = request->on_wait;
    call->wait_user = request->wait_user;
    call->ended_by = error_of(ERR_NONE);
    if (request->timeout_ms) call->due_ms = clock_mono_ms() + request->timeout_ms;
    call->keep_headers = request->keep_headers;
    call->endpoint = request_endpoint(request);
    memcpy(call->method, "POST", sizeof "POST");
    list_init(&call->link);
    list_init(&call->mail_link);
    timer_init(&call->deadline, on_deadline);
    arena_init(&call->scratch, 0);
    arena_init(&call->heads, 0);
    buf_add_cstr(&call->path, request_path(request));
    keep_headers(call, request);
    if (request_is_other(request)) note_other(call, request);
    write_asked(c, request, call);
    mailbox_put(c->mail, call);
    return call;
}

weir_call *weir_start(weir_client *c, const weir_request *request, weir_event_fn *on_event,
                      weir_done_fn *on_done, void *user) {
    if (!c) {
        if (on_done) on_done(user, misuse_no_client());
        return NULL;
    }
    weir_request *none = request ? NULL : request_none();
    weir_call *call = start(c, none ? none : request, on_event, on_done, user);
    weir_request_free(none);
    return call;
}

void weir_call_cancel(weir_call *call) {
    if (!call) return;
    atomic_store(&call->cancel_wanted, true);
    mailbox_put(call->mail, call);
}

int weir_call_begun(const weir_call *call) {
    return call && atomic_load(&call->begun_to_ask);
}

void weir_call_pause(weir_call *call) {
    if (!call) return;
    atomic_store(&call->hold_wanted, true);
}

void weir_call_resume(weir_call *call) {
    if (!call) return;
    atomic_store(&call->hold_wanted, false);
    mailbox_put(call->mail, call);
}

void weir_call_free(weir_call *call) {
    if (call) unref(call);
}
