#include "ledger/sql.h"

void sql_take_back(sql *db) {
    buf why = db->why;
    db->why = (buf)BUF_EMPTY;
    (void)db->driver->run(db, "ROLLBACK", NULL, 0, NULL, NULL);
    buf_done(&db->why);
    db->why = why;
}
