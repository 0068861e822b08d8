/* exchange/parse_form.h: parse, of a form on a path that is passed through: what weir acts on is
 * read in it as in JSON. One that readers may read differently goes on as the bytes that it is,
 * unless somebody would have been asked about its model. */
#ifndef WEIR_EXCHANGE_PARSE_FORM_H
#define WEIR_EXCHANGE_PARSE_FORM_H

#include "exchange/internal.h"

/* Reads the body into x->facts where its Content-Type says a form; the model is not looked at yet.
 * is_json: whoever passes over that type reads JSON, of which weir reads the same. */
stage_result parse_form(exchange *x, span type, span body, bool is_json);

#endif
