#include "tools/mcp_server.h"

#include "mcp/result.h"

#include "base/mem.h"

#include <stdlib.h>

enum {
    LIST_MS = 30000,
    SETTLE_MS = 200, /* changes of the list that come so close together are one */
    PAGES_MAX = 100,
    TOOLS_MAX = 1000,
    LISTING_MAX = 16 << 20, /* bytes of it */
    BACKOFF_MS = 500,       /* doubled up to: */
    BACKOFF_MAX_MS = 60000,
    SOON_MS = 2000,  /* a start that is nearer is waited for */
    WELL_MS = 10000, /* so long up, it is started again at once */
    WAITING_MAX = 1000,
    ROUNDS_MAX = 4,
};

typedef enum server_state { SERVER_DOWN, SERVER_STARTING, SERVER_UP } server_state;

struct mcp_server {
    mcp_env *env;
    const mcp_place *place;
    const mcp_server_ops *ops;
    void *user;
    server_state state;
    mcp_client *client; /* NULL: none */
    list calls;         /* all that are not told */
    size_t call_count;
    mcp_listing *listing; /* being gathered; NULL: none is */
    size_t room, pages;   /* of it: items that it has place for; asked for */
    buf cursor;           /* that it was asked with last; has its quotes */
    mcp_request list_request;
    bool stale;    /* the list has changed while it was asked for */
    bool answered; /* the conversation has brought an answer */
    timer timer;   /* DOWN: the next start; UP: the list is asked for */
    int64_t backoff_ms, up_ms;
    buf why; /* it is down */
};

/* ---- listings ---- */

mcp_listing *mcp_listing_ref(mcp_listing *l) {
    atomic_fetch_add_explicit(&l->refs, 1, memory_order_relaxed);
    return l;
}

void mcp_listing_unref(mcp_listing *l) {
    if (!l || atomic_fetch_sub_explicit(&l->refs, 1, memory_order_acq_rel) != 1) return;
    arena_done(&l->arena);
    free(l->items);
    free(l);
}

static mcp_listing *listing_new(void) {
    mcp_listing *l = mem_zalloc(sizeof *l);
    atomic_init(&l->refs, 1);
    arena_init(&l->arena, 0);
    l->items = mem_zalloc_array(TOOLS_MAX, sizeof *l->items);
    return l;
}

static bool is_listed(const mcp_listing *l, span name) {
    for (size_t i = 0; i < l->count; i++)
        if (span_eq(l->items[i].name, name)) return true;
    return false;
}

/* Unless there is one of that name. */
static void add_tool(mcp_server *s, const mcp_listed *t) {
    mcp_listing *l = s->listing;
    size_t bytes = t->description.raw.len + t->schema.raw.len + t->name.len;
    const bool twice = is_listed(l, t->name);
    if (!t->callable || twice || l->count == TOOLS_MAX || bytes > s->room) {
        l->left_out[!t->callable ? MCP_LEFT_TASK : twice ? MCP_LEFT_TWICE : MCP_LEFT_ROOM]++;
        return;
    }
    s->room -= bytes;
    span description = t->description.type ? json_string(t->description, &l->arena) : SPAN_EMPTY;
    l->items[l->count++] = (struct mcp_tool_text){
        .name = arena_dup(&l->arena, t->name),
        .description = arena_dup(&l->arena, description),
        .schema = arena_dup(&l->arena, t->schema.raw),
    };
}

/* ---- calls ---- */

static void on_tell(timer *t) {
    mcp_called_tool *c = CONTAINER_OF(t, mcp_called_tool, tell);
    list_remove(&c->link);
    c->server->call_count--;
    c->done(c);
}

static void tell(mcp_called_tool *c, tool_outcome outcome) {
    c->outcome = outcome;
    c->client = NULL;
    loop_timer_start(c->server->env->loop, &c->tell, 0);
}

static void tell_why(mcp_called_tool *c, tool_outcome outcome, const char *before, span why) {
    buf_clear(&c->text);
    buf_add_cstr(&c->text, before);
    buf_add(&c->text, why);
    tell(c, outcome);
}

static void send_call(mcp_server *s, mcp_called_tool *c, span more);

/* A modern server wants something of the client first. */
static void decline(mcp_called_tool *c, json_value result) {
    mcp_server *s = c->server;
    json_value what = {JSON_NONE, SPAN_EMPTY};
    buf members = BUF_EMPTY;
    if (c->rounds++ >= ROUNDS_MAX)
        tell_why(c, TOOL_FAILED, "the MCP server asks the same again and again", SPAN_EMPTY);
    else if (!mcp_write_declines(result, &members, &what))
        tell_why(c, TOOL_FAILED, "the MCP server asks for what weir does not serve: ",
                 what.type == JSON_STRING ? what.raw : SPAN_EMPTY);
    else
        send_call(s, c, buf_span(&members));
    buf_done(&members);
}

static void take_result(mcp_called_tool *c, json_value result) {
    buf_clear(&c->text);
    switch (mcp_read_called(result, c->max_result, &c->text)) {
    case MCP_ANSWERED: tell(c, TOOL_DONE); break;
    case MCP_SAYS_FAILED:
        if (c->text.len == 0) buf_add_cstr(&c->text, "the tool failed, and does not say why");
        tell(c, TOOL_FAILED);
        break;
    case MCP_ASKS: decline(c, result); break;
    case MCP_SAYS_NOTHING:
        tell_why(c, TOOL_FAILED, "the MCP server's answer is no result of a call", SPAN_EMPTY);
        break;
    }
}

static void begin_again(mcp_server *s);

static void on_called(mcp_request *r, const mcp_reply *reply) {
    mcp_called_tool *c = CONTAINER_OF(r, mcp_called_tool, request);
    mcp_server *s = c->server;
    mcp_client *was = c->client;
    c->client = NULL;
    if (!reply->loss) {
        s->answered |= s->client == was;
        take_result(c, reply->result);
        return;
    }
    if (!reply->no_session || c->again) {
        tell_why(c, reply->loss->outcome, "the MCP server failed: ", reply->loss->why);
        return;
    }
    /* Nothing was done. Of several that are told so the first opens another. */
    c->again = true;
    if (s->client == was && was) {
        begin_again(s);
    } else if (s->state == SERVER_UP && s->client) {
        send_call(s, c, SPAN_EMPTY);
    }
}

static void send_call(mcp_server *s, mcp_called_tool *c, span more) {
    buf members = BUF_EMPTY;
    buf_add_cstr(&members, "\"name\":");
    json_write_string(&members, c->name);
    buf_add_cstr(&members, ",\"arguments\":");
    buf_add(&members, c->arguments);
    if (more.len) buf_add_char(&members, ',');
    buf_add(&members, more);
    const mcp_question q = {.method = "tools/call",
                            .members = buf_span(&members),
                            .name = c->name,
                            .params = c->params,
                            .traceparent = c->traceparent};
    c->client = s->client;
    c->request.done = on_called;
    mcp_client_ask(s->client, &c->request, &q);
    buf_done(&members);
}

void mcp_server_call(mcp_server *s, mcp_called_tool *c) {
    c->server = s;
    c->client = NULL;
    c->request.client = NULL;
    timer_init(&c->tell, on_tell);
    list_push_back(&s->calls, &c->link);
    s->call_count++;
    if (s->state == SERVER_UP)
        send_call(s, c, SPAN_EMPTY);
    else if (s->state == SERVER_DOWN && s->timer.due_ms > s->env->loop->now_ms + SOON_MS)
        tell_why(c, TOOL_UNREACHABLE, "the MCP server is down: ", buf_span(&s->why));
    else if (s->call_count > WAITING_MAX)
        tell_why(c, TOOL_FAILED, "too many calls wait for the MCP server to start", SPAN_EMPTY);
}

void mcp_server_drop(mcp_called_tool *c) {
    mcp_server *s = c->server;
    loop_timer_stop(s->env->loop, &c->tell);
    if (c->client) mcp_request_drop(&c->request);
    c->client = NULL;
    if (!list_empty(&c->link)) s->call_count--;
    list_remove(&c->link);
}

/* Those that are not sent. */
static bool is_waiting(const mcp_called_tool *c) {
    return !c->client && !timer_active(&c->tell);
}

static void send_waiting(mcp_server *s) {
    LIST_FOREACH(&s->calls, it) {
        mcp_called_tool *c = LIST_ENTRY(it, mcp_called_tool, link);
        if (is_waiting(c)) send_call(s, c, SPAN_EMPTY);
    }
}

static void fail_waiting(mcp_server *s, const char *before, span why) {
    LIST_FOREACH(&s->calls, it) {
        mcp_called_tool *c = LIST_ENTRY(it, mcp_called_tool, link);
        if (is_waiting(c)) tell_why(c, TOOL_UNREACHABLE, before, why);
    }
}

/* ---- what it lists ---- */

static void stop_listing(mcp_server *s) {
    mcp_request_drop(&s->list_request);
    mcp_listing_unref(s->listing);
    s->listing = NULL;
    buf_clear(&s->cursor);
}

static void end_listing(mcp_server *s) {
    mcp_listing *l = s->listing;
    s->listing = NULL;
    buf_clear(&s->cursor);
    s->ops->on_listed(s->user, l, SPAN_EMPTY);
    mcp_listing_unref(l);
    if (s->stale) loop_timer_start(s->env->loop, &s->timer, SETTLE_MS);
}

static void ask_page(mcp_server *s) {
    buf members = BUF_EMPTY;
    if (s->cursor.len) {
        buf_add_cstr(&members, "\"cursor\":");
        buf_add(&members, buf_span(&s->cursor));
    }
    const mcp_question q = {
        .method = "tools/list", .members = buf_span(&members), .due_ms = LIST_MS};
    s->pages++;
    mcp_client_ask(s->client, &s->list_request, &q);
    buf_done(&members);
}

static void start_anew(mcp_server *s, bool legacy);
static void go_down(mcp_server *s, span why, int64_t after_ms);

static void close_client(mcp_server *s) {
    mcp_client *was = s->client;
    s->client = NULL;
    stop_listing(s);
    mcp_client_close(was);
}

/* One that has never answered within its sessions, as behind a balancer that sends each request
 * elsewhere, would be asked for new ones without end. */
static void lose_session(mcp_server *s) {
    static const span why = SPAN("it does not know the session that it has just opened");
    if (s->answered) {
        begin_again(s);
        return;
    }
    close_client(s);
    go_down(s, why, s->backoff_ms);
}

static void lose_list(mcp_server *s, span why) {
    stop_listing(s);
    s->ops->on_listed(s->user, NULL, why);
    if (s->state == SERVER_UP) loop_timer_start(s->env->loop, &s->timer, BACKOFF_MAX_MS);
}

/* A list that is refused or breaks off changes nothing of what is known. */
static void on_page(mcp_request *r, const mcp_reply *reply) {
    mcp_server *s = CONTAINER_OF(r, mcp_server, list_request);
    arena a;
    if (!s->listing) return;
    if (reply->no_session) {
        lose_session(s);
        return;
    }
    if (reply->loss) {
        lose_list(s, reply->loss->why);
        return;
    }
    const json_value tools = json_get(reply->result, SPAN_OF("tools"));
    if (tools.type != JSON_ARRAY) {
        lose_list(s, SPAN_OF("its list of tools is none"));
        return;
    }
    s->answered = true;
    arena_init(&a, 0);
    mcp_listed t;
    size_t named = 0;
    json_iter it = mcp_tools_of(reply->result);
    for (; mcp_next_tool(&it, &a, &t); named++)
        add_tool(s, &t);
    s->listing->left_out[MCP_LEFT_NAMELESS] += json_count(tools) - named;
    arena_done(&a);
    json_value next = mcp_next_cursor(reply->result);
    if (!next.type || span_eq(next.raw, buf_span(&s->cursor)) || s->pages >= PAGES_MAX) {
        end_listing(s);
        return;
    }
    buf_clear(&s->cursor);
    buf_add(&s->cursor, next.raw);
    ask_page(s);
}

static void list_tools(mcp_server *s) {
    stop_listing(s);
    s->listing = listing_new();
    s->room = LISTING_MAX;
    s->pages = 0;
    s->stale = false;
    s->list_request.done = on_page;
    ask_page(s);
}

/* ---- up and down ---- */

static void on_ready(void *user) {
    mcp_server *s = user;
    s->state = SERVER_UP;
    s->up_ms = s->env->loop->now_ms;
    s->ops->on_state(s->user, true, SPAN_EMPTY);
    send_waiting(s);
    if (s->client) list_tools(s);
}

static void on_changed(void *user) {
    mcp_server *s = user;
    if (s->listing)
        s->stale = true;
    else if (!timer_active(&s->timer))
        loop_timer_start(s->env->loop, &s->timer, SETTLE_MS);
}

static void on_down(void *user, const mcp_loss *loss, bool anew) {
    mcp_server *s = user;
    bool well = s->state == SERVER_UP && s->env->loop->now_ms - s->up_ms >= WELL_MS;
    close_client(s);
    if (anew) {
        start_anew(s, true);
        return;
    }
    if (well) s->backoff_ms = BACKOFF_MS;
    go_down(s, loss->why, well ? 0 : s->backoff_ms);
}

static const mcp_client_ops client_ops = {on_ready, on_changed, on_down};

static void start_anew(mcp_server *s, bool legacy) {
    loop_timer_stop(s->env->loop, &s->timer);
    s->state = SERVER_STARTING;
    s->answered = false;
    s->client = mcp_client_open(s->env, s->place, legacy, &client_ops, s);
}

/* The server has forgotten the conversation: another one, while the calls of this one end. */
static void begin_again(mcp_server *s) {
    stop_listing(s);
    mcp_client_retire(s->client);
    s->client = NULL;
    start_anew(s, true);
}

static void go_down(mcp_server *s, span why, int64_t after_ms) {
    buf_clear(&s->why);
    buf_add(&s->why, why);
    s->state = SERVER_DOWN;
    fail_waiting(s, "the MCP server could not be started: ", why);
    s->ops->on_listed(s->user, NULL, why);
    s->ops->on_state(s->user, false, why);
    loop_timer_start(s->env->loop, &s->timer, after_ms);
    if (after_ms && s->backoff_ms < BACKOFF_MAX_MS) s->backoff_ms *= 2;
}

static void on_timer(timer *t) {
    mcp_server *s = CONTAINER_OF(t, mcp_server, timer);
    if (s->state == SERVER_DOWN)
        start_anew(s, false);
    else if (s->state == SERVER_UP)
        list_tools(s);
}

mcp_server *mcp_server_new(mcp_env *e, const mcp_place *p, const mcp_server_ops *ops, void *user) {
    mcp_server *s = mem_zalloc(sizeof *s);
    s->env = e;
    s->place = p;
    s->ops = ops;
    s->user = user;
    s->backoff_ms = BACKOFF_MS;
    list_init(&s->calls);
    timer_init(&s->timer, on_timer);
    start_anew(s, false);
    return s;
}

void mcp_server_free(mcp_server *s) {
    loop_timer_stop(s->env->loop, &s->timer);
    stop_listing(s);
    LIST_FOREACH(&s->calls, it) {
        mcp_called_tool *c = LIST_ENTRY(it, mcp_called_tool, link);
        mcp_server_drop(c);
        buf_clear(&c->text);
        buf_add_cstr(&c->text, "the MCP server is not configured any more");
        c->outcome = TOOL_UNREACHABLE;
        c->done(c);
    }
    if (s->client) mcp_client_close(s->client);
    buf_done(&s->cursor);
    buf_done(&s->why);
    free(s);
}
