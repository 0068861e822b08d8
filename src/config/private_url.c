/* URLs that nothing is ever sent to: addresses of this machine or of a private network, which are
 * refused where they are not allowed. */
#include "config/address.h"
#include "config/reader.h"

#include "base/public_address.h"

static bool is_private(const config_tool_url *url) {
    ip_address ip;
    if (!url->text.len || url->unix_path.len) return false;
    return address_is_loopback(url->host) || (ip_parse(url->host, &ip) && !ip_is_public(&ip));
}

void private_url_warn(reader *r, span name, const yaml_node *node, const config_tool_url *url,
                      bool allowed) {
    const bool hidden = r->hidden;
    if (allowed || !is_private(url)) return;
    r->hidden = true;
    reader_warning(
        r, node,
        "%.*s is an address of this machine or of a private network, which weir does not "
        "connect to: nothing is sent there without allow_private: true",
        SPAN_ARG(name));
    r->hidden = hidden;
}
