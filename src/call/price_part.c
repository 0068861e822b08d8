#include "call/price_part.h"

static void *make_prices(const config *c, buf *ret_why) {
    (void)ret_why;
    return prices_new(c);
}

static void free_prices(void *made, const config *c) {
    (void)c;
    prices_free(made);
}

const snapshot_part price_part = {"prices", make_prices, free_prices};

const prices *snapshot_prices(const snapshot *s) {
    return snapshot_made(s, &price_part);
}
