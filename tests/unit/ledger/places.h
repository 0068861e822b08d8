/* An empty place for a store, of a test's own: a file in a folder, or a schema of a server that is
 * there for all tests of a program (PostgreSQL's, where it is installed).
 */
#ifndef WEIR_UNIT_LEDGER_PLACES_H
#define WEIR_UNIT_LEDGER_PLACES_H

#include "ledger/cluster.h"
#include "ledger/folder.h"
#include "ledger/place.h"
#include "ledger/sql.h"

typedef struct own_place {
    folder folder;
    buf name;
    store_place place;
} own_place;

static inline void place_run(const own_place *p, const char *text) {
    buf why = BUF_EMPTY;
    bool never;
    sql *db = p->place.driver->open(p->place.where.ptr, SQL_WRITES, false, &why, &never);
    if (!db || !db->driver->run(db, text, NULL, 0, NULL, NULL))
        fail_msg("%s", buf_cstr(db ? &db->why : &why));
    db->driver->close(db);
    buf_done(&why);
}

static inline void place_in_folder(own_place *p) {
    *p = (own_place){0};
    folder_make(&p->folder);
    buf_addf(&p->name, "sqlite:%s/ledger.db", p->folder.path);
    p->place = store_place_of(&p->name);
}

static cluster place_server;

static inline void place_at_server(own_place *p) {
    static unsigned schemas;
    char text[64];
    *p = (own_place){0};
    folder_make(&p->folder);
    snprintf(text, sizeof text, "CREATE SCHEMA w%u", ++schemas);
    buf_addf(&p->name, "postgres://weir@/postgres?host=%s&options=-csearch_path%%3Dw%u",
             place_server.folder, schemas);
    p->place = store_place_of(&p->name);
    place_run(p, text);
}

static inline void place_done(own_place *p) {
    buf_done(&p->name);
    folder_remove(&p->folder);
}

/* Of a group of tests. */
static inline int place_start_server(void **state) {
    (void)state;
    return cluster_make_or_skip(&place_server);
}

static inline int place_end_server(void **state) {
    (void)state;
    cluster_remove(&place_server);
    return 0;
}

#endif
