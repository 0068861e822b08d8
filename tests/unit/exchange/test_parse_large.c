/* A large body: read on another thread, and found there is what would be found on the loop. */
#include "exchange/blocker.h"
#include "exchange/world.h"

#include "loop/aside.h"

/* ---- a door that gives its body away ---- */

typedef struct large {
    asked asked;
    script script;
    buf body;               /* until it is given away */
    memory_account *memory; /* of the loop: the body is counted */
    buf path, header;
    http_header headers[2];
    bool gave;
} large;

/* Each is answered by its own, whenever it comes to that. */
static stage_result stage_own_script(exchange *x) {
    script_next = &CONTAINER_OF(x->user, large, asked)->script;
    return stage_script(x);
}

static const stage_row rows[] = {
    {"parse", stage_parse, NULL, 0},
    {"route", stage_route, NULL, 0},
    {"script", stage_own_script, NULL, 0},
    {"settle", stage_settle, NULL, STAGE_ALWAYS},
};
static const exchange_plan plan = {rows, ARRAY_LEN(rows), NULL, 0};

static buf hand_over(void *user, memory_hold *ret_hold) {
    large *l = CONTAINER_OF(user, large, asked);
    assert_false(l->gave);
    l->gave = true;
    *ret_hold = (memory_hold){.holder = 7};
    memory_set(l->memory, ret_hold, l->body.cap);
    buf body = l->body;
    l->body = BUF_EMPTY;
    return body;
}

/* As of a request whose connection is gone: nothing of it may be touched. */
static void forget_request(large *l) {
    buf_done(&l->body);
    buf_done(&l->path);
    buf_done(&l->header);
    memset(l->headers, 'x', sizeof l->headers);
}

enum { SMALL, BIG };

/* What the text says, and where it shall be big a long member beside. */
static void make_body(large *l, const char *text, int size) {
    buf_add_cstr(&l->body, text);
    if (size == SMALL) return;
    span end = span_slice(span_cstr(text), strlen(text) - 1, strlen(text));
    l->body.len--;
    buf_add_cstr(&l->body, ",\"beside\":\"");
    while (l->body.len < 300 * 1024)
        buf_add_cstr(&l->body, "so many words ");
    buf_add_char(&l->body, '"');
    buf_add(&l->body, end);
}

static large *ask_for(world *w, const exchange_form *form, endpoint e, const char *text, int size) {
    static exchange_door door;
    large *l = calloc(1, sizeof *l);
    door = world_door;
    door.hand_over = hand_over;
    l->memory = &w->loop.memory;
    make_body(l, text, size);
    buf_add_cstr(&l->path, e == EP_OTHER ? "/files/file-1" : "/chat/completions");
    buf_add_cstr(&l->header, "application/json");
    l->headers[0] = (http_header){SPAN("content-type"), buf_span(&l->header)};
    l->headers[1] = (http_header){SPAN("x-request-id"), SPAN("mine")};
    exchange_request r = {.form = form,
                          .endpoint = e,
                          .method = SPAN("POST"),
                          .path = buf_span(&l->path),
                          .headers = {l->headers, 2},
                          .body = buf_span(&l->body),
                          .identified = true};
    loop_read_clock(&w->loop);
    l->asked.x = exchange_start(&w->env, &r, &door, &l->asked);
    return l;
}

static large *ask_large(world *w, const char *text) {
    return ask_for(w, &form_direct, EP_CHAT_COMPLETIONS, text, BIG);
}

/* Until the thread is done with it, and what follows has run. */
static void wait_for(world *w, large *l) {
    while (l->asked.x && !l->script.x)
        uv_run(&w->loop.uv, w->loop.aside.running ? UV_RUN_ONCE : UV_RUN_NOWAIT);
}

static void large_free(large *l) {
    asked_done(&l->asked);
    forget_request(l);
    free(l);
}

static void end_it(world *w, large *l) {
    script_head(&l->script, ANSWER_PLAIN);
    script_say_plain(&l->script, "{\"choices\":[]}");
    script_end(&l->script);
    world_turn(w);
}

static void let_go(world *w, blocker *b) {
    sem_post(&b->go);
    while (w->loop.aside.running)
        uv_run(&w->loop.uv, UV_RUN_ONCE);
}

/* ---- what is found ---- */

static void is_read_on_another_thread(void **state) {
    (void)state;
    world *w = world_new(&plan, "");
    large *l = ask_large(w, ASK_PLAIN);
    assert_true(l->gave);
    assert_null(l->script.x); /* not from inside the start */
    wait_for(w, l);
    const exchange *x = l->asked.x;
    assert_false(timer_active(&x->deadline));
    assert_span(x->facts.model_name, "m");
    assert_span(x->facts.model.raw, "\"m\"");
    assert_true(x->facts.body.len > 256 * 1024);
    assert_span(x->facts.path, "/chat/completions");
    assert_span(x->facts.client_request_id, "mine");
    assert_true(x->facts.bounds.known);
    assert_true(w->loop.memory.used > 256 * 1024);
    end_it(w, l);
    assert_int_equal(w->loop.memory.used, 0);
    assert_said(&l->asked, "answer 200 {\"choices\":[]}|done");
    large_free(l);
    world_free(w);
}

/* A door that keeps its body has it read where it is. */
static void is_read_at_once_where_the_door_keeps_it(void **state) {
    (void)state;
    world *w = world_new(&plan, "");
    large l = {0};
    make_body(&l, ASK_PLAIN, BIG);
    exchange_request r = world_request(&form_direct, "");
    r.body = buf_span(&l.body);
    ask(w, &l.asked, NULL, &r);
    assert_non_null(l.script.x);
    assert_ptr_equal(l.asked.x->facts.body.ptr, l.body.ptr);
    end_it(w, &l);
    asked_done(&l.asked);
    buf_done(&l.body);
    world_free(w);
}

/* The same is refused, in the same words, and the same goes on. */
static void says_what_a_small_one_would_hear(void **state) {
    (void)state;
    static const struct {
        const exchange_form *form;
        endpoint endpoint;
        const char *body;
    } cases[] = {
        {&form_direct, EP_CHAT_COMPLETIONS, ASK_PLAIN},
        {&form_direct, EP_CHAT_COMPLETIONS, ASK_STREAM},
        {&form_direct, EP_CHAT_COMPLETIONS, "{\"messages\":[{}]}"},
        {&form_direct, EP_CHAT_COMPLETIONS, "{\"model\":\"\",\"messages\":[{}]}"},
        {&form_direct, EP_CHAT_COMPLETIONS, "{\"model\":\"m\",\"messages\":[{},1]}"},
        {&form_direct, EP_CHAT_COMPLETIONS, "{\"model\":\"m\",\"model\":\"m\"}"},
        {&form_direct, EP_CHAT_COMPLETIONS, "{\"model\":\"m\",\"messages\":[{}],\"n\":0}"},
        {&form_direct, EP_EMBEDDINGS, "{\"model\":\"m\",\"input\":\"a\"}"},
        {&form_direct, EP_EMBEDDINGS, "{\"model\":\"m\",\"input\":7}"},
        {&form_openai, EP_OTHER, "{\"model\":\"m\",\"x\":[]}"},
        {&form_openai, EP_OTHER, "{\"model\":7}"},
        {&form_chat, EP_CHAT_COMPLETIONS, "{\"message\":\"a\"}"},
        {&form_chat, EP_CHAT_COMPLETIONS, "{\"message\":7,\"stream\":true}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        world *w = world_new(&plan, "");
        large *both[2];
        for (int size = SMALL; size <= BIG; size++) {
            large *l = both[size] =
                ask_for(w, cases[i].form, cases[i].endpoint, cases[i].body, size);
            assert_int_equal(l->gave, size == BIG);
            wait_for(w, l);
            if (l->script.x) end_it(w, l);
            world_turn(w);
            assert_null(l->asked.x);
        }
        /* The small one's member that is too many is no field of /chat. */
        if (cases[i].form != &form_chat) {
            assert_int_equal(both[BIG]->asked.error, both[SMALL]->asked.error);
            assert_int_equal(both[BIG]->asked.status_told, both[SMALL]->asked.status_told);
            assert_int_equal(both[BIG]->asked.record.stream, both[SMALL]->asked.record.stream);
        } else {
            assert_int_equal(both[BIG]->asked.error, ERR_UNPROCESSABLE);
        }
        large_free(both[SMALL]);
        large_free(both[BIG]);
        world_free(w);
    }
}

/* By the vocabulary of whoever may answer, and as a small one is counted on the loop. */
static void it_is_counted(void **state) {
    (void)state;
    world *w = world_new(&plan, "");
    const char *text = "{\"model\":\"llama-3\",\"messages\":[{\"role\":\"user\",\"content\":"
                       "\"Wie viele Tokens hat ein solcher Satz, 你好?\"}]}";
    large *both[2];
    for (int size = SMALL; size <= BIG; size++) {
        large *l = both[size] = ask_for(w, &form_direct, EP_CHAT_COMPLETIONS, text, size);
        wait_for(w, l);
        if (size == BIG) {
            const int64_t *prompts = l->asked.x->large->prompts;
            assert_true(prompts[TOKENS_LLAMA] > 0);
            assert_int_equal(prompts[TOKENS_O200K], -1);
        }
        end_it(w, l);
    }
    assert_true(both[BIG]->asked.record.usage.estimated);
    assert_int_equal(both[BIG]->asked.record.usage.prompt, both[SMALL]->asked.record.usage.prompt);
    large_free(both[SMALL]);
    large_free(both[BIG]);
    world_free(w);
}

/* The last member of a body that nobody goes through again. */
static void what_it_names_is_looked_up(void **state) {
    (void)state;
    world *w = world_new(&plan, "");
    affinity *table = target_affinity(w->targets);
    const affinity_place place = {.provider = 7, .key = 8};
    affinity_put(table, &w->config->affinity, SPAN_OF("resp_1"), place, false, w->loop.now_ms);
    for (int known = 0; known < 2; known++) {
        large *l =
            ask_for(w, &form_direct, EP_RESPONSES,
                    known ? "{\"model\":\"m\",\"input\":\"a\",\"previous_response_id\":\"resp_1\"}"
                          : "{\"model\":\"m\",\"input\":\"a\",\"previous_response_id\":\"resp_2\"}",
                    BIG);
        wait_for(w, l);
        assert_int_equal(l->asked.x->made_at != NULL, known);
        if (known) assert_memory_equal(l->asked.x->made_at, &place, sizeof place);
        end_it(w, l);
        large_free(l);
    }
    world_free(w);
}

/* They wait for each other, and for nothing else. */
static void several_take_their_turns(void **state) {
    (void)state;
    world *w = world_new(&plan, "");
    large *several[4];
    for (size_t i = 0; i < ARRAY_LEN(several); i++)
        several[i] = ask_large(w, ASK_PLAIN);
    large *small = ask_for(w, &form_direct, EP_CHAT_COMPLETIONS, ASK_PLAIN, SMALL);
    assert_non_null(small->script.x);
    for (size_t i = 0; i < ARRAY_LEN(several); i++) {
        wait_for(w, several[i]);
        end_it(w, several[i]);
        assert_said(&several[i]->asked, "answer 200 {\"choices\":[]}|done");
        large_free(several[i]);
    }
    end_it(w, small);
    large_free(small);
    world_free(w);
}

/* ---- whose end comes first ---- */

/* Its request goes at once, whether the thread has begun with it or not. */
static void its_client_leaves(void **state) {
    (void)state;
    for (int begun = 0; begun < 2; begun++) {
        world *w = world_new(&plan, "");
        blocker *b = begun ? NULL : blocker_new(w);
        large *l = ask_large(w, ASK_PLAIN);
        exchange_cancel(l->asked.x);
        forget_request(l);
        world_turn(w);
        assert_said(&l->asked, "done");
        if (b) let_go(w, b);
        while (w->loop.aside.running)
            uv_run(&w->loop.uv, UV_RUN_ONCE);
        assert_null(l->script.x);
        assert_int_equal(w->loop.memory.used, 0);
        large_free(l);
        world_free(w);
    }
}

static void its_deadline_passes(void **state) {
    (void)state;
    world *w = world_new(&plan, "timeouts: {total: 1s}\n");
    blocker *b = blocker_new(w);
    large *l = ask_large(w, ASK_PLAIN);
    world_pass(w, 1100);
    assert_null(l->asked.x);
    assert_int_equal(l->asked.error, ERR_TOTAL_TIMEOUT);
    let_go(w, b);
    large_free(l);
    world_free(w);
}

static void the_time_to_drain_is_up(void **state) {
    (void)state;
    world *w = world_new(&plan, "");
    large *l = ask_large(w, ASK_PLAIN);
    exchange_env_fail_all(&w->env, ERR_DRAINING);
    world_turn(w);
    assert_int_equal(l->asked.error, ERR_DRAINING);
    while (w->loop.aside.running)
        uv_run(&w->loop.uv, UV_RUN_ONCE);
    large_free(l);
    world_free(w);
}

/* The configuration with which it began, which another one may have followed. */
static void a_reload_comes_between(void **state) {
    (void)state;
    world *w = world_new(&plan, "");
    blocker *b = blocker_new(w);
    large *l = ask_large(w, ASK_PLAIN);
    assert_int_equal(w->env.snapshot->refs, 3); /* the world's, the exchange's, the thread's */
    exchange_cancel(l->asked.x);
    world_turn(w);
    assert_int_equal(w->env.snapshot->refs, 1);
    let_go(w, b);
    large_free(l);
    world_free(w);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(is_read_on_another_thread),
        cmocka_unit_test(is_read_at_once_where_the_door_keeps_it),
        cmocka_unit_test(says_what_a_small_one_would_hear),
        cmocka_unit_test(it_is_counted),
        cmocka_unit_test(what_it_names_is_looked_up),
        cmocka_unit_test(several_take_their_turns),
        cmocka_unit_test(its_client_leaves),
        cmocka_unit_test(its_deadline_passes),
        cmocka_unit_test(the_time_to_drain_is_up),
        cmocka_unit_test(a_reload_comes_between),
    };
    return run_watched(tests);
}
