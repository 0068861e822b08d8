/* A secret in every field of everything that a provider can send, spelt in every way that JSON has,
 * and bodies cut anywhere: nothing that an attempt tells has it. Scripts and a clock that is moved
 * by hand (origin.h). */
#include "origin.h"

#include "base/secret_set.h"

/* Of provider a: its keys, what its `headers` have, the login of the proxy before it. */
#define KEYS  "[sk-one/aaaa-0001, sk-two/bbbb-0002], headers: {x-gate: Bearer gate/cccc-0003}"
#define LOGIN "Basic dXNlcjpzZXNhbWUvZGRkZC0wMDA0"
static const char *const secrets[] = {"sk-one/aaaa-0001", "sk-two/bbbb-0002", "gate/cccc-0003",
                                      "sesame/dddd-0004"};

/* @ stands for a secret. */
typedef struct row {
    const char *head;
    const char *body; /* what follows it, in one piece */
    endpoint endpoint;
    bool plain; /* no stream is asked for */
} row;

#define CHUNK(choice)   "data: {\"choices\":[{\"index\":0," choice "}]}\n\n"
#define DONE            CHUNK("\"finish_reason\":\"stop\"") "data: [DONE]\n\n"
#define SAYS(delta)     CHUNK("\"delta\":{" delta "}") DONE
#define PLAIN(members)  "{\"choices\":[{\"message\":{\"content\":\"Hi\"}," members "}]}"
#define HI              PLAIN("\"index\":0")
#define RESPONSE(event) "data: {\"type\":\"response." event "}\n\n"

static const row heads[] = {
    {"200 x-note: @", HI, .plain = true},
    {"200 x-note: a@b", HI, .plain = true},
    {"200 @: 1", HI, .plain = true},
    {"200 x-@-y: 1", HI, .plain = true},
    {"200 x-request-id: @", HI, .plain = true},
    {"200 x-request-id: req-@", HI, .plain = true},
    {"200 content-type: @", HI, .plain = true},
    {"200 content-type: text/event-stream, x=@", SAYS("\"content\":\"Hi\"")},
    {"200 content-type: audio/@", "sound", EP_OTHER},
    {"200 content-type: audio/mpeg, x=@", "sound", EP_OTHER},
    {"200 content-type: application/json, x=@", HI, .plain = true},
    {"200 content-encoding: @", HI, .plain = true},
    {"200 content-encoding: gzip, @", HI, .plain = true},
    {"503 content-encoding: @", HI, .plain = true},
    {"200 connection: @", HI, .plain = true},
    {"429 retry-after: @", HI, .plain = true},
    {"429 x-ratelimit-reset-requests: @", HI, .plain = true},
    {"429 x-should-retry: @; x-note: @; @: @", HI, .plain = true},
    {"302 location: https://a.test/@", "", .plain = true},
    {"400 x-note: @; x-request-id: @; content-type: @", "no", .plain = true},
    {"500 @: @", "", EP_OTHER},
};

static const row streams[] = {
    {"200 stream", "event: @\ndata: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n" DONE},
    {"200 stream", "id: @\nretry: @\n: @\n@: @\n@\n" SAYS("\"content\":\"Hi\"")},
    {"200 stream", "data: @\n\n" DONE},
    {"200 stream", "data: @\ndata: @\n\n" DONE},
    {"200 stream", "event: error\ndata: @\n\n"},
    {"200 stream", "event: @\ndata: @\n\n", EP_OTHER},
    {"200 stream", "data: [\"@\",{\"@\":\"@\"}]\n\n", EP_OTHER},
    {"200 stream", "data: {\"error\":\"@\"}\n\n", EP_OTHER},
    {"200 stream", SAYS("\"content\":\"@\"")},
    {"200 stream", SAYS("\"content\":\"a @, \\\"@\\\" b\"")},
    {"200 stream", SAYS("\"role\":\"@\",\"content\":\"Hi\"")},
    {"200 stream", SAYS("\"refusal\":\"@\"")},
    {"200 stream", SAYS("\"reasoning_content\":\"@\"")},
    {"200 stream", SAYS("\"@\":\"@\"")},
    {"200 stream", SAYS("\"tool_calls\":[{\"index\":0,\"id\":\"@\",\"type\":\"@\",\"function\":{"
                        "\"name\":\"@\",\"arguments\":\"{\\\"@\\\":\\\"@\\\"}\"}}]")},
    {"200 stream",
     CHUNK("\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"@\"") "data: [DONE]\n\n"},
    {"200 stream", CHUNK("\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop @\",\"logprobs\":"
                         "{\"@\":\"@\"}") "data: [DONE]\n\n"},
    {"200 stream", "data: {\"id\":\"@\",\"object\":\"@\",\"model\":\"@\",\"service_tier\":\"@\","
                   "\"@\":1,\"usage\":{\"@\":\"@\"},\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}"
                   "\n\n" DONE},
    {"200 stream", "data: {\"error\":{\"message\":\"@\",\"type\":\"@\",\"param\":\"@\",\"code\":"
                   "\"@\"}}\n\n"},
    {"200 stream", CHUNK("\"delta\":{\"content\":\"Hi\"}") "data: {\"error\":{\"message\":\"@\","
                                                           "\"code\":\"@\",\"@\":\"@\"}}\n\n"},
    {"200 stream", "data: {\"error\":\"@\"}\n\n"},
    {"200 stream", "@\n\n@"},
    {"200 stream",
     RESPONSE("output_text.delta\",\"delta\":\"@\",\"item_id\":\"@\"")
         RESPONSE("completed\",\"response\":{\"id\":\"@\"}"),
     EP_RESPONSES},
    {"200 stream",
     RESPONSE("@\",\"delta\":\"@\"") RESPONSE("failed\",\"response\":{\"error\":{"
                                              "\"code\":\"@\",\"message\":\"@\"}}"),
     EP_RESPONSES},
    {"200 stream", SAYS("\"content\":\"a @ b\""), .plain = true},
    {"200 stream",
     SAYS("\"tool_calls\":[{\"index\":0,\"id\":\"@\",\"function\":{\"name\":\"@\","
          "\"arguments\":\"@\"}}]"),
     .plain = true},
};

static const row bodies[] = {
    {"200", PLAIN("\"finish_reason\":\"@\""), .plain = true},
    {"200", PLAIN("\"@\":\"@\",\"logprobs\":[\"@\"]"), .plain = true},
    {"200",
     "{\"id\":\"@\",\"model\":\"@\",\"choices\":[{\"message\":{\"content\":\"@\",\"@\":["
     "\"@\"]},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":\"@\"}}",
     .plain = true},
    {"200", PLAIN("\"finish_reason\":\"@\",\"@\":\"@\"")}, /* told as a stream */
    {"200", "@", .plain = true},
    {"200", "{\"@\":1}", .plain = true},
    {"200", "{\"error\":{\"message\":\"@\",\"code\":\"@\"}}", .plain = true},
    {"200", "{\"data\":[{\"@\":\"@\"}],\"model\":\"@\"}", EP_EMBEDDINGS, .plain = true},
    {"200", "{\"id\":\"@\",\"data\":[\"@\"]}", EP_OTHER, .plain = true},
    {"200", "@ {\"a", EP_OTHER, .plain = true},
    {"200 raw", "@", EP_OTHER},
    {"200 raw", "\x01\xff@\x02@@ \\@ @", EP_OTHER},
    {"200 raw", "%PDF @\n<@>\n\"@\"", EP_OTHER},
    {"400", "{\"error\":{\"message\":\"@\",\"type\":\"@\",\"param\":\"@\",\"code\":\"@\",\"@\":"
            "\"@\"},\"@\":\"@\"}"},
    {"401", "{\"error\":{\"message\":\"Incorrect key: @\",\"code\":\"@\"}}"},
    {"400", "{\"error\":{\"code\":\"@\"}}"},
    {"400", "{\"error\":{\"message\":[\"@\",{\"msg\":\"@\"}],\"code\":12,\"status\":\"@\"}}"},
    {"400", "{\"error\":{\"message\":null,\"metadata\":{\"raw\":\"@\"},\"details\":[{\"reason\":"
            "\"@\"}],\"innererror\":{\"code\":\"@\"}}}"},
    {"400", "{\"error\":\"@\",\"message\":\"@\",\"error_code\":\"@\"}"},
    {"422", "{\"detail\":[{\"loc\":[\"@\",0],\"msg\":\"@\",\"type\":\"@\"},{\"msg\":\"@\"}]}"},
    {"422", "{\"detail\":\"@\"}"},
    {"400", "{\"errors\":[\"@\",\"a\",\"@\"],\"title\":\"@\",\"__type\":\"@\"}"},
    {"400", "[{\"error\":{\"message\":\"@\",\"status\":\"@\"}}]"},
    {"400", "{\"x\":{\"y\":[\"@\",\"@\"]},\"@\":1}"},
    {"400", "\"@\""},
    {"500", "@"},
    {"502", "<html><head><title>@</title></head>\r\n<body>no @</body></html>"},
    {"503", "{\"error\":{\"message\":\"@"},
};

/* ---- how it is spelt ---- */

typedef enum spelling {
    AS_IT_IS,
    SLASHED,
    FIRST_CODED,
    ALL_CODED,
    CODED_TWICE,
    SPELLINGS
} spelling;

static void spell(buf *out, const char *text, spelling how) {
    for (size_t i = 0; text[i]; i++) {
        bool coded = how == ALL_CODED || how == CODED_TWICE || (how == FIRST_CODED && !i);
        if (coded)
            buf_addf(out, "%s\\u00%02x", how == CODED_TWICE ? "\\" : "", (unsigned char)text[i]);
        else
            buf_addf(out, "%s%c", how == SLASHED && text[i] == '/' ? "\\" : "", text[i]);
    }
}

static void spell_all(buf *out, const char *with, const char *text, spelling how) {
    for (; *with; with++) {
        if (*with == '@')
            spell(out, text, how);
        else
            buf_add_char(out, *with);
    }
}

/* ---- what is heard ---- */

typedef struct owner {
    world w;
    buf all;
    buf texts; /* of the parts, one behind the other */
    secret_set *secrets;
    attempt *attempt;
    bool over;
} owner;

static void hear(owner *o, span text) {
    buf_add(&o->all, text);
    buf_add_char(&o->all, '\n');
}

/* As it stands, and what it says. */
static void hear_json(owner *o, json_value v) {
    hear(o, v.raw);
    if (v.type == JSON_STRING) hear(o, json_string(v, &o->w.arena));
}

static void hear_part(owner *o, json_value v) {
    hear_json(o, v);
    if (v.type == JSON_STRING) buf_add(&o->texts, json_string(v, &o->w.arena));
}

static void hear_headers(owner *o, http_headers h) {
    for (size_t i = 0; i < h.count; i++) {
        hear(o, h.items[i].name);
        hear(o, h.items[i].value);
    }
}

static void on_head(void *user, const answer_head *head) {
    owner *o = user;
    hear_headers(o, head->headers);
    hear(o, head->content_type);
    hear(o, head->request_id);
}

static void on_event(void *user, const answer_event *e) {
    owner *o = user;
    if (e->kind == ANSWER_RAW) { /* what parts two pieces nobody sees */
        buf_add(&o->all, e->data);
        return;
    }
    hear(o, e->name);
    hear(o, e->data);
    hear(o, e->finish_reason);
    hear_json(o, e->error);
    for (size_t i = 0; i < e->part_count; i++)
        hear_part(o, e->parts[i].value);
    if (e->kind == ANSWER_STREAM && !e->is_json) buf_add(&o->texts, e->data);
    if (!e->envelope) return;
    hear_json(o, e->envelope->id);
    hear_json(o, e->envelope->model);
    hear_json(o, e->envelope->created);
}

static void on_end(void *user) {
    owner *o = user;
    o->over = true;
}

static void on_fail(void *user, const failure *f) {
    owner *o = user;
    hear(o, f->text);
    hear(o, f->body);
    hear(o, f->code);
    hear(o, f->request_id);
    hear_headers(o, f->headers);
    o->over = true;
}

static const attempt_ops ops = {
    .on_head = on_head, .on_event = on_event, .on_end = on_end, .on_fail = on_fail};

static void check_silent(const owner *o, const row *r, const char *script) {
    bool leaks = secret_set_found(o->secrets, buf_span(&o->all));
    if (leaks)
        print_error("in the row %s|%s\nfrom: %s\nheard: %.*s\n", r->head, r->body, script,
                    SPAN_ARG(buf_span(&o->all)));
    assert_false(leaks);
}

/* The world of o is there; scripts follow each other. */
static void play(owner *o, const row *r, const char *script) {
    o->w.scripts[0][0] = script;
    o->w.asked[0] = 0;
    o->over = false;
    buf_clear(&o->all);
    buf_clear(&o->texts);
    const request_facts facts = {.endpoint = r->endpoint,
                                 .method = SPAN("POST"),
                                 .path = SPAN("/x"),
                                 .body = SPAN("{}"),
                                 .prompts = 1,
                                 .choices = 1,
                                 .stream = !r->plain};
    const attempt_spec spec = {.loop = &o->w.loop,
                               .snapshot = o->w.snapshot,
                               .upstream = &o->w.snapshot->items[0],
                               .target = target_get(o->w.targets, SPAN_OF("a")),
                               .credential = o->w.snapshot->items[0].keys[0].credential,
                               .entry = &o->w.config->models[0].targets[0],
                               .facts = &facts,
                               .want = WANT_PARTS | WANT_ENVELOPE,
                               .asking = &o->w.arena,
                               .arena = &o->w.arena};
    failure unused;
    o->attempt = attempt_start(&spec, &ops, o, &unused);
    assert_non_null(o->attempt);
    world_run_until(&o->w, o->w.loop.now_ms + 120 * 1000);
    assert_true(o->over);
    hear(o, attempt_get_facts(o->attempt).request_id);
    check_silent(o, r, script);
}

static void owner_begin(owner *o, secret *login) {
    *o = (owner){.w = {.scripts = {{"refuse"}}, .keys = {KEYS}, .proxy_login = login}};
    world_init(&o->w, NULL);
    secret *all[ARRAY_LEN(secrets)];
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
        all[i] = secret_new(span_cstr(secrets[i]));
    o->secrets = secret_set_new(all, ARRAY_LEN(secrets));
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
        secret_unref(all[i]);
}

static void owner_end(owner *o) {
    secret_set_unref(o->secrets);
    buf_done(&o->all);
    buf_done(&o->texts);
    world_done(&o->w);
}

/* A step of a script: its line ends are written as \n. */
static void add_bytes(buf *script, span bytes) {
    if (!bytes.len) return;
    buf_add_cstr(script, "|bytes ");
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.ptr[i] == '\n')
            buf_add_cstr(script, "\\n");
        else
            buf_add_char(script, bytes.ptr[i]);
    }
}

static void plays(owner *o, const row *r, const char *secret_text, spelling how, bool cut) {
    buf head = BUF_EMPTY, body = BUF_EMPTY, script = BUF_EMPTY;
    spell_all(&head, r->head, secret_text, AS_IT_IS);
    spell_all(&body, r->body, secret_text, how);
    for (size_t at = 0; at <= (cut ? body.len : 0); at++) {
        buf_clear(&script);
        buf_add(&script, buf_span(&head));
        add_bytes(&script, span_slice(buf_span(&body), 0, at));
        add_bytes(&script, span_slice(buf_span(&body), at, body.len));
        buf_add_cstr(&script, "|end");
        play(o, r, buf_cstr(&script));
    }
    buf_done(&head);
    buf_done(&body);
    buf_done(&script);
}

static void play_all(const row *rows, size_t count, bool spells) {
    secret *login = secret_new(SPAN_OF(LOGIN));
    for (size_t i = 0; i < count; i++) {
        owner o;
        owner_begin(&o, login);
        for (size_t k = 0; k < ARRAY_LEN(secrets); k++)
            for (spelling how = AS_IT_IS; how < (spells ? SPELLINGS : SLASHED); how++)
                plays(&o, &rows[i], secrets[k], how, k == 0);
        owner_end(&o);
    }
    secret_unref(login);
}

static void no_head_tells_one(void **state) {
    (void)state;
    play_all(heads, ARRAY_LEN(heads), false);
}

static void no_stream_tells_one(void **state) {
    (void)state;
    play_all(streams, ARRAY_LEN(streams), true);
}

static void no_body_tells_one(void **state) {
    (void)state;
    play_all(bodies, ARRAY_LEN(bodies), true);
}

/* ---- spelt over several events ---- */

/* How a piece of a text comes; % stands for it. */
static const struct {
    const char *piece, *between, *after;
    endpoint endpoint;
} pieces[] = {
    {CHUNK("\"delta\":{\"content\":\"%\"}"), "", DONE, EP_CHAT_COMPLETIONS},
    {CHUNK("\"delta\":{\"refusal\":\"%\"}"), "", DONE, EP_CHAT_COMPLETIONS},
    {CHUNK("\"delta\":{\"reasoning\":\"%\",\"content\":\"\"}"), "", DONE, EP_CHAT_COMPLETIONS},
    {CHUNK("\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"%\"}}]}"), "",
     DONE, EP_CHAT_COMPLETIONS},
    /* What is said beside it in every event is another text, and so is another call's. */
    {CHUNK("\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"type\":\"a\","
           "\"function\":{\"arguments\":\"%\"}}]}"),
     "", DONE, EP_CHAT_COMPLETIONS},
    {CHUNK("\"delta\":{\"tool_calls\":[{\"function\":{\"arguments\":\"%\"},\"index\":1}]}"),
     CHUNK("\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"a\"}}]}"), DONE,
     EP_CHAT_COMPLETIONS},
    {CHUNK("\"delta\":{\"content\":[{\"type\":\"a\",\"text\":\"%\"}]}"), "", DONE,
     EP_CHAT_COMPLETIONS},
    {CHUNK("\"delta\":{\"reasoning_details\":[{\"type\":\"a\",\"text\":\"%\"}]}"), "", DONE,
     EP_CHAT_COMPLETIONS},
    {CHUNK("\"text\":\"%\""), "", DONE, EP_COMPLETIONS},
    /* Others speak between, and the number stands behind. */
    {"data: {\"choices\":[{\"delta\":{\"content\":\"%\"},\"index\":1}]}\n\n",
     CHUNK("\"delta\":{\"content\":\"a\"}") ": c\n\n", DONE, EP_CHAT_COMPLETIONS},
    {RESPONSE("output_text.delta\",\"output_index\":1,\"delta\":\"%\""),
     RESPONSE("output_text.delta\",\"output_index\":0,\"delta\":\"a\""),
     RESPONSE("completed\",\"response\":{}"), EP_RESPONSES},
    {"data: %\n\n", "", "", EP_OTHER},
};

static void add_piece(buf *out, const char *form, span piece, spelling how) {
    char text[64];
    (void)snprintf(text, sizeof text, "%.*s", SPAN_ARG(piece));
    for (; *form; form++) {
        if (*form == '%')
            spell(out, text, how);
        else
            buf_add_char(out, *form);
    }
}

/* All that is told in the place of the pieces, without what stands between. */
static void check_unspelt(const owner *o, const char *text, size_t most) {
    char part[64];
    buf told = BUF_EMPTY;
    for (size_t i = 0; i < o->texts.len; i++)
        if (o->texts.ptr[i] != 'a' || strchr(text, 'a')) buf_add_char(&told, o->texts.ptr[i]);
    (void)snprintf(part, sizeof part, "%.*s", (int)most, text);
    if (told.len && strstr(buf_cstr(&told), part)) {
        print_error("of %s: %s\n", text, buf_cstr(&told));
        fail();
    }
    buf_done(&told);
}

static void spells(owner *o, size_t form, const char *text, size_t step, spelling how) {
    buf body = BUF_EMPTY, script = BUF_EMPTY;
    const row r = {"200 stream", "", pieces[form].endpoint, false};
    span whole = span_cstr(text);
    for (size_t at = 0; at < whole.len; at += step) {
        add_piece(&body, pieces[form].piece, span_slice(whole, at, at + step), how);
        buf_add_cstr(&body, pieces[form].between);
    }
    buf_add_cstr(&body, pieces[form].after);
    buf_add_cstr(&script, r.head);
    add_bytes(&script, buf_span(&body));
    buf_add_cstr(&script, "|end");
    play(o, &r, buf_cstr(&script));
    check_unspelt(o, text, step < SECRET_PART_MIN ? SECRET_PART_MIN : step);
    buf_done(&body);
    buf_done(&script);
}

static void no_stream_spells_one(void **state) {
    (void)state;
    secret *login = secret_new(SPAN_OF(LOGIN));
    for (size_t form = 0; form < ARRAY_LEN(pieces); form++) {
        owner o;
        owner_begin(&o, login);
        for (size_t k = 0; k < ARRAY_LEN(secrets); k++)
            for (size_t step = 1; step < strlen(secrets[k]); step++)
                for (spelling how = AS_IT_IS; how < SPELLINGS; how++)
                    spells(&o, form, secrets[k], step, how);
        owner_end(&o);
    }
    secret_unref(login);
}

/* What everybody knows of a key is no secret, and nothing waits for what may follow. */
static void what_begins_like_one_flows(void **state) {
    (void)state;
    static const row r = {"200 stream", "", EP_CHAT_COMPLETIONS, false};
    owner o;
    owner_begin(&o, NULL);
    play(&o, &r, "200 stream|say sk|say -one|say /aaaa|say !|say sk-one/aaa|finish|done|end");
    assert_span(buf_span(&o.texts), "sk-one/aaaa!sk-one/aaastop");
    play(&o, &r, "200 stream|say sk|say -one|say /aaaa|say -0|say 001|finish|done|end");
    assert_span(buf_span(&o.texts), "sk-one/aaaa");
    owner_end(&o);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(no_head_tells_one), cmocka_unit_test(no_stream_tells_one),
        cmocka_unit_test(no_body_tells_one), cmocka_unit_test(no_stream_spells_one),
        cmocka_unit_test(what_begins_like_one_flows)};
    return run_watched(tests);
}
