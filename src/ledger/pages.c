#include "ledger/pages.h"

#include "ledger/answer.h"

bool page_summary(store *s, const ledger_query *q, buf *out, bool *ret_too_many) {
    ledger_summary found;
    summary_init(&found, q->group);
    json_writer w = json_writer_of(out);
    bool good = store_sums(s, q, &found);
    *ret_too_many = found.more_groups;
    if (good && !found.more_groups) {
        summary_sort(&found);
        answer_summary(&w, &found);
    }
    summary_done(&found);
    return good;
}

typedef struct listing {
    json_writer json;
    buf last; /* its id */
} listing;

static void list_call(void *user, const ledger_call *c) {
    listing *l = user;
    answer_call(&l->json, c);
    buf_clear(&l->last);
    buf_add(&l->last, c->request_id);
}

bool page_calls(store *s, const ledger_query *q, buf *out) {
    listing l = {json_writer_of(out), BUF_EMPTY};
    bool more;
    json_open_object(&l.json);
    json_key(&l.json, "data");
    json_open_array(&l.json);
    bool good = store_calls(s, q, list_call, &l, &more);
    json_close_array(&l.json);
    json_key(&l.json, "next");
    if (good && more)
        json_put_string(&l.json, buf_span(&l.last));
    else
        json_put_null(&l.json);
    json_close_object(&l.json);
    buf_done(&l.last);
    return good;
}

bool page_call(store *s, const ledger_query *q, span id, buf *out, bool *ret_found) {
    listing l = {json_writer_of(out), BUF_EMPTY};
    bool good = store_call(s, id, q->client, list_call, &l, ret_found);
    buf_done(&l.last);
    return good;
}
