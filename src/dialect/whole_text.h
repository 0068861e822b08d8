/* dialect/whole_text.h: whether a text that grows is one whole JSON value by now.
 *
 * Pure. Zeroed, it belongs to an empty text. No byte of the text is looked at twice, however often
 * it is asked: of an object, an array or a string, brackets and quotes alone say where it ends,
 * and it need not be sound otherwise. What has neither, such as null, is whole if it is sound, and
 * not when it is longer than anybody writes.
 */
#ifndef WEIR_DIALECT_WHOLE_TEXT_H
#define WEIR_DIALECT_WHOLE_TEXT_H

#include "base/span.h"

typedef struct whole_text {
    size_t seen;  /* bytes */
    size_t depth; /* brackets that are open */
    bool begun;
    bool bare;      /* begun with neither bracket nor quote */
    bool in_string; /* of the value's */
    bool escaped;   /* the string's next character is */
    bool more;      /* something stands behind the value */
} whole_text;

/* text: as it stands between the quotes of a JSON string. It is the one of the last time, with
 * more behind it or not; no escape is cut. */
MUST_USE bool whole_text_is(whole_text *t, span text);

#endif
