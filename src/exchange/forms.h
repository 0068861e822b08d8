/* exchange/forms.h: what a form is: how a door's clients ask, and the last filter, which answers
 * them. A new one is a file and a constant, named by the door's table of routes.
 */
#ifndef WEIR_EXCHANGE_FORMS_H
#define WEIR_EXCHANGE_FORMS_H

#include "exchange/plan.h"

struct exchange_form {
    const char *label;  /* of records; NULL: the endpoint's name */
    stage_fn *parse;    /* reads the request's body into x->facts */
    filter_add_fn *add; /* puts the last filter up */
    bool runs;          /* its exchanges do (exchange/internal.h) */
};

#endif
