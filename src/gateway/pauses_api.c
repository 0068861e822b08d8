#include "gateway/pauses_api.h"

#include "access/key_wish.h"
#include "base/clock.h"

#include "gateway/admin_act.h"
#include "gateway/admin_order.h"
#include "gateway/api_path.h"
#include "gateway/reply.h"
#include "gateway/routes.h"
#include "gateway/worker.h"
#include "json/json.h"

static const http_header fresh = {SPAN("cache-control"), SPAN("no-store")};

static void begin_all(request *q) {
    if (!admin_order_has_no_query(q)) return;
    buf body = BUF_EMPTY;
    buf_add_cstr(&body, "{\"object\":\"list\",\"data\":");
    pauses_write(q->w->gateway->pauses, &body);
    buf_add_char(&body, '}');
    reply(q, 200, "application/json", buf_span(&body), (http_headers){&fresh, 1});
    buf_done(&body);
}

static void answer(const request *q, span client, bool paused) {
    buf body = BUF_EMPTY;
    buf_add_cstr(&body, "{\"client\":");
    json_write_string(&body, client);
    buf_addf(&body, ",\"paused\":%s}", paused ? "true" : "false");
    reply(q, 200, "application/json", buf_span(&body), (http_headers){&fresh, 1});
    buf_done(&body);
}

/* What was so already is so again, and is no act. */
static void note(const request *q, span client, bool paused) {
    const worker *w = q->w;
    const log_field of = {"client", client, false};
    admin_act_note(q, paused ? SPAN_OF("client_pause") : SPAN_OF("client_resume"), client, "ok");
    log_event(w->env.log, LEVEL_INFO, paused ? "client_paused" : "client_resumed",
              paused ? SPAN_OF("A client was paused by an admin.")
                     : SPAN_OF("A client may call again, says an admin."),
              &of, 1);
}

static void set(const request *q, bool paused) {
    pauses *p = q->w->gateway->pauses;
    if (!admin_order_has_no_query(q) || !admin_order_has_no_body(q)) return;
    buf name = BUF_EMPTY;
    const bool legible =
        api_path_decode(route_rest(q->row, http_request_head(q->http)->path), &name);
    const span client = buf_span(&name);
    if (!legible || !client.len || client.len > KEY_NAME_MAX) {
        reply_error_text(q, ERR_UNKNOWN_KEY, "There is no such client here.");
    } else {
        const bool done = paused ? pauses_add(p, client, SPAN_OF("an admin"), clock_wall_us())
                                 : pauses_end(p, client);
        if (done) note(q, client, paused);
        answer(q, client, pauses_has(p, client));
    }
    buf_done(&name);
}

static void begin_pause(request *q) {
    set(q, true);
}

static void begin_resume(request *q) {
    set(q, false);
}

const request_ops pauses_all = REQUEST_AT_ONCE(begin_all);
const request_ops pauses_pause = REQUEST_AT_ONCE(begin_pause);
const request_ops pauses_resume = REQUEST_AT_ONCE(begin_resume);
