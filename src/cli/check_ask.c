#include "cli/check_ask.h"

#include "cli/ask_provider.h"
#include "cli/cli.h"
#include "gateway/model_list.h"

typedef struct asking {
    const config *config;
    const config_provider *provider;
    model_list list; /* of the first key that was accepted */
    bool listed;
    bool ok;
    buf out;
} asking;

/* ---- one key ---- */

static void add_word(buf *out, span what) {
    size_t from = out->len;
    buf_add_excerpt(out, what, 200);
    cli_disarm(out->ptr + from, out->len - from);
}

/* The provider's own name for why, of {"error":{"code":…}}. */
static span code_of(span body, arena *a) {
    json_value root;
    json_fault fault;
    if (!json_scan(body, NULL, &root, &fault)) return SPAN_EMPTY;
    json_value code = json_get(json_get(root, SPAN_OF("error")), SPAN_OF("code"));
    return code.type == JSON_STRING ? json_string(code, a) : SPAN_EMPTY;
}

static void add_refusal(asking *k, const fetched *f) {
    arena a;
    arena_init(&a, 0);
    const config_provider *p = k->provider;
    secret_set *secrets = secret_set_new(p->keys, p->key_count);
    span code = secret_set_without(secrets, code_of(buf_span(&f->body), &a), &a);
    buf_addf(&k->out, " (status %d", f->status);
    if (code.len) buf_add_char(&k->out, ' ');
    add_word(&k->out, code);
    buf_add_char(&k->out, ')');
    secret_set_unref(secrets);
    arena_done(&a);
}

/* Of a list that is not there nothing can be said: some servers have none. */
static void take_list(asking *k, const fetched *f) {
    model_list list;
    if (!model_list_read(buf_span(&f->body), NULL, &list)) {
        buf_add_cstr(&k->out, "answered, but with no list of models");
        return;
    }
    buf_addf(&k->out, "accepted, %zu model%s", list.count, list.count == 1 ? "" : "s");
    if (k->listed) {
        model_list_done(&list);
        return;
    }
    k->list = list;
    k->listed = true;
}

static void add_outcome(asking *k, const fetched *f) {
    if (f->status == 200) {
        take_list(k, f);
    } else if (f->status == 401 || f->status == 402 || f->status == 403) {
        k->ok = false;
        buf_add_cstr(&k->out, "refused");
        add_refusal(k, f);
    } else if (f->status == 404 || f->status == 405) {
        buf_add_cstr(&k->out, "answered, but does not list its models");
        add_refusal(k, f);
    } else if (f->status) {
        k->ok = false;
        buf_add_cstr(&k->out, "failed");
        add_refusal(k, f);
    } else {
        k->ok = false;
        buf_add_cstr(&k->out, "not reached: ");
        add_word(&k->out, buf_span(&f->why));
    }
    if (f->status) buf_addf(&k->out, ", %lld ms", (long long)f->ms);
    buf_add_char(&k->out, '\n');
}

static void ask_key(asking *k, size_t key) {
    const config_provider *p = k->provider;
    fetched f;
    bool sent = p->auth != AUTH_NONE && p->key_count;
    buf_addf(&k->out, "%.*s, ", SPAN_ARG(p->name));
    if (sent)
        buf_addf(&k->out, "key %zu: ", key + 1);
    else
        buf_add_cstr(&k->out, "no key: ");
    ask_provider_models(p, key, &f);
    add_outcome(k, &f);
    fetched_done(&f);
}

/* ---- one provider ---- */

/* Each model once that the configuration names there. */
static bool is_first(const asking *k, const config_target *t) {
    for (size_t i = 0; i < k->config->model_count; i++)
        for (size_t j = 0; j < k->config->models[i].target_count; j++) {
            const config_target *other = &k->config->models[i].targets[j];
            if (other == t) return true;
            if (span_eq(other->name, t->name)) return false;
        }
    return true;
}

static void look_for(asking *k, const config_target *t) {
    if (t->provider != k->provider || !t->model.len || !is_first(k, t)) return;
    bool there = model_list_find(&k->list, t->model);
    buf_addf(&k->out, "%.*s: %s\n", SPAN_ARG(t->name), there ? "listed" : "not listed");
}

static void look_for_models(asking *k) {
    for (size_t i = 0; i < k->config->model_count; i++)
        for (size_t j = 0; j < k->config->models[i].target_count; j++)
            look_for(k, &k->config->models[i].targets[j]);
}

static bool tell(asking *k) {
    bool ok = cli_print(&k->out);
    buf_clear(&k->out);
    return ok;
}

static bool ask_provider(asking *k, const config_provider *p) {
    bool ok = true;
    k->provider = p;
    k->listed = false;
    for (size_t i = 0; ok && i < ask_provider_keys(p); i++) {
        ask_key(k, i);
        ok = tell(k);
    }
    if (k->listed) {
        look_for_models(k);
        model_list_done(&k->list);
        ok = tell(k) && ok;
    }
    return ok;
}

bool check_ask(const config *c) {
    asking k = {.config = c, .ok = true};
    for (size_t i = 0; i < c->provider_count; i++)
        k.ok = ask_provider(&k, &c->providers[i]) && k.ok;
    buf_done(&k.out);
    return k.ok;
}
