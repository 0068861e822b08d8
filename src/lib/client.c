#include "lib/client.h"

#include "base/mem.h"
#include "lib/plan.h"

#include <assert.h>
#include <stdlib.h>

const char *weir_version(void) {
    return WEIR_VERSION;
}

void weir_string_free(char *string) {
    free(string);
}

/* ---- the mailbox ---- */

static mailbox *mailbox_new(loop *wakes) {
    mailbox *m = mem_zalloc(sizeof *m);
    atomic_init(&m->refs, 1);
    pthread_mutex_init(&m->lock, NULL);
    list_init(&m->calls);
    m->open = true;
    m->wakes = wakes;
    return m;
}

mailbox *mailbox_ref(mailbox *m) {
    atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
    return m;
}

void mailbox_unref(mailbox *m) {
    if (atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) != 1) return;
    pthread_mutex_destroy(&m->lock);
    free(m);
}

static void on_mail(loop *l, void *client);

/* Under its lock. */
static void wake(mailbox *m) {
    if (m->wakes) loop_post(m->wakes, on_mail, CONTAINER_OF(m->wakes, weir_client, loop));
}

/* What comes meanwhile waits: a callback that starts the next call, which ends at once, does not
 * keep the loop from everything else. */
static void take_mail(weir_client *c) {
    mailbox *m = c->mail;
    list taken;
    list_init(&taken);
    pthread_mutex_lock(&m->lock);
    for (list *link; (link = list_pop_front(&m->calls));)
        list_push_back(&taken, link);
    atomic_store(&m->any, false);
    pthread_mutex_unlock(&m->lock);
    for (list *link; (link = list_pop_front(&taken));)
        libcall_hear(c, link);
    pthread_mutex_lock(&m->lock);
    m->woken = !list_empty(&m->calls);
    if (m->woken) wake(m);
    pthread_mutex_unlock(&m->lock);
}

static void on_mail(loop *l, void *client) {
    (void)l;
    take_mail(client);
}

void mailbox_put(mailbox *m, weir_call *call) {
    pthread_mutex_lock(&m->lock);
    if (m->open && libcall_mail(call, &m->calls)) {
        atomic_store(&m->any, true);
        if (!m->woken) wake(m);
        m->woken = true;
    }
    pthread_mutex_unlock(&m->lock);
}

/* false: there is mail, which is to be taken first. */
static bool mailbox_shut(mailbox *m) {
    pthread_mutex_lock(&m->lock);
    m->open = !list_empty(&m->calls);
    bool shut = !m->open;
    pthread_mutex_unlock(&m->lock);
    return shut;
}

/* ---- the queue ---- */

void client_tell_counts(weir_client *c) {
    atomic_store(&c->running_count, c->turns.running);
    atomic_store(&c->waiting_count, c->turns.total - c->turns.running);
    atomic_store(&c->limit, turns_limit(&c->turns));
}

void client_start_waiting(weir_client *c) {
    int64_t wait_ms;
    for (turn *it; (it = turns_next(&c->turns, c->loop.now_ms, &wait_ms));)
        libcall_run(c, it);
    if (wait_ms > 0) loop_timer_start(&c->loop, &c->turns_due, wait_ms);
    client_tell_counts(c);
}

void client_start_soon(weir_client *c) {
    loop_timer_start(&c->loop, &c->turns_due, 0);
    client_tell_counts(c);
}

static void on_turns_due(timer *t) {
    client_start_waiting(CONTAINER_OF(t, weir_client, turns_due));
}

/* ---- the end ---- */

/* Nothing runs and nothing will: the loop may end. */
static void finish(weir_client *c) {
    while (!mailbox_shut(c->mail))
        take_mail(c);
    c->closed = true;
    refresh_stop(c);
    loop_timer_stop(&c->loop, &c->turns_due);
    exchange_env_done(&c->env);
    loop_snapshot_unref(c->env.snapshot);
    http_client_close(c->http);
    loop_stop(&c->loop);
}

static void on_end_of_turn(loop_hook *hook) {
    weir_client *c = CONTAINER_OF(hook, weir_client, at_end);
    if (atomic_load(&c->mail->any)) take_mail(c);
}

static void after_end_of_turn(loop_hook *hook) {
    weir_client *c = CONTAINER_OF(hook, weir_client, after_it);
    bool idle = !c->env.open && list_empty(&c->calls);
    if (c->closing && !c->closed && idle) finish(c);
}

static void on_close(loop *l, void *client) {
    (void)l;
    weir_client *c = client;
    c->closing = true;
    take_mail(c);
    LIST_FOREACH(&c->calls, link) libcall_cancel(link);
}

/* After its loop has ended, or before it has begun. */
static void client_free(weir_client *c) {
    http_client_free(c->http);
    if (c->last) c->last(c->last_user);
    loop_remove_hook(&c->at_end);
    loop_remove_hook(&c->after_it);
    const bool bounded = c->loop.memory.bound;
    loop_done(&c->loop);
    if (bounded) memory_bound_done(&c->memory);
    target_table_free(c->targets);
    mailbox_unref(c->mail);
    usage_done(&c->usage);
    turns_done(&c->turns);
    weir_options_free(c->options);
    simulated_stop(c->simulator);
    toolbox_unref(c->toolbox);
    free(c->model);
    free(c);
}

static void free_foreign(weir_client *c) {
    loop_read_clock(&c->loop);
    c->in_turn = true; /* what it calls back may not turn it */
    on_close(&c->loop, c);
    loop_run(&c->loop);
    client_free(c);
}

bool client_is_inside(const weir_client *c) {
    return c->foreign ? c->in_turn : pthread_equal(pthread_self(), c->thread);
}

void weir_client_free(weir_client *c) {
    if (!c) return;
    if (client_is_inside(c)) {
        atomic_store(&c->free_itself, true);
        if (!c->foreign) loop_post(&c->loop, on_close, c);
    } else if (c->foreign) {
        free_foreign(c);
    } else {
        pthread_t thread = c->thread;
        loop_post(&c->loop, on_close, c);
        pthread_join(thread, NULL);
        client_free(c);
    }
}

/* ---- the beginning ---- */

static void *run(void *client) {
    weir_client *c = client;
    loop_run(&c->loop);
    if (atomic_load(&c->free_itself)) {
        pthread_detach(pthread_self());
        client_free(c);
    }
    return NULL;
}

static int start_thread(weir_client *c) {
    sigset_t before;
    loop_quiet(&before);
    int err = pthread_create(&c->thread, NULL, run, c);
    loop_loud(&before);
    return err;
}

/* The memory is the program's, which may have its own idea of it. */
static void bound_memory(weir_client *c, const config_limits *limits) {
    if (!limits->memory_told) return;
    memory_bound_init(&c->memory, limits->memory_bytes, limits->memory_bytes);
    c->loop.memory.bound = &c->memory;
}

/* NULL where the loop cannot be made; then nothing is left of it. */
static weir_client *client_new(const weir_options *o, snapshot *s, int *ret_err) {
    weir_client *c = mem_zalloc(sizeof *c);
    *ret_err = loop_init(&c->loop, 0);
    if (*ret_err) {
        free(c);
        return NULL;
    }
    bound_memory(c, &s->config->limits);
    c->options = options_copy(o);
    c->foreign = o->foreign_loop;
    c->model = mem_strndup(s->config->chat.model.ptr, s->config->chat.model.len);
    c->toolbox = toolbox_new();
    c->run_limits = (run_limits){.max_steps = s->config->functions.max_steps,
                                 .max_tokens = s->config->functions.max_tokens};
    c->run_ms = s->config->functions.max_time_ms;
    c->http = http_client_new(&c->loop, &upstream_limits);
    c->targets = target_table_new();
    c->mail = mailbox_new(c->foreign ? NULL : &c->loop);
    list_init(&c->calls);
    turns_init(&c->turns, o->concurrency, o->adaptive);
    atomic_init(&c->limit, o->concurrency);
    timer_init(&c->turns_due, on_turns_due);
    usage_init(&c->usage);
    c->env = (exchange_env){.loop = &c->loop,
                            .plan = o->plan ? o->plan : &lib_plan,
                            .snapshot = loop_snapshot_new(c->http, s, c->targets),
                            .targets = c->targets,
                            .patient = true};
    c->at_end.run = on_end_of_turn;
    c->after_it.run = after_end_of_turn;
    loop_add_hook(&c->loop, &c->at_end);
    exchange_env_init(&c->env);
    loop_add_hook(&c->loop, &c->after_it);
    refresh_start(c);
    return c;
}

/* Takes over a client whose thread could not be started. */
static void undo(weir_client *c) {
    c->foreign = true;
    free_foreign(c);
}

/* Takes over the simulator where there comes to be a client. */
static weir_client *make_with(const weir_options *o, simulated *simulator, buf *ret_why) {
    snapshot *s = client_read(o, ret_why);
    if (!s) return NULL;
    int err = 0;
    weir_client *c = client_new(o, s, &err);
    snapshot_unref(s);
    if (!c) buf_addf(ret_why, "an event loop cannot be made: %s", uv_strerror(err));
    if (c) c->simulator = simulator;
    return c;
}

static weir_client *make(const weir_options *given, buf *ret_why) {
    int err = 0;
    simulated *simulator = NULL;
    weir_options *o = options_copy(given);
    bool ready = simulated_start(o, &simulator, ret_why);
    weir_client *c = ready ? make_with(o, simulator, ret_why) : NULL;
    weir_options_free(o);
    if (!c) simulated_stop(simulator);
    if (c && !c->foreign && (err = start_thread(c)) != 0) {
        buf_addf(ret_why, "a thread cannot be started: %s",
                 uv_strerror(uv_translate_sys_error(err)));
        undo(c);
        c = NULL;
    }
    return c;
}

weir_client *weir_client_new(const weir_options *options, char **ret_why) {
    buf why = BUF_EMPTY;
    weir_options *defaults = options ? NULL : weir_options_new();
    weir_client *c = make(options ? options : defaults, &why);
    weir_options_free(defaults);
    if (!c && ret_why) *ret_why = mem_strndup(why.ptr, why.len);
    buf_done(&why);
    return c;
}

/* ---- a foreign loop ---- */

int weir_client_fd(const weir_client *c) {
    return c && c->foreign ? uv_backend_fd(&c->loop.uv) : -1;
}

int64_t weir_client_timeout_ms(const weir_client *c) {
    if (!c || !c->foreign) return -1;
    if (atomic_load(&c->mail->any)) return 0;
    /* libuv's own idea of the time is brought up to date. */
    return loop_wait_ms(&((weir_client *)c)->loop);
}

bool client_turn(weir_client *c) {
    /* So many turns at once, for an owner that has other things to do. */
    enum { TURNS_MAX = 16 };
    c->in_turn = true;
    for (int i = 0; i < TURNS_MAX; i++) {
        if (atomic_load(&c->mail->any)) {
            loop_read_clock(&c->loop);
            take_mail(c);
        }
        loop_turn(&c->loop);
        if (atomic_load(&c->free_itself)) {
            free_foreign(c);
            return false;
        }
        if (weir_client_timeout_ms(c) != 0) break;
    }
    c->in_turn = false;
    return true;
}

void weir_client_step(weir_client *c) {
    if (c && c->foreign && !c->in_turn) (void)client_turn(c);
}

/* ---- what it does at present ---- */

unsigned weir_client_limit(const weir_client *c) {
    return c ? atomic_load(&c->limit) : 0;
}

unsigned weir_client_running(const weir_client *c) {
    return c ? atomic_load(&c->running_count) : 0;
}

unsigned weir_client_waiting(const weir_client *c) {
    return c ? atomic_load(&c->waiting_count) : 0;
}

weir_summary *weir_client_summary(const weir_client *c) {
    if (c) return usage_summary(&((weir_client *)c)->usage);
    usage none;
    usage_init(&none);
    weir_summary *s = usage_summary(&none);
    usage_done(&none);
    return s;
}
