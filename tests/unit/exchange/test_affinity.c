/* A call that names what a provider keeps goes where that was made. Providers are scripts. */
#include "call/origin.h"
#include "exchange/door.h"

static const stage_row rows[] = {{"parse", stage_parse, NULL, 0},
                                 {"route", stage_route, NULL, 0},
                                 {"call", stage_call, NULL, 0},
                                 {"settle", stage_settle, NULL, STAGE_ALWAYS}};
static filter_add_fn *const filters[] = {filter_meter_add, filter_usage_add};
static const exchange_plan plan = {rows, ARRAY_LEN(rows), filters, ARRAY_LEN(filters)};

typedef struct scene {
    world w;
    exchange_env env;
    asked a;
} scene;

/* ' for " in scripts and bodies, so that a row can be read. */
static const char *quoted(scene *c, const char *text) {
    span copy = arena_dup(&c->w.arena, span_from(text, strlen(text) + 1));
    for (size_t i = 0; i < copy.len; i++)
        if (copy.ptr[i] == '\'') ((char *)copy.ptr)[i] = '"';
    return copy.ptr;
}

static const char two_keys[] = "[sk-first-key, sk-second-key]";

/* a, b: what each answers to its first calls, the last to all others. */
static void scene_begin(scene *c, const char *const a[3], const char *const b[3],
                        const char *options) {
    *c = (scene){0};
    c->w.keys[0] = c->w.keys[1] = two_keys;
    c->w.scripts[0][0] = c->w.scripts[1][0] = "";
    world_init(&c->w, options);
    for (int i = 0; i < 3; i++) {
        c->w.scripts[0][i] = a[i] ? quoted(c, a[i]) : NULL;
        c->w.scripts[1][i] = b[i] ? quoted(c, b[i]) : NULL;
    }
    list_init(&c->w.loop.hooks);
    c->env = (exchange_env){
        .loop = &c->w.loop, .plan = &plan, .snapshot = c->w.snapshot, .targets = c->w.targets};
    exchange_env_init(&c->env);
}

static void scene_end_turn(scene *c) {
    loop_run_hooks(&c->w.loop, true);
}

static void scene_done(scene *c) {
    exchange_env_done(&c->env);
    world_done(&c->w);
}

typedef struct step {
    const char *what; /* "POST /responses" */
    const char *body;
    const char *asked; /* the providers, in their order */
    const char *key;   /* that the last of them was sent; NULL: any */
} step;

static void take(scene *c, const step *s) {
    span rest = span_cstr(s->what), method;
    (void)span_cut(&rest, ' ', &method);
    const char *body = s->body ? quoted(c, s->body) : "";
    const exchange_request r = {.form = &form_openai,
                                .endpoint = span_eq(rest, SPAN_OF("/responses")) ? EP_RESPONSES
                                            : span_eq(rest, SPAN_OF("/chat/completions"))
                                                ? EP_CHAT_COMPLETIONS
                                                : EP_OTHER,
                                .method = method,
                                .path = rest,
                                .body = span_cstr(body),
                                .started_us = c->w.loop.now_us,
                                .identified = true};
    buf heard = BUF_EMPTY;
    size_t before = c->w.asking.len;
    c->a = (asked){0};
    c->a.x = exchange_start(&c->env, &r, &world_door, &c->a);
    world_run_until(&c->w, c->w.loop.now_ms + 100);
    scene_end_turn(c);
    for (size_t i = before; i < c->w.asking.len; i++)
        if (c->w.asking.ptr[i] == 'a' || c->w.asking.ptr[i] == 'b')
            buf_add_char(&heard, c->w.asking.ptr[i]);
    if (strcmp(buf_cstr(&heard), s->asked)) print_error("%s %s\n", s->what, body);
    assert_string_equal(buf_cstr(&heard), s->asked);
    if (s->key && !strstr(buf_cstr(&c->w.sent), s->key)) fail_msg("%s: not %s", s->what, s->key);
    buf_done(&heard);
    asked_done(&c->a);
}

static void take_all(scene *c, const step *steps, size_t count) {
    for (size_t i = 0; i < count; i++)
        take(c, &steps[i]);
}

#define TAKE(c, steps) take_all(c, steps, ARRAY_LEN(steps))

#define ONCE      "retry: {retries: 0}\nbreaker: off\n"
#define MADE(id)  "200|bytes {'id':'" id "','object':'response','output':[]}|end"
#define ASK       "{'model':'m','input':'x'}"
#define AFTER(id) "{'model':'m','input':'x','previous_response_id':'" id "'}"
/* Also an answer, whatever was asked. */
#define CHOICES          "'choices':[{'index':0,'message':{'content':'x'},'finish_reason':'stop'}]"
#define OBJECT(id, kind) "200|bytes {'id':'" id "','object':'" kind "','output':[]," CHOICES "}|end"
#define DOWN             "500|end"

/* The first call finds a down, so b has made resp_b; a alone would be asked otherwise. */
static void a_response_goes_on_where_it_began(void **state) {
    (void)state;
    static const char *const a[3] = {DOWN, MADE("resp_a")}, *const b[3] = {MADE("resp_b")};
    static const step steps[] = {
        {"POST /responses", ASK, "ab", "sk-first-key"},
        {"POST /responses", AFTER("resp_b"), "b", "sk-first-key"},
        {"POST /responses", AFTER("resp_b"), "b", "sk-first-key"},
        {"POST /responses", ASK, "a", "sk-second-key"},
        {"POST /responses", AFTER("resp_a"), "a", "sk-second-key"},
        {"POST /responses", AFTER("resp_a"), "a", "sk-second-key"},
        {"POST /responses", AFTER("resp_z"), "a", NULL}, /* nobody knows */
        {"GET /responses/resp_b", NULL, "b", "sk-first-key"},
        {"GET /responses/resp_b/input_items", NULL, "b", "sk-first-key"},
        {"POST /responses/resp_b/cancel", NULL, "b", "sk-first-key"},
        {"DELETE /responses/resp_b", NULL, "b", "sk-first-key"},
        {"GET /responses/resp_z", NULL, "a", NULL},
    };
    scene c;
    scene_begin(&c, a, b, ONCE);
    TAKE(&c, steps);
    scene_done(&c);
}

#define EVENT(type, response) "event {'type':'response." type "','response':" response "}|"
#define STREAM                                                                                     \
    "200 stream|" EVENT("created",                                                                 \
                        "{'id':'resp_s','conversation':{'id':'conv_s'}}") "event "                 \
                                                                          "{'type':'"              \
                                                                          "response."              \
                                                                          "output_"                \
                                                                          "text.delta'"            \
                                                                          ",'delta':'"             \
                                                                          "Hi'}"                   \
                                                                          "|" EVENT("complet"      \
                                                                                    "ed",          \
                                                                                    "{'id':'"      \
                                                                                    "resp_s'"      \
                                                                                    "}") "en"      \
                                                                                         "d"

static void a_stream_tells_its_id_with_its_first_event(void **state) {
    (void)state;
    static const char *const a[3] = {DOWN, MADE("resp_a")}, *const b[3] = {STREAM};
    static const step steps[] = {
        {"POST /responses", "{'model':'m','stream':true,'input':'x'}", "ab", NULL},
        {"POST /responses", AFTER("resp_s"), "b", "sk-first-key"},
        {"POST /responses", "{'model':'m','input':'x','conversation':'conv_s'}", "b",
         "sk-first-key"},
        {"POST /responses", "{'model':'m','input':'x','conversation':{'id':'conv_s'}}", "b",
         "sk-first-key"},
        {"POST /responses", "{'model':'m','input':'x','conversation':'conv_z'}", "a", NULL},
        {"POST /responses", "{'model':'m','input':'x','conversation':null}", "a", NULL},
        {"GET /conversations/conv_s", NULL, "b", "sk-first-key"},
    };
    scene c;
    scene_begin(&c, a, b, ONCE);
    TAKE(&c, steps);
    scene_done(&c);
}

static void a_conversation_of_a_plain_answer(void **state) {
    (void)state;
    static const char *const
        a[3] = {DOWN, MADE("resp_a")},
        *const b[3] = {
            " 200|bytes "
            "{'id':'resp_b','object':'response','output':[],'conversation':{'id':'conv_b'}}|end"};
    static const step steps[] = {
        {"POST /responses", ASK, "ab", NULL},
        {"POST /responses", "{'model':'m','input':'x','conversation':'conv_b'}", "b", NULL},
    };
    scene c;
    scene_begin(&c, a, b, ONCE);
    TAKE(&c, steps);
    scene_done(&c);
}

#define ITEMS                                                                                      \
    "[{'type':'reasoning','id':'rs_b'},{'type':'function_call','id':'fc_0'},{'type':"              \
    "'function_call','id':'fc_b'},{'type':'reasoning','id':'rs_s','encrypted_content':'x'},"       \
    "{'type':'reasoning','id':'rs_0'},{'type':'message','id':'msg_b','content':[]},7]"
#define WITH(items) "{'model':'m','input':[" items "]}"
#define REFER(id)   "{'type':'item_reference','id':'" id "'}"
#define SAYS        "{'role':'user','content':'x'}"

/* By their ids alone, or with what they are; the newest that is known counts. */
static void items_go_back_to_who_made_them(void **state) {
    (void)state;
    static const char *const plain = "200|bytes {'id':'resp_b','output':" ITEMS "}|end";
    static const char *const streamed = "200 stream|" EVENT("created", "{'id':'resp_b'}")
        EVENT("completed", "{'id':'resp_b','output':" ITEMS "}") "end";
    static const step steps[] = {
        {"POST /responses", WITH(SAYS "," REFER("msg_b")), "b", "sk-first-key"},
        {"POST /responses", WITH(SAYS "," REFER("rs_s") "," SAYS), "b", "sk-first-key"},
        {"POST /responses", WITH("{'type':'message','id':'msg_b','content':[]}"), "b", NULL},
        {"POST /responses", WITH(REFER("fc_b") "," REFER("msg_z")), "b", NULL},
        {"POST /responses", WITH(REFER("fc_0")), "a", NULL}, /* of each kind the last */
        {"POST /responses", WITH(SAYS "," REFER("msg_z") ",7"), "a", NULL},
    };
    for (int stream = 0; stream < 2; stream++) {
        const char *const a[3] = {DOWN, MADE("resp_a")}, *const b[3] = {stream ? streamed : plain};
        const step first = {"POST /responses",
                            stream ? "{'model':'m','stream':true,'input':'x'}" : ASK, "ab", NULL};
        scene c;
        scene_begin(&c, a, b, ONCE);
        take(&c, &first);
        TAKE(&c, steps);
        scene_done(&c);
    }
}

#define ITEM(step, item)                                                                           \
    "event {'type':'response.output_item." step "','output_index':0,'item':" item "}|"
#define NAMED(kind, id, more) "{'type':'" kind "','id':'" id "'" more "}"
#define SEALED                ",'encrypted_content':'x'"
#define PASSING                                                                                    \
    EVENT("created", "{'id':'resp_b'}")                                                            \
    ITEM("added", NAMED("reasoning", "rs_b", SEALED))                                              \
    ITEM("done", NAMED("reasoning", "rs_b", SEALED))                                               \
    ITEM("added", NAMED("function_call", "fc_0", ""))                                              \
    ITEM("added", NAMED("image_generation_call", "ig_b", ""))                                      \
    ITEM("added", NAMED("function_call", "fc_b", ""))                                              \
    ITEM("added", NAMED("message", "msg_b", ""))                                                   \
    "event {'type':'response.output_text.delta','delta':'Hi','item':{'id':'no_1'}}|"

/* Whatever its last event says, which may leave them out, or be too large. */
static void items_are_known_by_their_own_events(void **state) {
    (void)state;
    static const char *const lasts[] = {
        EVENT("completed", "{'id':'resp_b'}"), EVENT("completed", "{'id':'resp_b','output':[]}"),
        EVENT("completed", "{'id':'resp_b','output':null}"), "done|"};
    static const step steps[] = {
        {"POST /responses", WITH(REFER("msg_b")), "b", "sk-first-key"},
        {"POST /responses", WITH(REFER("rs_b")), "b", "sk-first-key"},
        {"POST /responses", WITH(REFER("ig_b")), "b", "sk-first-key"},
        {"POST /responses", WITH(REFER("fc_b")), "b", "sk-first-key"},
        {"POST /responses", WITH(REFER("fc_0")), "a", NULL},
        {"POST /responses", WITH(REFER("no_1")), "a", NULL},
    };
    static const step sealed[] = {
        {"POST /responses", WITH(REFER("rs_b")), "b", "sk-first-key"},
        {"POST /responses", WITH(REFER("msg_b")), "a", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(lasts); i++) {
        for (int stored = 0; stored < 2; stored++) {
            char script[4096];
            (void)snprintf(script, sizeof script, "200 stream|%s%send", PASSING, lasts[i]);
            const char *const a[3] = {DOWN, MADE("resp_a")}, *const b[3] = {script, MADE("resp_c")};
            const step first = {"POST /responses",
                                stored ? "{'model':'m','stream':true,'input':'x'}"
                                       : "{'model':'m','stream':true,'store':false,'input':'x'}",
                                "ab", NULL};
            scene c;
            scene_begin(&c, a, b, ONCE);
            take(&c, &first);
            if (stored)
                TAKE(&c, steps);
            else
                TAKE(&c, sealed);
            scene_done(&c);
        }
    }
}

/* Items push out no more than a few of the others. */
static void many_items_leave_room(void **state) {
    (void)state;
    static const char *const kinds[] = {"function_call", "message"};
    char items[4096] = "";
    for (int i = 0; i < 40; i++)
        (void)snprintf(items + strlen(items), sizeof items - strlen(items),
                       "%s{'type':'%s','id':'item_%d'}", i ? "," : "", kinds[i % 2], i);
    char script[8192];
    (void)snprintf(script, sizeof script, "200|bytes {'id':'resp_c','output':[%s]}|end", items);
    const char *const a[3] = {DOWN, MADE("resp_a")}, *const b[3] = {MADE("resp_b"), script};
    static const step steps[] = {
        {"POST /responses", ASK, "ab", NULL},
        {"POST /responses", AFTER("resp_b"), "b", NULL},
        {"POST /responses", WITH(REFER("item_38")), "b", NULL},
        {"POST /responses", AFTER("resp_b"), "b", NULL},
    };
    scene c;
    scene_begin(&c, a, b, ONCE "affinity: {ids: 4}\n");
    TAKE(&c, steps);
    scene_done(&c);
}

/* Of what is not stored that alone goes back which is sealed. */
static void sealed_items_go_back_to_who_sealed_them(void **state) {
    (void)state;
    static const char *const a[3] = {DOWN, MADE("resp_a")},
                             *const b[3] = {"200|bytes {'id':'resp_b','output':" ITEMS "}|end"};
    static const step steps[] = {
        {"POST /responses", "{'model':'m','store':false,'input':'x'}", "ab", NULL},
        {"POST /responses", WITH(REFER("msg_b")), "a", NULL},
        {"POST /responses", AFTER("resp_b"), "a", NULL},
        {"POST /responses", WITH("{'type':'reasoning','id':'rs_s','encrypted_content':'x'}"), "b",
         "sk-first-key"},
    };
    scene c;
    scene_begin(&c, a, b, ONCE);
    TAKE(&c, steps);
    scene_done(&c);
}

/* Files, and all else that is handed on as it comes. */
static void objects_and_who_names_them(void **state) {
    (void)state;
    static const char *const a[3] = {DOWN, OBJECT("file-a", "file")}, *const b[3] = {
                                                                          OBJECT("file-b", "file")};
    static const step steps[] = {
        {"POST /files", "{}", "ab", "sk-first-key"},
        {"GET /files/file-b", NULL, "b", "sk-first-key"},
        {"GET /files/file-b/content", NULL, "b", "sk-first-key"},
        {"DELETE /files/file-b", NULL, "b", "sk-first-key"},
        {"GET /files", NULL, "a", NULL},
        {"GET /files/file", NULL, "a", NULL},
        {"POST /batches", "{'input_file_id':'file-b','endpoint':'/v1/responses'}", "b",
         "sk-first-key"},
        {"POST /vector_stores", "{'name':'n','file_ids':['file-z','file-b']}", "b", NULL},
        {"POST /chat/completions",
         "{'model':'m','messages':[{'role':'user','content':[{'type':'file','file':{'file_id':"
         "'file-b'}}]}]}",
         "b", "sk-first-key"},
        {"POST /chat/completions",
         "{'model':'m','messages':[{'role':'user','content':'file-b is my file_id'}]}", "a", NULL},
        {"POST /responses",
         "{'model':'m','input':[{'role':'user','content':[{'type':'input_image','file_id':"
         "'file-b'}]}]}",
         "b", "sk-first-key"},
        {"POST /responses",
         "{'model':'m','input':[{'role':'user','content':[{'type':'input_file','file_id':"
         "'file-b'}]}]}",
         "b", "sk-first-key"},
        {"POST /responses",
         "{'model':'m','input':'x','tools':[{'type':'code_interpreter','container':{'type':'auto',"
         "'file_ids':['file-b']}}]}",
         "b", "sk-first-key"},
        {"POST /responses",
         "{'model':'m','input':'x','tools':[{'type':'file_search','vector_store_ids':['file-b']}]}",
         "b", "sk-first-key"},
        {"POST /responses", ASK, "a", NULL},
    };
    scene c;
    scene_begin(&c, a, b, ONCE);
    TAKE(&c, steps);
    scene_done(&c);
}

/* A batch tells of files that it made; a list of what others made before. */
static void answers_tell_of_more_than_themselves(void **state) {
    (void)state;
    static const char *const a[3] = {DOWN, DOWN, OBJECT("file-a", "file")},
                             *const b[3] = {
                                 "200|bytes {'id':'batch_b','object':'batch','output_file_id':"
                                 "'file-out','error_file_id':null}|end",
                                 "200|bytes {'object':'list','data':[{'id':'file-1','object':"
                                 "'file'},{'id':'file-2','object':'file'}]}|end",
                                 OBJECT("file-b", "file")};
    static const step steps[] = {
        {"GET /batches/batch_b", NULL, "ab", NULL},
        {"GET /files", NULL, "ab", NULL},
        {"GET /files/file-out/content", NULL, "b", "sk-first-key"},
        {"GET /batches/batch_b", NULL, "b", "sk-first-key"},
        {"GET /files/file-2", NULL, "b", "sk-second-key"},
        {"GET /files/file-1", NULL, "b", "sk-second-key"},
    };
    scene c;
    scene_begin(&c, a, b, ONCE);
    TAKE(&c, steps);
    scene_done(&c);
}

static void a_stored_completion(void **state) {
    (void)state;
    static const char *const a[3] = {DOWN, DOWN, MADE("chatcmpl-a")},
                             *const b[3] = {"200|bytes {'id':'chatcmpl-b'," CHOICES "}|end",
                                            "200 stream|event {'id':'chatcmpl-s','choices':[{"
                                            "'index':0,'delta':{'content':'x'}}]}|finish|done|end",
                                            MADE("x")};
    static const step steps[] = {
        {"POST /chat/completions",
         "{'model':'m','store':true,'messages':[{'role':'user','content':'x'}]}", "ab", NULL},
        {"POST /chat/completions",
         "{'model':'m','store':true,'stream':true,'messages':[{'role':'user','content':'x'}]}",
         "ab", NULL},
        {"GET /chat/completions/chatcmpl-b", NULL, "b", "sk-first-key"},
        {"GET /chat/completions/chatcmpl-s", NULL, "b", "sk-second-key"},
    };
    scene c;
    scene_begin(&c, a, b, ONCE);
    TAKE(&c, steps);
    scene_done(&c);
}

static void what_is_not_kept_is_not_remembered(void **state) {
    (void)state;
    static const char *const a[3] = {DOWN, DOWN, DOWN},
                             *const b[3] = {MADE("resp_b"),
                                            "200|bytes {'id':'rank-b','results':[]}|end",
                                            "200|bytes {'id':'chatcmpl-b'," CHOICES "}|end"};
    static const step steps[] = {
        {"POST /responses", "{'model':'m','input':'x','store':false}", "ab", NULL},
        {"POST /rerank", "{'query':'x'}", "ab", NULL},
        {"POST /chat/completions", "{'model':'m','messages':[{'role':'user','content':'x'}]}", "ab",
         NULL},
    };
    scene c;
    scene_begin(&c, a, b, ONCE);
    TAKE(&c, steps);
    assert_true(affinity_is_empty(target_affinity(c.w.targets)));
    scene_done(&c);
}

/* It is asked first, not alone: one that rests or fails is followed by the others. */
static void who_holds_it_may_fail(void **state) {
    (void)state;
    static const char *const a[3] = {DOWN, MADE("resp_a")}, *const b[3] = {MADE("resp_b"), DOWN};
    static const step steps[] = {
        {"POST /responses", ASK, "ab", NULL},
        {"POST /responses", AFTER("resp_b"), "ba", NULL},
        {"POST /responses", AFTER("resp_b"), "ba", NULL},
        {"POST /responses", AFTER("resp_b"), "a", NULL}, /* b rests */
        {"POST /responses", AFTER("resp_a"), "a", NULL},
    };
    scene c;
    scene_begin(&c, a, b,
                "retry: {retries: 0}\nbreaker: {failures: 60%, of: 3, window: 60s, probe: 50s}\n");
    TAKE(&c, steps);
    scene_done(&c);
}

static void it_can_be_off_or_short(void **state) {
    (void)state;
    static const struct {
        const char *options, *asked;
    } cases[] = {{ONCE "affinity: {ids: off}\n", "a"},
                 {ONCE "affinity: {ids: 1}\n", "b"},
                 {ONCE "affinity: {keep: 10s}\n", "b"},
                 {ONCE "affinity: {keep: 1s}\n", "a"}};
    static const char *const a[3] = {DOWN, MADE("resp_a")}, *const b[3] = {MADE("resp_b")};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        scene c;
        scene_begin(&c, a, b, cases[i].options);
        take(&c, &(step){"POST /responses", ASK, "ab", NULL});
        world_run_until(&c.w, c.w.loop.now_ms + 2000);
        take(&c, &(step){"POST /responses", AFTER("resp_b"), cases[i].asked, NULL});
        scene_done(&c);
    }
}

/* Whatever a client names, it is looked for and no more. */
static void any_name(void **state) {
    (void)state;
    static const char *const a[3] = {DOWN, MADE("resp_a")}, *const b[3] = {MADE("resp_b")};
    static const step steps[] = {
        {"POST /responses", ASK, "ab", NULL},
        {"POST /responses", AFTER(""), "a", NULL},
        {"POST /responses", "{'model':'m','previous_response_id':7}", "a", NULL},
        {"POST /responses", "{'model':'m','previous_response_id':['resp_b']}", "a", NULL},
        {"POST /responses", "{'model':'m','conversation':[]}", "a", NULL},
        {"POST /responses", "{'model':'m','conversation':{'id':{}}}", "a", NULL},
        {"POST /responses", AFTER("resp\\u005fb"), "b", NULL}, /* however it is written */
        {"GET //", NULL, "a", NULL},
        {"GET /", NULL, "a", NULL},
        {"GET /responses/resp_b%00", NULL, "a", NULL},
        {"GET /responses//resp_b", NULL, "b", NULL},
        {"POST /x", "[]", "a", NULL},
        {"POST /x", "'resp_b'", "b", NULL},
        {"POST /x", "{'a':[{'b':['','resp_b']}]}", "b", NULL},
    };
    scene c;
    scene_begin(&c, a, b, ONCE);
    TAKE(&c, steps);
    scene_done(&c);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(a_response_goes_on_where_it_began),
        cmocka_unit_test(a_stream_tells_its_id_with_its_first_event),
        cmocka_unit_test(a_conversation_of_a_plain_answer),
        cmocka_unit_test(items_go_back_to_who_made_them),
        cmocka_unit_test(items_are_known_by_their_own_events),
        cmocka_unit_test(many_items_leave_room),
        cmocka_unit_test(sealed_items_go_back_to_who_sealed_them),
        cmocka_unit_test(objects_and_who_names_them),
        cmocka_unit_test(answers_tell_of_more_than_themselves),
        cmocka_unit_test(a_stored_completion),
        cmocka_unit_test(what_is_not_kept_is_not_remembered),
        cmocka_unit_test(who_holds_it_may_fail),
        cmocka_unit_test(it_can_be_off_or_short),
        cmocka_unit_test(any_name),
    };
    return run_watched(tests);
}
