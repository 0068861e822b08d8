#include "gateway/mcp_watch.h"

#include "base/list.h"
#include "base/mem.h"
#include "observe/sparing.h"
#include "tools/registry.h"

#include <stdlib.h>

/* Of one server. */
enum { LINES_MOST = 6, LINES_PER_MS = 60 * 1000 };

typedef struct row {
    list link;
    buf entry;
    buf left;        /* why what it lists is left out, as was told; empty: nothing is */
    uint64_t losses; /* that were told */
    bool down;       /* as was told */
    bool seen;       /* at this look */
    sparing lines;
} row;

struct mcp_watch {
    log_shard *log;
    metrics_shard *shard;
    list rows;
    int64_t now_ms;
};

mcp_watch *mcp_watch_new(log_shard *log, metrics_shard *shard) {
    mcp_watch *w = mem_zalloc(sizeof *w);
    w->log = log;
    w->shard = shard;
    list_init(&w->rows);
    return w;
}

static void set_gauge(const mcp_watch *w, const row *r, metric_id id, int64_t value) {
    const span entry = buf_span(&r->entry);
    metric_set(metrics_series(w->shard, id, &entry), value);
}

static void row_free(row *r) {
    list_remove(&r->link);
    buf_done(&r->entry);
    buf_done(&r->left);
    free(r);
}

void mcp_watch_free(mcp_watch *w) {
    if (!w) return;
    while (!list_empty(&w->rows))
        row_free(LIST_ENTRY(w->rows.next, row, link));
    free(w);
}

/* ---- what is told ---- */

static void log_change(const mcp_watch *w, row *r, bool down, span why) {
    uint64_t passed_over;
    if (!sparing_due(&r->lines, LINES_MOST, LINES_PER_MS, w->now_ms, &passed_over)) return;
    char digits[LOG_NUMBER_MAX];
    log_field fields[3] = {{"server", buf_span(&r->entry)}};
    size_t count = 1;
    if (down) fields[count++] = (log_field){"reason", why};
    if (passed_over) fields[count++] = log_number("passed_over", passed_over, digits);
    if (down)
        log_event(w->log, LEVEL_WARN, "mcp_server_down",
                  SPAN_OF("An MCP server has ended or cannot be reached; it is tried again."),
                  fields, count);
    else
        log_event(w->log, LEVEL_INFO, "mcp_server_up", SPAN_OF("The MCP server is there again."),
                  fields, count);
}

/* Also where it went and came between two looks. */
static void tell(const mcp_watch *w, row *r, const tool_source *s) {
    const span entry = s->entry;
    const uint64_t more = s->losses > r->losses ? s->losses - r->losses : 0;
    const bool was_down = r->down;
    r->losses = s->losses; /* of another server under the same name they begin anew */
    r->down = s->down;
    set_gauge(w, r, METRIC_MCP_SERVER_DOWN, r->down);
    if (more) metric_add(metrics_series(w->shard, METRIC_MCP_SERVER_LOSSES, &entry), more);
    if (more && !was_down) log_change(w, r, true, s->why);
    if (!s->down && (was_down || more)) log_change(w, r, false, SPAN_EMPTY);
}

/* Once for each list that leaves out something else than the one before. */
static void tell_left_out(const mcp_watch *w, row *r, const tool_source *s) {
    uint64_t passed_over;
    set_gauge(w, r, METRIC_MCP_TOOLS_LEFT_OUT, (int64_t)s->left_out);
    if (span_eq(buf_span(&r->left), s->why_left)) return;
    buf_clear(&r->left);
    buf_add(&r->left, s->why_left);
    if (!s->left_out || !sparing_due(&r->lines, LINES_MOST, LINES_PER_MS, w->now_ms, &passed_over))
        return;
    char digits[LOG_NUMBER_MAX], over[LOG_NUMBER_MAX];
    const log_field fields[] = {{"server", s->entry},
                                log_number("tools", s->left_out, digits),
                                {"reason", s->why_left},
                                log_number("passed_over", passed_over, over)};
    log_event(w->log, LEVEL_WARN, "mcp_tools_left_out",
              SPAN_OF("An MCP server lists tools of which none is made."), fields,
              ARRAY_LEN(fields) - !passed_over);
}

/* ---- looking ---- */

static row *row_of(mcp_watch *w, span entry) {
    LIST_FOREACH(&w->rows, it) {
        row *r = LIST_ENTRY(it, row, link);
        if (span_eq(buf_span(&r->entry), entry)) return r;
    }
    row *r = mem_zalloc(sizeof *r);
    buf_add(&r->entry, entry);
    list_push_back(&w->rows, &r->link);
    return r;
}

static void look(void *user, const tool_source *s) {
    mcp_watch *w = user;
    row *r = row_of(w, s->entry);
    r->seen = true;
    tell(w, r, s);
    tell_left_out(w, r, s);
}

static void forget(mcp_watch *w, row *r) {
    set_gauge(w, r, METRIC_MCP_SERVER_DOWN, 0);
    set_gauge(w, r, METRIC_MCP_TOOLS_LEFT_OUT, 0);
    row_free(r);
}

void mcp_watch_tick(mcp_watch *w, const snapshot *s, int64_t now_ms) {
    w->now_ms = now_ms;
    LIST_FOREACH(&w->rows, it)
    LIST_ENTRY(it, row, link)->seen = false;
    tool_registry_sources(snapshot_tools(s), look, w);
    LIST_FOREACH(&w->rows, it) {
        row *r = LIST_ENTRY(it, row, link);
        if (!r->seen) forget(w, r);
    }
}
