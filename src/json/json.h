/* json/json.h: a strict single-pass JSON scanner that yields byte offsets, never copies.
 *
 * The scanner accepts exactly RFC 8259 in UTF-8, without a byte order mark, and further refuses
 * what two readers could read differently, duplicate member names in one object (compared after
 * unescaping), and documents deeper than the limit. Lone surrogate escapes (\ud800) are
 * grammatical and pass.
 *
 * Any thread. Scanning a usual document allocates nothing; one with large objects takes, for the
 * time of the scan, some 48 bytes a member, which limits may bound. Values point into the caller's
 * document, which must outlive them and not move.
 */
#ifndef WEIR_JSON_JSON_H
#define WEIR_JSON_JSON_H

#include "base/arena.h"
#include "base/buf.h"

typedef enum json_type {
    JSON_NONE, /* no value: a member that is not there */
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
} json_type;

/* A value's own bytes, quotes and brackets included, without surrounding blanks. */
typedef struct json_value {
    json_type type;
    span raw;
} json_value;

typedef struct json_member {
    span key; /* between the quotes, escapes not undone */
    json_value value;
    /* Set by json_scan_object() alone; the counts for the values that are arrays. */
    bool escaped; /* key has an escape */
    size_t elements;
    size_t objects; /* of the elements, from the first on: how many are objects */
} json_member;

typedef struct json_limits {
    unsigned depth; /* deepest nesting of arrays and objects; 0: 128 */
    bool repeats;   /* an object may have several members of one name */
    /* Most members of an object and those around it, each up to the place that was read: they are
     * compared with each other. From 48 on; 0: any number, as wherever they may repeat. */
    unsigned members;
} json_limits;

typedef enum json_fault_kind {
    JSON_OK,
    JSON_SYNTAX,    /* not RFC 8259 */
    JSON_UTF8,      /* a string is not valid UTF-8 */
    JSON_DUPLICATE, /* two members of one object have one name */
    JSON_TOO_DEEP,
    JSON_TOO_MANY, /* members of objects */
    JSON_TRAILING, /* bytes after the value */
} json_fault_kind;

typedef struct json_fault {
    json_fault_kind kind;
    size_t offset;    /* byte of the document */
    const char *what; /* constant text: "expected ',' or '}' after a member" */
} json_fault;

/* Validates the whole document in one pass. On success *ret_root is its value. On failure
 * *ret_fault says what and where, and *ret_root is untouched. limits may be NULL. */
MUST_USE bool json_scan(span doc, const json_limits *limits, json_value *ret_root,
                        json_fault *ret_fault);

/* The same, and the root must be an object whose members (raw offsets, in order) are recorded in
 * members, up to max; *ret_count is how many there are in all (it may exceed max). A root that is
 * no object fails with JSON_SYNTAX and what = "expected an object". */
MUST_USE bool json_scan_object(span doc, const json_limits *limits, json_member *members,
                               size_t max, size_t *ret_count, json_fault *ret_fault);

/* The closing quote of a string whose opening one stands before `from`; NULL: it does not end
 * before `end`, or is none that a document may have. */
MUST_USE const char *json_string_end(const char *from, const char *end);

/* The document without a byte order mark at its beginning, which whoever makes JSON must not put
 * there and whoever reads it may pass over (RFC 8259 section 8.1). The scanner does not. */
span json_behind_mark(span doc);

/* A sentence for people: "expected ',' or '}' after a member, at byte 17 (line 2, column 4)". */
span json_fault_text(arena *a, span doc, const json_fault *fault);

/* ---- Reading values that json_scan() accepted. Feeding unchecked bytes is a defect, though it
 * never reads outside them. ---- */

/* Iterates over the children of an array or object:
 *   json_iter it = json_iter_of(value); while (json_next_member(&it, &m)) … */
typedef struct json_iter {
    span rest;
} json_iter;
json_iter json_iter_of(json_value array_or_object);
bool json_next_member(json_iter *it, json_member *ret);
bool json_next_element(json_iter *it, json_value *ret);
/* Iterates over the strings within a value of any type, at any depth, itself included and names
 * left out:
 *   json_iter it = json_strings_of(value); while (json_next_string(&it, &s)) … */
json_iter json_strings_of(json_value value);
bool json_next_string(json_iter *it, json_value *ret);

/* A cursor reads nested values in one go: it enters a container without having looked for its end,
 * where an iterator has passed over each child before it gives it.
 *   json_cursor c = json_cursor_of(value); while (json_cursor_member(&c, &key)) …
 * Whoever is told of a child takes it, or enters it and asks for its children until there are none:
 * then the cursor stands behind it, and goes on with what follows it. */
typedef struct json_cursor {
    const char *at;
    const char *end;
} json_cursor;
/* Before the first child; without any when value is no container. */
json_cursor json_cursor_of(json_value value);
/* Stops at the next member's value. */
bool json_cursor_member(json_cursor *c, span *ret_key);
/* Stops at the next element. */
bool json_cursor_element(json_cursor *c);
/* The type of the value at hand. */
json_type json_cursor_type(const json_cursor *c);
json_value json_cursor_take(json_cursor *c);
/* The value at hand must be a container. */
void json_cursor_enter(json_cursor *c);

/* The member of that name (compared after unescaping), or a value of type JSON_NONE; also when
 * object is not an object. */
json_value json_get(json_value object, span key);
/* ret[i] is json_get(object, keys[i]), for all of them in one pass. */
void json_get_each(json_value object, const span *keys, size_t count, json_value *ret);
/* The same over members that json_scan_object() recorded. */
json_value json_find(const json_member *members, size_t count, span key);
/* Elements or members. */
size_t json_count(json_value array_or_object);
/* Has none: seen without passing over the first. */
bool json_is_empty(json_value array_or_object);

/* A member's name as a value of its own. */
static inline json_value json_member_name(const json_member *member) {
    return (json_value){JSON_STRING, span_from(member->key.ptr - 1, member->key.len + 2)};
}

/* Undoes escapes. Without any the result borrows the document; else it is in the arena. Lone
 * surrogates become U+FFFD. value must be a string. */
span json_string(json_value value, arena *a);
/* The same in pieces, without memory; a piece lives until the next is asked for:
 *   json_pieces it = json_pieces_of(value); while (json_next_piece(&it, &piece)) … */
typedef struct json_pieces {
    span rest;
    char one[4];
} json_pieces;
json_pieces json_pieces_of(json_value string);
bool json_next_piece(json_pieces *it, span *ret);
/* true when value is a string that equals text after unescaping. Most that are not are too short,
 * as unescaping never lengthens, or begin otherwise: that is seen without a call. */
bool json_is_whole(json_value string, span text);
static inline bool json_is(json_value value, span text) {
    if (value.type != JSON_STRING || value.raw.len < text.len + 2) return false;
    const char first = value.raw.ptr[1];
    if (text.len && first != text.ptr[0] && first != '\\') return false;
    return json_is_whole(value, text);
}
/* Integers: no fraction, no exponent, in range. */
MUST_USE bool json_i64(json_value value, int64_t *ret);
MUST_USE bool json_double(json_value value, double *ret);

/* ---- Splicing: a document with some byte ranges replaced, without re-writing the rest. ----
 *
 * Edits may come in any order; one that stands behind all others so far costs least. Few of them
 * take no memory but the splice itself; their number is not bounded here. */

enum { JSON_EDITS_INLINE = 8 };

typedef struct json_edit {
    size_t from; /* [from, to) of the document is replaced */
    size_t to;
    span by; /* borrowed */
} json_edit;

typedef struct json_splice {
    arena *arena;    /* for what the splice makes; outlives it and its pieces */
    json_edit *many; /* NULL: those in few */
    size_t count;    /* edits are in order of from and do not overlap */
    size_t cap;
    json_edit few[JSON_EDITS_INLINE];
} json_splice;

/* A splice without edits. */
void json_splice_init(json_splice *s, arena *a);
/* Adds an edit. false: from is behind to, or another edit has some of these bytes. Insertions (from
 * is to) at one place stay in the order in which they were added, behind what replaces the bytes
 * before it. */
MUST_USE bool json_splice_add(json_splice *s, size_t from, size_t to, span by);
/* Replaces a value of the document. */
MUST_USE bool json_splice_value(json_splice *s, span doc, json_value value, span by);
/* Adds `,"key":by` before the closing brace of object (or without the comma when it is empty). */
MUST_USE bool json_splice_member(json_splice *s, span doc, json_value object, span key, span by);
/* The pieces of the edited document, none of them empty; in the arena. */
MUST_USE const span *json_splice_pieces(const json_splice *s, span doc, size_t *ret_count);
/* Length of the edited document. */
size_t json_splice_len(const json_splice *s, span doc);

/* ---- Writing ---- */

/* Appends text as a JSON string with quotes. Invalid UTF-8 becomes U+FFFD; '/' is not escaped. What
 * ends a line in Unicode is, so that the string is in one line for whoever reads lines. */
void json_write_string(buf *out, span text);
/* Appends a value that is valid already on one line: its line ends stand between its tokens alone,
 * where a blank does as well. */
void json_write_line(buf *out, span json);

/* A writer that sets the commas, and writes one line, whatever it is given: who frames messages by
 * lines need not look into what others have made. Nesting is the caller's to balance. */
typedef struct json_writer {
    buf *out;
    bool comma;
} json_writer;
static inline json_writer json_writer_of(buf *out) {
    return (json_writer){out, false};
}
void json_open_object(json_writer *w);
void json_close_object(json_writer *w);
void json_open_array(json_writer *w);
void json_close_array(json_writer *w);
void json_key(json_writer *w, const char *key); /* a literal that needs no escapes */
void json_put_string(json_writer *w, span text);
void json_put_i64(json_writer *w, int64_t value);
void json_put_u64(json_writer *w, uint64_t value);
void json_put_double(json_writer *w, double value); /* shortest form; NaN and infinities as null */
void json_put_fixed(json_writer *w, double value, int decimals);
void json_put_bool(json_writer *w, bool value);
void json_put_null(json_writer *w);
void json_put_raw(json_writer *w, span json); /* a value that is valid already */
/* A member's name as another document spells it; its value follows. */
void json_put_name(json_writer *w, json_value name);
void json_put_member(json_writer *w, const json_member *member); /* name and value */

#endif
