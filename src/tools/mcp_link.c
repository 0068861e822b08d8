#include "tools/mcp_link.h"

void mcp_link_init(mcp_link *l, const mcp_link_kind *kind, mcp_env *e, const mcp_place *p,
                   const mcp_link_ops *ops, void *user) {
    *l = (mcp_link){kind, e, p, ops, user};
    e->links++;
}

void mcp_link_gone(mcp_env *e) {
    if (--e->links == 0 && e->on_idle) e->on_idle(e);
}
