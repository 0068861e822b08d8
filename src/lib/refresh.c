/* The configuration as a client has it in force, and how it is kept so.
 *
 * Keys that a command gives out for a time: the configuration is read again, off the loop, when the
 * first of them is due, and calls that begin from then on use what came of it. What cannot be read
 * changes nothing; it is tried again after the same time. */
#include "lib/client.h"

#include "base/mem.h"
#include "call/provider_tls.h"

#include <stdlib.h>

static const snapshot_part *const parts[] = {&provider_tls_part};

snapshot *client_read(const weir_options *o, buf *ret_why) {
    config *c = options_config(o, ret_why);
    if (!c) return NULL;
    snapshot *s = o->parts ? snapshot_new(c, o->parts, o->part_count, ret_why)
                           : snapshot_new(c, parts, ARRAY_LEN(parts), ret_why);
    config_unref(c);
    return s;
}

struct refresh {
    uv_work_t work;
    weir_client *client; /* NULL: gone, or going */
    weir_options *options;
    snapshot *read; /* NULL: it could not be */
};

static void job_free(struct refresh *job) {
    snapshot_unref(job->read);
    weir_options_free(job->options);
    free(job);
}

static void read_again(uv_work_t *work) {
    struct refresh *job = CONTAINER_OF(work, struct refresh, work);
    buf why = BUF_EMPTY;
    job->read = client_read(job->options, &why);
    buf_done(&why);
}

static void arm(weir_client *c) {
    int64_t after_ms = config_refresh_ms(client_config(c));
    if (after_ms > 0) loop_timer_start(&c->loop, &c->refresh_due, after_ms);
}

static void on_read(uv_work_t *work, int status) {
    struct refresh *job = CONTAINER_OF(work, struct refresh, work);
    weir_client *c = job->client;
    if (c) {
        loop_enter(&c->loop);
        c->refresh = NULL;
        if (!status && job->read) {
            loop_snapshot *old = c->env.snapshot;
            c->env.snapshot = loop_snapshot_new(c->http, job->read, c->targets);
            loop_snapshot_unref(old);
        }
        arm(c);
    }
    job_free(job);
}

static void on_due(timer *t) {
    weir_client *c = CONTAINER_OF(t, weir_client, refresh_due);
    struct refresh *job = mem_zalloc(sizeof *job);
    job->client = c;
    job->options = options_copy(c->options);
    c->refresh = job;
    if (loop_work(&c->loop, &job->work, read_again, on_read)) on_read(&job->work, UV_ENOMEM);
}

void refresh_start(weir_client *c) {
    timer_init(&c->refresh_due, on_due);
    arm(c);
}

void refresh_stop(weir_client *c) {
    loop_timer_stop(&c->loop, &c->refresh_due);
    if (!c->refresh) return;
    c->refresh->client = NULL;
    uv_cancel((uv_req_t *)&c->refresh->work);
}
