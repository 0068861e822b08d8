/* base/cond.h: a wait for what other threads do that ends in time.
 *
 * The usual timed wait goes by the time of day unless the condition was made otherwise: where
 * somebody puts that back by an hour, who waits four seconds waits an hour. Here the clock is the
 * one that nobody sets, whatever way the condition was made.
 */
#ifndef WEIR_BASE_COND_H
#define WEIR_BASE_COND_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* With the lock held, which is given up meanwhile: until c is signalled, until that instant
 * (clock_mono_ms()) at the latest. false: it has come. true says nothing of what is waited for, as
 * with pthread_cond_wait(): look again. */
bool cond_wait_until(pthread_cond_t *c, pthread_mutex_t *lock, int64_t until_ms);

#endif
