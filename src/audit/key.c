#include "audit/key.h"

#include "base/mem.h"

void audit_key_for(const secret *key, span purpose, unsigned char ret[SHA256_LEN]) {
    unsigned char of_key[HMAC_SECRET_LEN];
    sha256(secret_reveal(key), of_key);
    hmac_sha256(of_key, purpose, ret);
    mem_wipe(of_key, sizeof of_key);
}

void audit_key_id(const secret *key, char ret[AUDIT_KEY_ID_LEN + 1]) {
    unsigned char made[SHA256_LEN];
    audit_key_for(key, SPAN_OF("weir audit key id"), made);
    hex_encode(made, AUDIT_KEY_ID_LEN / 2, ret);
}
