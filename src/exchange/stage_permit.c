/* permit: may this client ask that? */
#include "access/permit.h"
#include "exchange/internal.h"

stage_result stage_permit(exchange *x) {
    if (!x->client || x->request->own) return STAGE_NEXT;
    buf why = BUF_EMPTY;
    error_id id = ERR_NONE;
    if (!x->parent) /* else what it is a step of has been permitted */
        id = permit_endpoint(x->client, x->record.endpoint, x->request->path, &why);
    const char *param = NULL;
    if (id == ERR_NONE) {
        id = permit_model(x->client, x->record.model, &why);
        param = "model";
    }
    stage_result result = STAGE_NEXT;
    if (id != ERR_NONE) result = exchange_refuse(x, id, param, "%.*s", SPAN_ARG(buf_span(&why)));
    buf_done(&why);
    return result;
}
