/* Providers by script, in the place of http/client.c: no sockets, and a clock that is moved by
 * hand, so that a wait of a minute takes no time and a test always takes the same course.
 *
 * The functions of http/client.h that call/ uses are defined here; the linker then leaves the
 * library's out. A script is steps between bars:
 *
 *   200            a head; "200 stream" and "200 raw" of events and of audio, "429 name: value"
 *                  with a header, "429 name: value; other: value" with more, at most four
 *   role, say X, finish, usage, done      chunks of a chat completion's stream
 *   event X        data: X
 *   bytes X        X as it is; \n in it is a line end
 *   end            of the body
 *   refuse, reset, cut, mute, idle, tls, garbage, dense, large …  it ends as that kind of failure
 *   short pool     … for want of that of weir's own
 *   queued         alone: it waits for a place in the pool, and nothing is ever sent
 *   placed         it has had to wait for its place in the pool until now
 *   wait N         N milliseconds
 *
 * A script that ends without an end hangs. A request is heard a millisecond after it was made.
 */
#ifndef WEIR_TEST_ORIGIN_H
#define WEIR_TEST_ORIGIN_H

#include "prepared.h"

#include "heap.h"

#include "base/clock.h"
#include "base/mem.h"
#include "call/call.h"

typedef struct world world;

struct http_origin {
    world *w;
    char name; /* of the provider: 'a', 'b' … */
};

struct http_call {
    list link;
    world *w;
    char at; /* the provider */
    const char *rest;
    const http_call_ops *ops;
    void *user;
    timer timer;
    http_call_facts facts;
    bool over, paused, waits;
};

enum { PROVIDERS = 3, SCRIPTS = 8 };

struct world {
    loop loop;
    arena arena;
    config *config;
    target_table *targets;
    loop_snapshot *snapshot;
    const char *scripts[PROVIDERS][SCRIPTS]; /* of each provider's calls, the last for all others */
    const char *keys[PROVIDERS];             /* YAML; NULL: "sk-provider-a" and so on */
    secret *proxy_login;                     /* borrowed; NULL: there is no proxy */
    unsigned asked[PROVIDERS];
    uint64_t holder; /* of the last request */
    list calls;
    buf asking; /* "abApr": a was asked, then b; a was given up, one paused and resumed */
    buf sent;   /* the headers of the last request: "name: value\n" */
    buf bodies; /* of all requests, a line each */
    buf used;   /* the last character of the key of each request; -: it had none */
    int64_t began_ms;
};

static world *the_world; /* http_client_origin() knows no better */

/* ---- what call/ sees ---- */

http_origin *http_client_origin(http_client *c, const http_origin_spec *spec) {
    (void)c;
    http_origin *o = mem_zalloc(sizeof *o);
    *o = (http_origin){the_world, (char)('a' + spec->port - 1)};
    return o;
}

void http_origin_unref(http_origin *o) {
    free(o);
}

secret *http_origin_proxy_login(const http_origin *o) {
    return o->w ? o->w->proxy_login : NULL;
}

static inline void origin_step(timer *t);

http_call *http_client_send(http_client *c, http_origin *o, const http_call_spec *spec,
                            const http_call_ops *call_ops, void *user) {
    (void)c;
    world *w = o->w;
    unsigned nth = w->asked[o->name - 'a']++;
    const char *const *scripts = w->scripts[o->name - 'a'];
    while (nth && (nth >= SCRIPTS || !scripts[nth]))
        nth--;
    http_call *h = mem_zalloc(sizeof *h);
    *h = (http_call){.w = w,
                     .at = o->name,
                     .rest = scripts[nth] ? scripts[nth] : "",
                     .ops = call_ops,
                     .user = user};
    if (strcmp(h->rest, "queued") == 0) h->facts.lacks = SHORTAGE_POOL;
    list_push_back(&w->calls, &h->link);
    buf_add_char(&w->asking, o->name);
    w->holder = spec->holder;
    buf_clear(&w->sent);
    span key = http_header_get(spec->headers, SPAN_OF("authorization"));
    buf_add_char(&w->used, key.len ? key.ptr[key.len - 1] : '-');
    for (size_t i = 0; i < spec->headers.count; i++)
        buf_addf(&w->sent, "%.*s: %.*s\n", SPAN_ARG(spec->headers.items[i].name),
                 SPAN_ARG(spec->headers.items[i].value));
    for (size_t i = 0; i < spec->body_count; i++)
        buf_add(&w->bodies, spec->body[i]);
    buf_add_char(&w->bodies, '\n');
    timer_init(&h->timer, origin_step);
    timer_start(&w->loop.timers, &h->timer, w->loop.now_ms);
    return h;
}

static inline void origin_over(http_call *h) {
    assert_false(h->over);
    h->over = true;
    timer_stop(&h->w->loop.timers, &h->timer);
}

void http_call_cancel(http_call *h) {
    origin_over(h);
    buf_add_char(&h->w->asking, (char)(h->at - 'a' + 'A'));
}

bool http_call_drop_request(http_call *h) {
    assert_false(h->over);
    buf_add_char(&h->w->asking, 'd');
    return true;
}

void http_call_pause(http_call *h) {
    assert_false(h->over);
    h->paused = true;
    buf_add_char(&h->w->asking, 'p');
}

void http_call_resume(http_call *h) {
    assert_false(h->over);
    h->paused = false;
    buf_add_char(&h->w->asking, 'r');
    if (!timer_active(&h->timer)) timer_start(&h->w->loop.timers, &h->timer, h->w->loop.now_ms);
}

http_call_facts http_call_get_facts(const http_call *h) {
    return h->facts;
}

/* ---- the script ---- */

static inline void origin_body(http_call *h, span bytes) {
    char *copy = malloc(bytes.len + 1); /* gone behind the call */
    if (bytes.len) memcpy(copy, bytes.ptr, bytes.len);
    h->ops->on_body(h->user, span_from(copy, bytes.len));
    free(copy);
}

static inline void origin_data(http_call *h, const char *before, span text, const char *after) {
    buf out = BUF_EMPTY;
    buf_addf(&out, "data: %s%.*s%s\n\n", before, SPAN_ARG(text), after);
    origin_body(h, buf_span(&out));
    buf_done(&out);
}

static inline void origin_bytes(http_call *h, span text) {
    buf out = BUF_EMPTY;
    for (size_t i = 0; i < text.len; i++) {
        bool line_end = text.ptr[i] == '\\' && i + 1 < text.len && text.ptr[i + 1] == 'n';
        buf_add_char(&out, line_end ? '\n' : text.ptr[i]);
        i += line_end;
    }
    origin_body(h, buf_span(&out));
    buf_done(&out);
}

static inline void origin_head(http_call *h, span status, span rest) {
    uint64_t number = 0;
    http_header headers[5];
    assert_true(span_u64(status, &number));
    span type = SPAN_OF("application/json");
    if (span_eq(rest, SPAN_OF("stream"))) type = SPAN_OF("text/event-stream");
    if (span_eq(rest, SPAN_OF("raw"))) type = SPAN_OF("audio/mpeg");
    size_t count = 0;
    for (span one; count < 4 && span_cut(&rest, ';', &one);) {
        size_t colon = span_find(one, 0, ':');
        if (colon < one.len)
            headers[count++] = (http_header){span_trim(span_slice(one, 0, colon)),
                                             span_trim(span_slice(one, colon + 1, one.len))};
    }
    headers[count++] = (http_header){SPAN_OF("content-type"), type};
    http_head head = {.status = (int)number, .content_length = -1, .headers = {headers, count}};
    h->facts.head_us = h->w->loop.now_us;
    h->ops->on_head(h->user, &head);
}

static inline bool origin_fails(http_call *h, span step) {
    static const struct {
        span word;
        http_fail_kind kind;
        shortage shortage;
    } kinds[] = {
        {SPAN("refuse"), HTTP_FAIL_CONNECT},
        {SPAN("tls"), HTTP_FAIL_TLS},
        {SPAN("mute"), HTTP_FAIL_FIRST_BYTE_TIMEOUT},
        {SPAN("idle"), HTTP_FAIL_IDLE_TIMEOUT},
        {SPAN("reset"), HTTP_FAIL_RESET},
        {SPAN("cut"), HTTP_FAIL_CUT},
        {SPAN("garbage"), HTTP_FAIL_MALFORMED},
        {SPAN("dense"), HTTP_FAIL_DENSE},
        {SPAN("large"), HTTP_FAIL_LARGE_HEAD},
        {SPAN("unsendable"), HTTP_FAIL_UNSENDABLE},
        {SPAN("short descriptors"), HTTP_FAIL_SHORT, SHORTAGE_DESCRIPTORS},
        {SPAN("short files"), HTTP_FAIL_SHORT, SHORTAGE_FILES},
        {SPAN("short memory"), HTTP_FAIL_SHORT, SHORTAGE_MEMORY},
        {SPAN("short ports"), HTTP_FAIL_SHORT, SHORTAGE_PORTS},
        {SPAN("short network"), HTTP_FAIL_SHORT, SHORTAGE_NETWORK},
        {SPAN("short barred"), HTTP_FAIL_SHORT, SHORTAGE_BARRED},
        {SPAN("short names"), HTTP_FAIL_SHORT, SHORTAGE_NAMES},
        {SPAN("short proxy"), HTTP_FAIL_SHORT, SHORTAGE_PROXY},
        {SPAN("short pool"), HTTP_FAIL_SHORT, SHORTAGE_POOL},
        {SPAN("short share"), HTTP_FAIL_SHORT, SHORTAGE_SHARE},
        {SPAN("unconnected"), HTTP_FAIL_CONNECT_TIMEOUT},
    };
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (!span_eq(step, kinds[i].word)) continue;
        const http_fail fail = {kinds[i].kind, kinds[i].shortage, .text = "as told"};
        origin_over(h);
        h->ops->on_fail(h->user, &fail);
        return true;
    }
    return false;
}

#define ORIGIN_CHUNK(choice) "{\"choices\":[{\"index\":0," choice "}]}"

static inline void origin_do(http_call *h, span step) {
    span word, rest = step;
    (void)span_cut(&rest, ' ', &word);
    if (!rest.ptr) rest = SPAN_OF("");
    if (word.ptr[0] >= '0' && word.ptr[0] <= '9')
        origin_head(h, word, rest);
    else if (span_eq(word, SPAN_OF("placed")))
        h->facts.placed_us = h->w->loop.now_us;
    else if (span_eq(word, SPAN_OF("role")))
        origin_data(h, ORIGIN_CHUNK("\"delta\":{\"role\":\"assistant\"}"), SPAN_OF(""), "");
    else if (span_eq(word, SPAN_OF("say")))
        origin_data(h, "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"", rest, "\"}}]}");
    else if (span_eq(word, SPAN_OF("finish")))
        origin_data(h, ORIGIN_CHUNK("\"finish_reason\":\"stop\""), SPAN_OF(""), "");
    else if (span_eq(word, SPAN_OF("usage")))
        origin_data(h, "{\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}",
                    SPAN_OF(""), "");
    else if (span_eq(word, SPAN_OF("done")))
        origin_data(h, "[DONE]", SPAN_OF(""), "");
    else if (span_eq(word, SPAN_OF("event")))
        origin_data(h, "", rest, "");
    else if (span_eq(word, SPAN_OF("bytes")))
        origin_bytes(h, rest);
    else if (span_eq(word, SPAN_OF("end"))) {
        origin_over(h);
        h->ops->on_end(h->user);
    } else if (!origin_fails(h, step))
        fail_msg("no step of a script: %.*s", SPAN_ARG(step));
}

/* Goes on until it waits, is paused or is over. */
static inline void origin_step(timer *t) {
    http_call *h = CONTAINER_OF(t, http_call, timer);
    if (h->facts.lacks) return;
    if (!h->facts.sent_us) {
        h->facts.sent_us = loop_exact_us(&h->w->loop);
        if (h->ops->on_sent) h->ops->on_sent(h->user);
    }
    while (!h->over && !h->paused && *h->rest) {
        span rest = span_cstr(h->rest), step;
        (void)span_cut(&rest, '|', &step);
        h->rest += step.len + (h->rest[step.len] == '|');
        step = span_trim(step);
        uint64_t ms = 0;
        if (span_starts(step, SPAN_OF("wait ")) && span_u64(span_slice(step, 5, step.len), &ms)) {
            timer_start(&h->w->loop.timers, t, h->w->loop.now_ms + (int64_t)ms);
            return;
        }
        origin_do(h, step);
    }
}

/* ---- the world ---- */

/* Providers a, b and c; the model "*" is asked of as many as there are scripts for. */
static inline config *world_config(const world *w, const char *options) {
    buf yaml = BUF_EMPTY;
    config_problems problems = {0};
    buf_add_cstr(&yaml, "providers:\n");
    for (int i = 0; i < PROVIDERS; i++) {
        buf_addf(&yaml, "  %c: {kind: openai, url: 'http://127.0.0.1:%d/v1', key: ", 'a' + i,
                 i + 1);
        if (w->keys[i])
            buf_addf(&yaml, "%s}\n", w->keys[i]);
        else
            buf_addf(&yaml, "sk-provider-%c}\n", 'a' + i);
    }
    buf_add_cstr(&yaml, "models:\n  '*': [a");
    for (int i = 1; i < PROVIDERS && w->scripts[i][0]; i++)
        buf_addf(&yaml, ", %c", 'a' + i);
    buf_addf(&yaml, "]\n%s", options ? options : "");
    config *c = config_parse(buf_span(&yaml), "test", &problems);
    for (size_t i = 0; i < problems.count; i++)
        print_error("%.*s\n", SPAN_ARG(problems.items[i].text));
    config_problems_done(&problems);
    buf_done(&yaml);
    assert_non_null(c);
    return c;
}

/* w->scripts are set. options: more lines of the configuration; indented ones are models. */
static inline void world_init(world *w, const char *options) {
    the_world = w;
    arena_init(&w->arena, 0);
    list_init(&w->calls);
    w->loop.now_ms = w->began_ms = clock_mono_ms();
    w->loop.now_us = w->loop.now_ms * 1000;
    timers_init(&w->loop.timers, w->loop.now_ms);
    rng_seed(&w->loop.rng, 7);
    w->config = world_config(w, options);
    w->targets = target_table_new();
    w->snapshot = prepared(NULL, w->config, w->targets);
}

/* Every timer that is due by then fires, each at its own time. */
static inline void world_run_until(world *w, int64_t end_ms) {
    int64_t next;
    while ((next = timers_next_ms(&w->loop.timers)) <= end_ms) {
        if (next > w->loop.now_ms) w->loop.now_ms = next;
        w->loop.now_us = w->loop.now_ms * 1000;
        timers_advance(&w->loop.timers, w->loop.now_ms);
    }
    if (end_ms != INT64_MAX - 1 && end_ms > w->loop.now_ms) w->loop.now_ms = end_ms;
    w->loop.now_us = w->loop.now_ms * 1000;
}

static inline int64_t world_ms(const world *w) {
    return w->loop.now_ms - w->began_ms;
}

/* Nothing may be left: no timer, no connection. */
static inline void world_done(world *w) {
    assert_int_equal(w->loop.timers.count, 0);
    for (list *node; (node = list_pop_front(&w->calls));) {
        http_call *h = LIST_ENTRY(node, http_call, link);
        assert_true(h->over);
        free(h);
    }
    loop_snapshot_unref(w->snapshot);
    target_table_free(w->targets);
    config_unref(w->config);
    arena_done(&w->arena);
    buf_done(&w->asking);
    buf_done(&w->sent);
    buf_done(&w->bodies);
    buf_done(&w->used);
}

/* ---- what was heard, in words ---- */

static inline void heard_add(buf *out, const char *word) {
    if (out->len) buf_add_cstr(out, "; ");
    buf_add_cstr(out, word);
}

static inline void heard_head(buf *out, const answer_head *head) {
    static const char *const kinds[] = {
        [ANSWER_STREAM] = "stream", [ANSWER_PLAIN] = "plain", [ANSWER_RAW] = "raw"};
    heard_add(out, "");
    buf_addf(out, "%s %d", kinds[head->kind], head->status);
}

/* Its texts; of one without any what else it is. */
static inline void heard_event(buf *out, const answer_event *e) {
    heard_add(out, "");
    if (e->kind == ANSWER_RAW)
        buf_addf(out, "%.*s", SPAN_ARG(e->data));
    else if (e->sorts & EVENT_FAILED)
        buf_add_cstr(out, "failed");
    else if (e->sorts & EVENT_USAGE)
        buf_add_cstr(out, "usage");
    else if (!e->part_count)
        buf_add_char(out, '-');
    for (size_t i = 0; i < e->part_count; i++)
        buf_addf(out, "%s%.*s", e->parts[i].kind == PART_FINISH ? "." : "",
                 (int)e->parts[i].value.raw.len - 2, e->parts[i].value.raw.ptr + 1);
}

static inline void heard_fail(buf *out, const failure *f) {
    heard_add(out, "");
    buf_addf(out, "%s %s %d", failure_name(f->class), error_get(f->error)->code, f->status);
}

#endif
