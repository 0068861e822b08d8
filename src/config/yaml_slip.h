/* config/yaml_slip.h: what a person meant where YAML stumbles: a * or a ${NAME} that wants quotes.
 * Pure; any thread.
 */
#ifndef WEIR_CONFIG_YAML_SLIP_H
#define WEIR_CONFIG_YAML_SLIP_H

#include "base/span.h"

typedef struct yaml_slip {
    unsigned line, column; /* of the sign that wants quotes */
    const char *text;      /* for people; constant */
} yaml_slip;

/* line and column, from 1, are where YAML stumbled: at the sign, or one behind. false: it is no
 * slip that is known here. */
bool slip_find(span source, unsigned line, unsigned column, yaml_slip *ret);

#endif
