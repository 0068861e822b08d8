/* gateway/cache_page.h: what an admin sees of the cache, and takes out of it: /admin/v1/cache. */
#ifndef WEIR_GATEWAY_CACHE_PAGE_H
#define WEIR_GATEWAY_CACHE_PAGE_H

#include "cache/store.h"
#include "gateway/request.h"

extern const request_ops page_cache;

/* {"model", "client", "older"}, each of them or none; an empty body: everything. Texts are in the
 * arena. false: *ret_why says what is wrong, *ret_param with which member. */
MUST_USE bool cache_purge_read(span body, arena *a, cache_purge *ret, span *ret_param,
                               buf *ret_why);

#endif
