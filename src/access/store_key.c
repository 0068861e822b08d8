/* What the API and the command line tell of a key. */
#include "access/key_store.h"
#include "base/clock.h"
#include "json/json.h"

const char *store_key_status(const store_key *row, int64_t now_us) {
    if (row->revoked_us) return "revoked";
    return row->expires_us && now_us >= row->expires_us ? "expired" : "active";
}

static void put_instant(json_writer *w, const char *name, int64_t at_us) {
    char text[CLOCK_RFC3339_LEN + 1];
    json_key(w, name);
    if (!at_us) {
        json_put_null(w);
        return;
    }
    clock_rfc3339(at_us, text);
    json_put_string(w, span_cstr(text));
}

static void put_options(json_writer *w, span options) {
    json_value root;
    json_fault fault;
    json_member m;
    if (!json_scan(options, NULL, &root, &fault) || root.type != JSON_OBJECT) return;
    for (json_iter it = json_iter_of(root); json_next_member(&it, &m);) {
        const span parts[] = {SPAN(","), json_member_name(&m).raw, SPAN(":"), m.value.raw};
        for (size_t i = 0; i < ARRAY_LEN(parts); i++)
            buf_add(w->out, parts[i]);
    }
}

void store_key_write(const store_key *row, const char *text, int64_t now_us, buf *out) {
    json_writer w = json_writer_of(out);
    json_open_object(&w);
    json_key(&w, "id");
    json_put_string(&w, row->id);
    json_key(&w, "object");
    json_put_string(&w, SPAN_OF("key"));
    json_key(&w, "name");
    json_put_string(&w, row->name);
    if (text) {
        json_key(&w, "key");
        json_put_string(&w, span_cstr(text));
    }
    json_key(&w, "hint");
    json_put_string(&w, row->hint);
    json_key(&w, "status");
    json_put_string(&w, span_cstr(store_key_status(row, now_us)));
    put_instant(&w, "created", row->created_us);
    put_instant(&w, "expires", row->expires_us);
    put_instant(&w, "rotated", row->rotated_us);
    put_instant(&w, "revoked", row->revoked_us);
    put_options(&w, row->options);
    json_close_object(&w);
}
