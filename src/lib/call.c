/* One call: from weir_start() through the queue to an exchange. */
#include "lib/call_internal.h"

#include "base/clock.h"
#include "base/mem.h"
#include "lib/misuse.h"
#include "lib/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- references ---- */

void libcall_unref(weir_call *call) {
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

/* ---- through the queue ---- */

static void end_now(weir_call *call) {
    if (call->state == CALL_BEGUN) {
        exchange_cancel(call->x);
        return;
    }
    weir_error e = call->ended_by.id != ERR_NONE ? call->ended_by : libcall_cancelled();
    libcall_end_early(call, &e);
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
    call->x = exchange_start(&c->env, &request, &libcall_door, call);
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
        weir_error e = libcall_cancelled();
        libcall_end_early(call, &e);
    } else if (call->fault.len) {
        weir_error e = error_of(ERR_BAD_REQUEST);
        e.message = buf_span(&call->fault);
        libcall_end_early(call, &e);
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
    libcall_unref(call);
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
    if (call) libcall_unref(call);
}
