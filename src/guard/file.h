/* guard/file.h: rules in a file, written as those in data/guard/ are: a list of mappings. */
#ifndef WEIR_GUARD_FILE_H
#define WEIR_GUARD_FILE_H

#include "config/config.h"
#include "guard/guard.h"

typedef struct guard_file {
    guard_rule_text *rules;
    unsigned *lines; /* of each: where it begins */
    size_t count;
} guard_file;

/* source is YAML, name what to call it in problems. Everything lives in the arena. false: what is
 * wrong has been added to problems, which were initialised; whether a rule's members fit each other
 * is for guard_set_new() to say. */
MUST_USE bool guard_file_read(span source, span name, arena *a, guard_file *ret,
                              config_problems *problems);

#endif
