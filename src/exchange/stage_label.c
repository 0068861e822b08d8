/* label: for whom is it, and what is it marked with? A step has its parent's labels. */
#include "exchange/internal.h"

#include "exchange/tags.h"

/* Of the token that its client has, or of a proxy that knows its users, which goes before what a
 * body says. No text: nobody. */
static span named_user(const exchange *x) {
    if (x->caller.key && x->caller.key->user.len)
        return span_clip(x->caller.key->user, RECORD_USER_MAX);
    span name = exchange_config(x)->ledger.user_header;
    span user = name.len ? http_header_get(x->request->headers, name) : SPAN_EMPTY;
    return span_is_utf8(user) ? span_clip(user, RECORD_USER_MAX) : SPAN_EMPTY;
}

stage_result stage_label(exchange *x) {
    call_record *r = &x->record;
    if (x->parent) {
        r->user = x->parent->record.user;
        r->tags = x->parent->record.tags;
        return STAGE_NEXT;
    }
    span why;
    const config_client *c = x->client;
    if (!tags_read_with(c ? c->tags : NULL, c ? c->tag_count : 0, x->request->headers, &x->arena,
                        &r->tags, &why))
        return exchange_refuse(x, ERR_BAD_VALUE, TAG_HEADER, "%.*s", SPAN_ARG(why));
    span user = named_user(x);
    if (user.len) r->user = arena_dup(&x->arena, user);
    return STAGE_NEXT;
}
