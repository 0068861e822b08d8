/* What a call asks the snapshot. */
#include "base/hash.h"
#include "config/config.h"
#include "config/model_index.h"

const config_model *config_find_model(const config *c, span name) {
    return c->model_index ? model_index_find(c->model_index, name) : NULL;
}

/* Every entry is looked at and compared whole: the time says neither which key matched nor how
 * much of one. */
const config_client *config_find_client(const config *c, const unsigned char hash[SHA256_LEN]) {
    span wanted = span_from((const char *)hash, SHA256_LEN);
    size_t found = 0; /* index + 1 */
    for (size_t i = 0; i < c->client_count; i++) {
        const config_client *client = &c->clients[i];
        for (size_t k = 0; k < client->key_count; k++) {
            span own = span_from((const char *)client->keys[k], SHA256_LEN);
            size_t same = span_eq_secret(wanted, own);
            found |= (i + 1) & (0 - same);
        }
    }
    return found ? &c->clients[found - 1] : NULL;
}

bool config_takes_store_keys(const config *c) {
    return c->keys == KEYS_ON || (c->keys == KEYS_AUTO && c->store_has_keys &&
                                  atomic_load_explicit(c->store_has_keys, memory_order_relaxed));
}

bool config_has_unlisted(const config *c) {
    return c->jwt.on || config_takes_store_keys(c);
}

bool config_asks_keys(const config *c) {
    return c->client_count || config_has_unlisted(c);
}

bool config_has_several(const config *c) {
    return c->client_count > 1 || config_has_unlisted(c);
}

size_t config_find_admin(const config *c, const unsigned char hash[SHA256_LEN]) {
    span wanted = span_from((const char *)hash, SHA256_LEN);
    size_t found = 0;
    for (size_t i = 0; i < c->admin.key_count; i++)
        if (span_eq_secret(wanted, span_from((const char *)c->admin.keys[i], SHA256_LEN)))
            found = i + 1;
    return found;
}

uint64_t config_share(const config *c, uint64_t bound) {
    bool nobodys = !config_asks_keys(c) && c->server.open;
    bool alone = !config_has_several(c) && !nobodys;
    if (alone) return bound;
    uint64_t share = (uint64_t)((double)bound * c->limits.client_share);
    return share ? share : 1;
}
