#include "cli/check_alerts.h"

#include "alert/webhook.h"
#include "base/clock.h"
#include "call/loop_snapshot.h"
#include "cli/cli.h"

typedef struct trial {
    loop loop;
    http_client *client;
    webhook *webhook;
    timer over;
    size_t place;
    bool taken, ok;
} trial;

static void on_over(timer *t) {
    trial *r = CONTAINER_OF(t, trial, over);
    webhook_free(r->webhook);
    http_client_close(r->client);
    loop_stop(&r->loop);
}

static void on_told(void *user, webhook_news news, size_t place, int status, span detail) {
    trial *r = user;
    buf out = BUF_EMPTY;
    r->taken = news == WEBHOOK_DELIVERED;
    buf_addf(&out, "alerts.webhooks[%zu]: %s", place, r->taken ? "taken" : "not taken");
    if (status) buf_addf(&out, ", status %d", status);
    if (detail.len) {
        buf_add_cstr(&out, ": ");
        const size_t from = out.len;
        buf_add_excerpt(&out, detail, 200);
        cli_disarm(out.ptr + from, out.len - from);
    }
    buf_add_char(&out, '\n');
    r->ok = cli_print(&out) && r->taken;
    buf_done(&out);
    loop_timer_start(&r->loop, &r->over, 0);
}

static bool try_one(snapshot *s, size_t place) {
    trial r = {.place = place};
    const alert_finding f = {.kind = ALERT_TEST,
                             .sentence = SPAN_OF("A test: alerts of this weir arrive here.")};
    if (loop_init(&r.loop, 0)) return false;
    alert *a = alert_new(&f, &r.loop.rng, clock_wall_us(), 0);
    timer_init(&r.over, on_over);
    r.client = http_client_new(&r.loop, &upstream_limits);
    r.webhook = webhook_new(&r.loop, r.client, on_told, &r);
    webhook_apply(r.webhook, s, place);
    webhook_hurry(r.webhook);
    webhook_put(r.webhook, a);
    alert_unref(a);
    loop_run(&r.loop);
    http_client_free(r.client);
    loop_done(&r.loop);
    return r.ok;
}

bool check_alerts(config *c) {
    static const snapshot_part *const parts[] = {&alert_tls_part};
    buf text = BUF_EMPTY;
    bool ok = c->alerts.webhook_count > 0;
    snapshot *s = snapshot_new(c, parts, ARRAY_LEN(parts), &text);
    if (!s) buf_add_char(&text, '\n');
    if (s && !ok) buf_add_cstr(&text, "alerts.webhooks names nobody\n");
    if (text.len) cli_tell(&text);
    for (size_t i = 0; s && i < c->alerts.webhook_count; i++)
        ok = try_one(s, i) && ok;
    snapshot_unref(s);
    buf_done(&text);
    return s && ok;
}
