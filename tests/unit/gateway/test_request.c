/* Requests and their handlers, through the real door: what a handler that answers later hears, also
 * when its client leaves, when the server ends before it, and when a reload comes in between. */
#include "gate.h"

#include "gateway/reply.h"

static _Atomic int alive; /* requests of the handlers below */

static void answer_text(request *q, const char *text) {
    reply(q, 200, "text/plain", span_cstr(text), (http_headers){0});
}

/* ---- a handler that answers from a timer, after as many ms as the query says ---- */

typedef struct later {
    request request;
    timer timer;
    unsigned zero; /* as it is got */
} later;

static void later_fires(timer *t) {
    later *q = CONTAINER_OF(t, later, timer);
    answer_text(&q->request, "later");
}

static void later_begin(request *r) {
    later *q = CONTAINER_OF(r, later, request);
    uint64_t ms = 0;
    assert_true(span_u64(http_request_head(r->http)->query, &ms));
    alive++;
    gate_note(gate_of(r), q->zero ? "begin with dirt" : "begin");
    q->zero = 1;
    timer_init(&q->timer, later_fires);
    loop_timer_start(&r->w->loop, &q->timer, (int64_t)ms);
}

static void later_gone(request *r) {
    later *q = CONTAINER_OF(r, later, request);
    loop_timer_stop(&r->w->loop, &q->timer);
    gate_note(gate_of(r), r->http ? "gone" : "gone after done");
}

static void later_done(request *r) {
    later *q = CONTAINER_OF(r, later, request);
    gate_note(gate_of(r), timer_active(&q->timer) ? "done, ticking"
                          : r->http               ? "done early"
                                                  : "done");
    alive--;
    request_free(r);
}

static const request_ops later_ops = {sizeof(later), later_begin, later_gone, request_ignore,
                                      later_done};

/* ---- one whose work cannot be stopped: it outlives the request ---- */

typedef struct work {
    request request;
    uv_work_t job;
    gate *gate;
    bool fails; /* as the query says: it ends with an error */
    bool over;
} work;

static uv_sem_t may_end; /* the work waits for it */

static void work_run(uv_work_t *job) {
    (void)job;
    uv_sem_wait(&may_end);
}

static void work_free(work *q) {
    alive--;
    request_free(&q->request);
}

static void work_over(uv_work_t *job, int status) {
    (void)status;
    work *q = CONTAINER_OF(job, work, job);
    loop_enter(&q->request.w->loop);
    q->over = true;
    gate_note(q->gate, "worked");
    /* Whether anybody is left to hear it or not. */
    if (q->fails)
        reply_error_text(&q->request, ERR_FORBIDDEN, "It came to nothing.");
    else
        answer_text(&q->request, "worked");
    if (!q->request.http) work_free(q);
}

static void work_begin(request *r) {
    work *q = CONTAINER_OF(r, work, request);
    alive++;
    q->gate = gate_of(r);
    q->fails = http_request_head(r->http)->query.len;
    gate_note(q->gate, "begin");
    assert_int_equal(loop_work(&r->w->loop, &q->job, work_run, work_over), 0);
}

static void work_gone(request *r) {
    gate_note(gate_of(r), "gone");
}

static void work_done(request *r) {
    work *q = CONTAINER_OF(r, work, request);
    gate_note(q->gate, "done");
    if (q->over) work_free(q);
}

static const request_ops work_ops = {sizeof(work), work_begin, work_gone, request_ignore,
                                     work_done};

/* ---- one that streams more than may wait ---- */

typedef struct flood {
    request request;
    size_t left;
} flood;

enum { FLOOD_BYTES = 16 * 1024 * 1024 };

static void flood_on(flood *q) {
    static char piece[8000];
    memset(piece, 'z', sizeof piece);
    while (q->left && !http_answer_full(q->request.http)) {
        size_t n = q->left < sizeof piece ? q->left : sizeof piece;
        http_answer_piece(q->request.http, span_from(piece, n));
        q->left -= n;
    }
    if (!q->left) http_answer_end(q->request.http);
}

static void flood_begin(request *r) {
    flood *q = CONTAINER_OF(r, flood, request);
    alive++;
    q->left = FLOOD_BYTES;
    http_answer_head(r->http, 200, (http_headers){0});
    flood_on(q);
    if (q->left) gate_note(gate_of(r), "full");
}

static void flood_room(request *r) {
    flood *q = CONTAINER_OF(r, flood, request);
    flood_on(q);
    if (!q->left) gate_note(gate_of(r), "over");
}

static void flood_done(request *r) {
    gate_note(gate_of(r), "done");
    alive--;
    request_free(r);
}

static const request_ops flood_ops = {sizeof(flood), flood_begin, request_ignore, flood_room,
                                      flood_done};

/* ---- one that says whose request it is ---- */

static void tell_client(request *q) {
    buf text = BUF_EMPTY;
    buf_addf(&text, "%.*s at %.*s",
             SPAN_ARG(q->caller.client ? q->caller.client->name : SPAN_OF("nobody")),
             SPAN_ARG(q->row->path));
    answer_text(q, buf_cstr(&text));
    buf_done(&text);
}

static const request_ops whose_ops = REQUEST_AT_ONCE(tell_client);

enum { ANY_METHOD = 1u << HTTP_GET_M | 1u << HTTP_POST_M };

static const route rows[] = {
    {SPAN("/later"), ANY_METHOD, WHO_ANYONE, &later_ops, NULL},
    {SPAN("/work"), ANY_METHOD, WHO_ANYONE, &work_ops, NULL},
    {SPAN("/flood"), ANY_METHOD, WHO_ANYONE, &flood_ops, NULL},
    {SPAN("/whose"), ANY_METHOD, WHO_CLIENT, &whose_ops, NULL},
};

/* ---- the tests ---- */

#define PROVIDER                                                                                   \
    "providers: {p: {kind: openai, url: 'http://127.0.0.1:9/v1'}}\n"                               \
    "models: {'*': p}\n"                                                                           \
    "retry: {retries: 0}\n"
#define ALICE "clients: [{name: alice, key: sk-alice}]\n"
#define BOB   "clients: [{name: bob, key: sk-bob}]\n"
#define BOTH  "clients: [{name: bob, key: sk-bob}, {name: alice, key: sk-alice}]\n"

static gate g;

static int set_up(void **state) {
    (void)state;
    gate_start(&g, PROVIDER, rows, ARRAY_LEN(rows));
    uv_sem_init(&may_end, 0);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    gate_close(&g);
    gate_free(&g);
    uv_sem_destroy(&may_end);
    assert_int_equal(alive, 0);
    return 0;
}

static void a_handler_may_answer_later(void **state) {
    (void)state;
    int fd = gate_dial(&g);
    get(fd, "/later?1");
    check_answer(fd, 200, "later");
    gate_expect(&g, "begin;done;");
    /* Two at once on one connection: the second begins when the first is over. */
    send_text(fd, "GET /later?1 HTTP/1.1\r\nHost: localhost\r\n\r\nGET /later?0 HTTP/1.1\r\nHost: "
                  "localhost\r\n\r\n");
    check_answer(fd, 200, "later");
    check_answer(fd, 200, "later");
    gate_expect(&g, "begin;done;begin;done;begin;done;");
    close(fd);
}

#define AN_HOUR "/later?3600000"

static void its_client_may_leave(void **state) {
    (void)state;
    int fd = gate_dial(&g);
    get(fd, AN_HOUR);
    gate_expect(&g, "begin;");
    close(fd);
    gate_expect(&g, "begin;gone;done;");
}

static void the_server_may_end_first(void **state) {
    (void)state;
    int a = gate_dial(&g), b = gate_dial(&g);
    get(a, AN_HOUR);
    gate_expect(&g, "begin;");
    get(b, AN_HOUR);
    gate_expect(&g, "begin;begin;");
    gate_close(&g);
    gate_expect(&g, "begin;begin;gone;done;gone;done;");
    check_closed(a);
    check_closed(b);
}

static void work_answers_when_it_is_over(void **state) {
    (void)state;
    int fd = gate_dial(&g);
    get(fd, "/work");
    gate_expect(&g, "begin;");
    uv_sem_post(&may_end);
    check_answer(fd, 200, "worked");
    gate_expect(&g, "begin;worked;done;");
    close(fd);
}

static void work_may_outlive_its_client(void **state) {
    (void)state;
    static const char *const paths[] = {"/work", "/work?error"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        gate_forget(&g);
        int fd = gate_dial(&g);
        get(fd, paths[i]);
        gate_expect(&g, "begin;");
        close(fd);
        gate_expect(&g, "begin;gone;done;");
        uv_sem_post(&may_end);
        gate_expect(&g, "begin;gone;done;worked;");
    }
}

static void work_may_outlive_the_server(void **state) {
    (void)state;
    int fd = gate_dial(&g);
    get(fd, "/work");
    gate_expect(&g, "begin;");
    gate_close(&g);
    gate_expect(&g, "begin;gone;done;");
    uv_sem_post(&may_end);
    gate_expect(&g, "begin;gone;done;worked;");
    check_closed(fd);
}

static void a_stream_goes_on_when_there_is_room(void **state) {
    (void)state;
    int fd = gate_dial(&g);
    send_text(fd, "GET /flood HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    gate_expect(&g, "full;"); /* nothing is read meanwhile */
    char *all = read_all(fd, NULL);
    size_t count = 0;
    for (const char *at = all; *at; at++)
        count += *at == 'z';
    assert_int_equal(count, FLOOD_BYTES);
    gate_expect(&g, "full;over;done;");
    free(all);
    close(fd);
}

/* ---- between head and body ---- */

static const char body[] = "{\"model\":\"m\",\"messages\":[{}]}";

/* A connection on which the server has taken the head of a POST and waits for that body. */
static int dial_with_head(const char *path, const char *key) {
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    int fd = gate_dial(&g);
    buf head = BUF_EMPTY;
    buf_addf(&head,
             "POST %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
             "Content-Type: application/json\r\nExpect: 100-continue\r\n"
             "Content-Length: %zu\r\n\r\n",
             path, key, strlen(body));
    send_bytes(fd, buf_span(&head));
    buf_done(&head);
    char got[sizeof go_on] = "";
    assert_int_equal(recv(fd, got, strlen(go_on), MSG_WAITALL), strlen(go_on));
    assert_string_equal(got, go_on);
    return fd;
}

static void a_handler_hears_nothing_before_the_body(void **state) {
    (void)state;
    int fd = dial_with_head("/later", "x");
    send_text(fd, "{\"model\":");
    close(fd);
    gate_await_empty(&g);
    gate_expect(&g, "");
    fd = gate_dial(&g); /* refused after its head was taken */
    send_text(fd, "POST /later HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n");
    check_answer(fd, 413, NULL);
    check_closed(fd);
    gate_await_empty(&g);
    gate_expect(&g, "");
}

static void the_server_may_end_before_the_body(void **state) {
    (void)state;
    int fd = dial_with_head("/later", "x");
    gate_close(&g);
    gate_expect(&g, "");
    check_closed(fd);
}

static int ask_across_a_reload(const char *path, const char *key, const char *before,
                               const char *after) {
    gate_reload(&g, before);
    int fd = dial_with_head(path, key);
    gate_reload(&g, after);
    send_text(fd, body);
    return fd;
}

static void a_client_outlives_a_reload(void **state) {
    (void)state;
    int fd = ask_across_a_reload("/whose", "sk-alice", PROVIDER ALICE, PROVIDER BOB);
    check_answer(fd, 200, "alice at /whose");
    close(fd);
    fd = gate_dial(&g);
    get(fd, "/whose");
    check_answer(fd, 401, NULL);
    close(fd);
    gate_reload(&g, PROVIDER);
    fd = gate_dial(&g);
    get(fd, "/whose");
    check_answer(fd, 200, "nobody at /whose");
    close(fd);
}

/* What may call is asked again with what is in force. */
static void a_call_is_its_clients_after_a_reload(void **state) {
    (void)state;
    int fd = ask_across_a_reload("/v1/chat/completions", "sk-alice", PROVIDER ALICE, PROVIDER BOB);
    check_answer(fd, 401, NULL);
    close(fd);
    fd = ask_across_a_reload("/v1/chat/completions", "sk-alice", PROVIDER ALICE, PROVIDER BOTH);
    check_answer(fd, 502, NULL); /* there is no provider at port 9 */
    close(fd);
}

/* It was allowed when its head came. */
static void a_passthrough_path_taken_away_meanwhile(void **state) {
    (void)state;
    static const char further[] = PROVIDER "passthrough: [/v1/rerank]\n";
    int fd = ask_across_a_reload("/v1/rerank", "sk-x", further, PROVIDER);
    check_answer(fd, 502, NULL);
    close(fd);
    fd = gate_dial(&g);
    get(fd, "/v1/rerank");
    check_answer(fd, 404, NULL);
    close(fd);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(a_handler_may_answer_later),
        T(its_client_may_leave),
        T(the_server_may_end_first),
        T(work_answers_when_it_is_over),
        T(work_may_outlive_its_client),
        T(work_may_outlive_the_server),
        T(a_stream_goes_on_when_there_is_room),
        T(a_handler_hears_nothing_before_the_body),
        T(the_server_may_end_before_the_body),
        T(a_client_outlives_a_reload),
        T(a_call_is_its_clients_after_a_reload),
        T(a_passthrough_path_taken_away_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
