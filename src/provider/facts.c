#include "provider/provider.h"

const request_outline *request_outline_of(request_facts *facts, arena *a) {
    return outline_ask(&facts->outline, endpoint_get(facts->endpoint)->dialect, facts->root, a);
}
