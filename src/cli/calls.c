/* weir calls: which calls were there, and what became of each? */
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/records.h"
#include "cli/records_text.h"
#include "cli/terminal.h"
#include "cli/wait.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OPT_FOLLOW = RECORDS_OPTIONS, OPT_PARAMETERS };

#define BOTH RECORDS_PARAMETER_ROW
#define SUMMARY(kind, name, option, takes, about, rare)
#define CALLS RECORDS_PARAMETER_ROW
static const cli_option options[] = {
    RECORDS_OPTION_ROWS,
    {'f', "follow", NULL, "Go on with calls as they end"},
#include "ledger/parameters.def"
};

typedef enum form { FORM_TABLE, FORM_JSON, FORM_CSV } form;

typedef struct view {
    records records;
    form form;
    bool colour;
    const char *limit; /* as given; NULL: not */
} view;

static bool read_page(const buf *text, json_value *ret) {
    return records_read(text, "data", JSON_ARRAY, "list of calls", ret);
}

static void write_head(const view *v, buf *out) {
    if (v->form == FORM_CSV) calls_write_csv_head(out);
    if (v->form == FORM_TABLE) calls_write_head(v->colour, out);
}

static void write_row(const view *v, json_value call, buf *out) {
    switch (v->form) {
    case FORM_TABLE: calls_write_row(call, v->colour, out); break;
    case FORM_CSV: calls_write_csv_row(call, out); break;
    case FORM_JSON: buf_addf(out, "%.*s\n", SPAN_ARG(call.raw)); break;
    }
}

/* ---- one call, or a list ---- */

static bool show_one(view *v, const char *id) {
    buf text = BUF_EMPTY, out = BUF_EMPTY;
    json_value call;
    bool good = records_ask(&v->records, id, &text) &&
                records_read(&text, "request_id", JSON_STRING, "call", &call);
    if (good && v->form == FORM_TABLE) {
        calls_write_story(call, v->colour, &out);
    } else if (good) {
        if (v->form == FORM_CSV) write_head(v, &out);
        write_row(v, call, &out);
    }
    good = good && cli_print_as(&out, v->form == FORM_JSON);
    buf_done(&text);
    buf_done(&out);
    return good;
}

/* A table does not say that it is a part of what was asked for; JSON has `next`. Who wants so many
 * and no more says so, but for the most that there may be. */
static void tell_more(const view *v, json_value page) {
    uint64_t wanted;
    const char *limit = v->limit;
    const json_value next = json_get(page, SPAN_OF("next"));
    if (next.type != JSON_STRING || v->form == FORM_JSON) return;
    if (limit && span_u64(span_cstr(limit), &wanted) && wanted < QUERY_LIMIT_MAX) return;
    buf id = BUF_EMPTY; /* whatever the server says it is */
    buf_add_excerpt(&id, span_slice(next.raw, 1, next.raw.len - 1), STORE_ID_LEN);
    cli_complain("there are older calls; --cursor %s goes on with them%s", buf_cstr(&id),
                 limit ? "" : ", --limit 1000 shows more at a time");
    buf_done(&id);
}

static bool show_list(view *v) {
    buf text = BUF_EMPTY, out = BUF_EMPTY;
    json_value page;
    bool good = records_ask(&v->records, NULL, &text) && read_page(&text, &page);
    if (good && v->form == FORM_JSON) {
        buf_addf(&out, "%.*s\n", SPAN_ARG(buf_span(&text)));
    } else if (good) {
        write_head(v, &out);
        json_iter it = json_iter_of(json_get(page, SPAN_OF("data")));
        for (json_value call; json_next_element(&it, &call);)
            write_row(v, call, &out);
    }
    good = good && cli_print_as(&out, v->form == FORM_JSON);
    if (good) tell_more(v, page);
    buf_done(&text);
    buf_done(&out);
    return good;
}

/* ---- following ----
 *
 * Records come in the order in which calls end, and are listed in that in which they began: each
 * look takes the newest of the list, and shows those that were not there before. One that more
 * calls have begun after than a look takes is not seen. */

enum { LOOK_MS = 1000, FIRST_LOOK = 10, ID_MAX = STORE_ID_LEN };

typedef struct id {
    char text[ID_MAX + 1];
} id;

/* Of one look, newest first: sorted, as ids say when a call began. */
typedef struct id_list {
    id *items;
    size_t count;
} id_list;

static int newest_first(const void *a, const void *b) {
    return strcmp(((const id *)b)->text, ((const id *)a)->text);
}

static bool has(const id_list *l, const id *i) {
    return l->count && bsearch(i, l->items, l->count, sizeof *l->items, newest_first);
}

static id id_of(json_value call) {
    id i = {""};
    span text = json_get(call, SPAN_OF("request_id")).raw;
    if (text.len > 2 && text.len - 2 <= ID_MAX) memcpy(i.text, text.ptr + 1, text.len - 2);
    return i;
}

/* Older than all that the last look has seen, which was full: seen in an earlier one, or lost to
 * it. */
static bool is_behind(const id_list *seen, const id *i) {
    return seen->count == QUERY_LIMIT_MAX && newest_first(&seen->items[seen->count - 1], i) < 0;
}

/* The oldest of the new ones first, as what goes on reads downwards. */
static void write_new(const view *v, const json_value *calls, const id_list *now,
                      const id_list *seen, size_t most, buf *out) {
    size_t shown = 0;
    bool *fresh = mem_zalloc_array(now->count + 1, sizeof *fresh);
    for (size_t i = 0; i < now->count && shown < most; i++) {
        fresh[i] = !has(seen, &now->items[i]) && !is_behind(seen, &now->items[i]);
        shown += fresh[i];
    }
    for (size_t i = now->count; i-- > 0;)
        if (fresh[i]) write_row(v, calls[i], out);
    free(fresh);
}

/* *seen becomes what there is now. */
static bool look(view *v, id_list *seen, size_t most) {
    buf text = BUF_EMPTY, out = BUF_EMPTY;
    json_value page;
    bool good = records_ask(&v->records, NULL, &text) && read_page(&text, &page);
    if (good) {
        json_value data = json_get(page, SPAN_OF("data"));
        json_value *calls = mem_zalloc_array(json_count(data) + 1, sizeof *calls);
        id_list now = {mem_zalloc_array(json_count(data) + 1, sizeof *now.items), 0};
        json_iter it = json_iter_of(data);
        while (json_next_element(&it, &calls[now.count])) {
            now.items[now.count] = id_of(calls[now.count]);
            now.count++;
        }
        write_new(v, calls, &now, seen, most, &out);
        free(calls);
        free(seen->items);
        *seen = now;
        good = cli_print_as(&out, v->form == FORM_JSON);
    }
    buf_done(&text);
    buf_done(&out);
    return good;
}

static bool follow(view *v) {
    waiter w;
    id_list seen = {NULL, 0};
    buf head = BUF_EMPTY;
    if (!waiter_init(&w)) return false;
    records_set(&v->records, "limit", "1000");
    write_head(v, &head);
    bool good = cli_print(&head);
    for (size_t most = FIRST_LOOK; good && !w.interrupt && !w.terminate; most = SIZE_MAX) {
        good = look(v, &seen, most);
        if (good) (void)wait_for(&w, NULL, -1, LOOK_MS);
    }
    waiter_done(&w);
    free(seen.items);
    buf_done(&head);
    return good;
}

/* ---- the command ---- */

/* What says which calls are listed says nothing of one that is named. */
static bool fits_one(const cli_args *args) {
    if (!*args->rest[0]) {
        cli_complain("calls: ID is empty; a call's request_id is needed");
        return false;
    }
    for (size_t i = OPT_PARAMETERS; i < ARRAY_LEN(options); i++) {
        if (!args->values[i]) continue;
        cli_complain("calls: --%s is for a list of calls: give it, or an id", options[i].name);
        return false;
    }
    return true;
}

/* What ends a list: those that come have no end. */
static bool fits_following(const cli_args *args) {
    static const char *const ends[] = {"to", "limit", "cursor"};
    for (size_t i = OPT_PARAMETERS; i < ARRAY_LEN(options); i++)
        for (size_t k = 0; args->values[i] && k < ARRAY_LEN(ends); k++) {
            if (strcmp(options[i].name, ends[k]) != 0) continue;
            cli_complain("calls: --follow and --%s exclude each other; give one of them", ends[k]);
            return false;
        }
    return true;
}

static bool check(const cli_args *args) {
    if (args->values[OPT_FOLLOW] && args->rest_count) {
        cli_complain("a call that has ended cannot be followed: give --follow or an id");
        return false;
    }
    if (args->values[OPT_FOLLOW]) return fits_following(args);
    return !args->rest_count || fits_one(args);
}

static const char *limit_of(const cli_args *args) {
    for (size_t i = OPT_PARAMETERS; i < ARRAY_LEN(options); i++)
        if (strcmp(options[i].name, "limit") == 0) return args->values[i];
    return NULL;
}

static int run(const cli_args *args) {
    view v = {.form = args->values[RECORDS_JSON]  ? FORM_JSON
                      : args->values[RECORDS_CSV] ? FORM_CSV
                                                  : FORM_TABLE,
              .colour = terminal_has_colour(STDOUT_FILENO),
              .limit = limit_of(args)};
    if (!check(args)) return CLI_USAGE;
    int status = records_open(&v.records, QUERY_CALLS, args, OPT_PARAMETERS);
    if (status == CLI_OK) {
        bool good = args->values[OPT_FOLLOW] ? follow(&v)
                    : args->rest_count       ? show_one(&v, args->rest[0])
                                             : show_list(&v);
        status = good ? CLI_OK : CLI_FAILED;
    }
    records_close(&v.records);
    return status;
}

const cli_command cli_calls = {
    .name = "calls",
    .summary = "List recorded calls, or tell the story of one",
    .operands = {.usage = "[ID]", .kind = CLI_TEXT, .min = 0, .max = 1},
    .example = "  weir calls --from 1h --outcome failed",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .run = run,
};
