/* guard/unit.h: a text as it is looked at: escapes undone, what nobody sees left out, what looks
 * like a letter or a digit of ASCII put straight.
 *
 * What stands at a place depends on the bytes from there on alone. Pure; any thread.
 *
 * Sources  RFC 8259; Unicode 15.1: DerivedCoreProperties.txt (Default_Ignorable_Code_Point),
 *          confusables.txt of UTS #39 for which letters look alike (guard/lookalikes.def).
 */
#ifndef WEIR_GUARD_UNIT_H
#define WEIR_GUARD_UNIT_H

#include "base/span.h"

/* What nobody sees, by what it is for. */
typedef enum guard_mark {
    MARK_NONE,
    MARK_INVISIBLE, /* of no width */
    MARK_BIDI,      /* turns the order of what is shown */
    MARK_TAG,       /* says letters that are not shown */
} guard_mark;

typedef struct guard_unit {
    size_t len;             /* bytes of the text */
    unsigned count;         /* bytes that it is looked at as; 0: it is left out */
    unsigned char bytes[4]; /* those */
    bool same;              /* they are those of the text */
    bool cut;               /* the text ends within it */
    guard_mark mark;
} guard_unit;

/* at < text.len. json: documents whose escapes are undone. last: nothing follows the text, so
 * nothing is cut. What is no escape, or no UTF-8, stands for itself. */
guard_unit guard_unit_at(span text, size_t at, unsigned json, bool last);

/* How many bytes from `at` on stand for themselves, each by itself. */
size_t guard_plain_run(span text, size_t at, unsigned json);

#endif
