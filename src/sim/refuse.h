/* sim/refuse.h: how the simulator's plan words what it answers at once. For the files of sim/
 * alone.
 */
#ifndef WEIR_SIM_REFUSE_H
#define WEIR_SIM_REFUSE_H

#include "sim/plan.h"

void sim_plan_header(sim_plan *p, span name, span value);
/* x-request-id and the headers of every answer of OpenAI's. tokens: what this call used. */
void sim_plan_headers(sim_plan *p, const sim_request *r, size_t tokens, bool limited);

/* An error in OpenAI's shape. code and param may be NULL; the message is text for people. */
void sim_plan_error(sim_plan *p, int status, const char *type, const char *code, const char *param,
                    span message);
/* The refusal that the wish describes. */
void sim_plan_refuse(sim_plan *p);

/* ---- The plain endpoints (sim/lists.c). Each sets body, or an error. ---- */
void sim_embeddings(sim_plan *p, const sim_body *b, size_t *ret_tokens);
void sim_moderations(sim_plan *p, const sim_body *b);
/* id empty: the list. */
void sim_models(sim_plan *p, span id);

#endif
