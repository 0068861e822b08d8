/* http/head_parse.h: from the bytes of a complete head to an http_head. llhttp does the parsing;
 * the rules that keep two readers from understanding a message differently are applied here.
 *
 * Pure. The bytes must have passed head_scan_run(): every line ends in CRLF, no control bytes.
 */
#ifndef WEIR_HTTP_HEAD_PARSE_H
#define WEIR_HTTP_HEAD_PARSE_H

#include "http/codec.h"

/* The room a head is parsed into; fields has one entry for each header line. */
typedef struct http_parsed {
    unsigned room; /* entries allocated */
    http_head head;
    http_header fields[];
} http_parsed;

typedef struct http_parse_input {
    span bytes;       /* the head with its blank line; the result's spans point into it */
    unsigned fields;  /* header lines in it */
    size_t url_bytes; /* the longest request-target */
    bool no_body;     /* an answer to HEAD */
} http_parse_input;

typedef struct http_parse_error {
    error_id id;
    const char *why; /* constant */
} http_parse_error;

/* ret->room must be at least in->fields. false: *ret_error. */
MUST_USE bool http_parse_request(const http_parse_input *in, http_parsed *ret,
                                 http_parse_error *ret_error);
MUST_USE bool http_parse_answer(const http_parse_input *in, http_parsed *ret,
                                http_parse_error *ret_error);
/* The request-target of a head that may be incomplete; empty when it has not begun. */
span http_parse_partial_target(span bytes);

#endif
