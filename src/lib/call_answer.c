/* What is heard of a call's exchange, and the result that it ends with. */
#include "lib/call_internal.h"

#include "base/clock.h"
#include "base/mem.h"
#include "dialect/dialect_ops.h"
#include "dialect/words.h"
#include "lib/result.h"

#include <stdlib.h>

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
    libcall_unref(call);
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
void libcall_end_early(weir_call *call, const weir_error *e) {
    char id[ID_LEN + 1];
    id_new(&call->client->loop.rng, clock_wall_us(), id);
    end_by(call, e, &(result_facts){.request_id = id});
}

weir_error libcall_cancelled(void) {
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
        weir_error e = call->ended_by.id != ERR_NONE ? call->ended_by : libcall_cancelled();
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

const exchange_door libcall_door = {
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
