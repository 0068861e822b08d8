/* call/named_targets.h: the states of the targets that a configuration names (call/target.h), held
 * for as long as it is in force, so that no client's words can push them out.
 *
 * A configuration names a target where it says the provider and the model: in a target's own words,
 * or by a model's entry that is no pattern.
 */
#ifndef WEIR_CALL_NAMED_TARGETS_H
#define WEIR_CALL_NAMED_TARGETS_H

#include "call/target.h"

typedef struct named_targets {
    target_state **states; /* of all targets of all models, in their order; NULL: it is a pattern's,
                              and has no model of its own */
    size_t *first;         /* of each model: where its targets begin */
    size_t count;
} named_targets;

void named_targets_init(named_targets *n, const config *c, target_table *t);
void named_targets_done(named_targets *n);
/* Those of a model, in the order of its targets. model is one of c. */
target_state *const *named_targets_of(const named_targets *n, const config *c,
                                      const config_model *model);

#endif
