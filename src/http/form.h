/* http/form.h: fields of a form that is a request's body, multipart/form-data and the like, or
 * application/x-www-form-urlencoded. Pure.
 *
 * Readers of forms forgive different things: what is one field to this one is none, or another, to
 * that one. Here a form is read only where all of them find the same in it, of the fields that are
 * asked for; of other fields it does not matter what they hold.
 *
 * Any thread. Texts are in the arena or borrow the body.
 * Source   RFC 7578; RFC 2046 section 5.1; RFC 9110 section 5.6.6 (parameters); the URL standard of
 *          WHATWG, section 5; werkzeug, python-multipart, busboy, formidable, multer and Go's
 *          mime/multipart for what they forgive.
 */
#ifndef WEIR_HTTP_FORM_H
#define WEIR_HTTP_FORM_H

#include "base/arena.h"
#include "base/buf.h"

typedef enum http_form_kind {
    HTTP_FORM_NONE,
    HTTP_FORM_PARTS, /* multipart/form-data, and whatever else is multipart */
    HTTP_FORM_PAIRS, /* application/x-www-form-urlencoded */
} http_form_kind;

typedef struct http_form {
    http_form_kind kind;
    size_t begins;  /* where in the body a further field can be put */
    span delimiter; /* of parts: "--" and the boundary */
} http_form;

typedef struct http_form_field {
    span raw;  /* its value as it stands in the body; ptr NULL: there is no such field */
    span text; /* what that stands for: UTF-8 without control characters */
} http_form_field;

typedef struct http_form_fault {
    const char *what; /* constant text: "a part has two names" */
    size_t offset;    /* byte of the body; 0: of its Content-Type, too */
} http_form_fault;

/* What somebody may read a body as, by its Content-Type alone. */
http_form_kind http_form_kind_of(span type);

/* Finds the fields of these names, ret_fields[i] that of names[i]. The body is not empty, and the
 * type not of HTTP_FORM_NONE. false: some reader may find other fields of these names, or the body
 * is no such form; *ret_fault says why. */
MUST_USE bool http_form_read(span type, span body, const span *names, size_t count, arena *a,
                             http_form *ret, http_form_field *ret_fields,
                             http_form_fault *ret_fault);

/* Whether a text can be the value of a field there. */
bool http_form_takes(const http_form *f, span text);
/* Appends a value as it is to stand in the form: one that http_form_takes(). */
void http_form_put_value(const http_form *f, span text, buf *out);
/* Appends a field as it is to be put where the form begins. */
void http_form_put_field(const http_form *f, span name, span text, buf *out);

#endif
