/* output: how much of an answer a client gets. */
#include "config/config.h"

bool config_answer_limited(const config_answer_limit *a) {
    return a->characters || a->tokens;
}

COLD static void add(const char *name, int64_t value, buf *out) {
    if (!value) return;
    if (out->ptr[out->len - 1] != '{') buf_add_cstr(out, ", ");
    buf_addf(out, "%s: %lld", name, (long long)value);
}

void config_answer_write(const config_answer_limit *a, buf *out) {
    buf_add_char(out, '{');
    add("characters", a->characters, out);
    add("tokens", a->tokens, out);
    buf_add_char(out, '}');
}

static int64_t smaller(int64_t a, int64_t b) {
    return !a || (b && b < a) ? b : a;
}

config_answer_limit config_answer_of(const config *c, const config_model *m,
                                     const config_client *who) {
    config_answer_limit a = c->answer;
    if (m) a.characters = smaller(a.characters, m->answer.characters);
    if (m) a.tokens = smaller(a.tokens, m->answer.tokens);
    if (who) a.characters = smaller(a.characters, who->answer.characters);
    if (who) a.tokens = smaller(a.tokens, who->answer.tokens);
    return a;
}
