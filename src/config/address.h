/* config/address.h: addresses to listen on. */
#ifndef WEIR_CONFIG_ADDRESS_H
#define WEIR_CONFIG_ADDRESS_H

#include "config/config.h"

/* "127.0.0.1:8080", "[::1]:0", "localhost:80", "unix:/run/weir.sock". Fills text, host, port,
 * unix_path and loopback. Returns NULL, or what is wrong as a constant text. */
MUST_USE const char *address_parse(span text, arena *a, config_listener *ret);

/* true when only this machine reaches the host: 127.0.0.0/8, ::1, localhost. */
bool address_is_loopback(span host);

#endif
