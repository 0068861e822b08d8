#include "gateway/prices_page.h"

#include "base/clock.h"
#include "call/price_part.h"
#include "gateway/reply.h"
#include "gateway/worker.h"
#include "ledger/query.h"
#include "price/listing.h"

static void refuse(request *q, span name, span why) {
    weir_error e = error_of(ERR_BAD_VALUE);
    e.message = why;
    e.param = span_clip(name, QUERY_NAME_MAX);
    reply_error_with(q, &e, (http_headers){0});
}

static void answer(request *q, span pattern) {
    static const http_header fresh = {SPAN("cache-control"), SPAN("no-store")};
    const price_wish wish = {.pattern = pattern,
                             .without_lines = !q->admin && q->caller.client != NULL};
    buf body = BUF_EMPTY;
    const loop_snapshot *s = q->w->env.snapshot;
    (void)price_list(loop_snapshot_config(s), snapshot_prices(s->snapshot), &wish, &body);
    reply(q, 200, "application/json", buf_span(&body), (http_headers){&fresh, 1});
    buf_done(&body);
}

static void begin(request *q) {
    ledger_query asked = ledger_query_all;
    arena texts;
    span name = SPAN_EMPTY;
    buf why = BUF_EMPTY;
    arena_init(&texts, 0);
    if (query_parse(&asked, QUERY_PRICES, http_request_head(q->http)->query, clock_wall_us(),
                    &texts, &name, &why))
        answer(q, asked.pattern.ptr ? asked.pattern : SPAN_EMPTY);
    else
        refuse(q, name, buf_span(&why));
    buf_done(&why);
    arena_done(&texts);
}

const request_ops page_prices = REQUEST_AT_ONCE(begin);
