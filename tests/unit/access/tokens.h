/* Keys and tokens for the tests of access/jwt.h, made by PyJWT 2.15.1 from keys that were thrown
 * away: iss "i", aud ["x", "a"], nbf 1000000000, exp 2000000000, sub "s". */
static const char key_set[] =
    "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"1YWIZXsgTBaKIk38xFdg0hh1w_Wc7U2Eb2u__kBnSwRntMcPAL"
    "haMP0BI1561Cr1ctoaQcoOFibLALshzANk3SMmzUDBJsB8yzJFmycMAchkIdwc84EaDCrC3-T3gHYIFOWHUYZW"
    "CkMBC9KC_S9L-kM2C3h9u92TqGaaJij5lYh44nBvXrZabDi0yuScdzbXqZ3mxAZ-9CMLWKthbfnfaS6dYHxyos"
    "MiuvXzx5UJXSw0SiHZmZ1W_2qh_ggtYSW7y2YmUapyj6aPloMKEgSu6EqPYHy7dXx1FaVvq85yeUFSXnHwxslI"
    "SwRqVHgGDfiiM3XPFzraJFgXuAhn0uQaRQ\",\"e\":\"AQAB\",\"kid\":\"RS256\"},{\"kty\":\"EC\""
    ",\"crv\":\"P-256\",\"x\":\"W2HhG8q0RtMGRhCYtac67sFCe_cXGW32LSxkvKbUUzw\",\"y\":\"zU8a1"
    "PMj9_w0S-B3yIFEd80kkIn2UwAomAnNIhXoMn0\",\"kid\":\"ES256\"},{\"x\":\"w3v8sxZ3Wov4uKEff"
    "HuL1WnRzWj3He1BvRq5vxKclsE\",\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"EdDSA\"}]}";
static const char small_rsa_set[] =
    "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"0FW6zKr4_Jb_UN3h553tiHkQ3C8oO3ksfIY7DeyQ6irdR-M9hz"
    "APgmR2B7oizUNcpbU8CEfpwa-6hQZM-6I3kN6vW52ptumKbD0yp6udnWHItwvWnNUVpZcjaq0YPQDltUCp_lG7"
    "FZjutLtmvgCtCyRRmMmbCb13Qc74lDlRDac\",\"e\":\"AQAB\"}]}";
static const struct {
    const char *algorithm, *text;
} tokens[] = {
    {"RS256",
     "eyJhbGciOiJSUzI1NiIsImtpZCI6IlJTMjU2IiwidHlwIjoiSldUIn0.eyJpc3MiOiJpIiwiYXVkIjpbIngiLC"
     "JhIl0sImV4cCI6MjAwMDAwMDAwMCwibmJmIjoxMDAwMDAwMDAwLCJzdWIiOiJzIn0.ruX8xH2VGZgv2cHSXZ9b"
     "81Zma5DwAQ3eUHO7BvUVyHuyuQ0l7vsRWA2odxvEPjJRF4tloK4VK6kQnKvYZ8tp0LjwhdLFL_gAacaZpKTF98"
     "oN0ksnG_OTNosgd7ONuRak1_VvZtwKyrD-umKsQ0uSZUkRuClpC_ZHVgQM-7jOPiAu1-wp1kN5nUGhoZesi4Wr"
     "KMquRm8q4Ff_zthr-3ZpRxVgTzL8DSPxL4RfHVkNX4EyL4Ej4S8Dc9_EKtofc9EbVZzdeQ8MO8sYTMwYlZzXH_"
     "P_Nq8mhdi_lKaq8N5RgzSt0iLcFIPtoQis_haCE33RNMjYeJGLKToXfJYmVFsLuA"},
    {"PS256",
     "eyJhbGciOiJQUzI1NiIsImtpZCI6IlJTMjU2IiwidHlwIjoiSldUIn0.eyJpc3MiOiJpIiwiYXVkIjpbIngiLC"
     "JhIl0sImV4cCI6MjAwMDAwMDAwMCwibmJmIjoxMDAwMDAwMDAwLCJzdWIiOiJzIn0.JBnRt1CXifrOXVtyy7nb"
     "llZ5shR-w6SBd0LjzZ-k4rAlE3XtMGsHxd3m-9IbZh_uwWJT9BNX3qQxOZW1ysc-2W0mfwrwXjsoh26FYxMUAX"
     "3NRX5p7sUWMZqLqoHdWqHZ_Vqt4qMMIjM7v3P584RloobSIb71TwEzCwsXixabokl82R0jdLDqlmmKmti2UsCr"
     "LKHvfdcK_vUtoKsG4BAR93CyJ4cZZlYMPfCpAVWTTlUdxnPGt8z92ZQHWuirp0XuV-trWIvlB8ZSpBm7Yqa3s_"
     "lJtsgyvOD3GW09jMr2gQmzEckCvBCRxuUwRUwyNkj0FNxcdIENl1p2Vejo8koASQ"},
    {"ES256",
     "eyJhbGciOiJFUzI1NiIsImtpZCI6IkVTMjU2IiwidHlwIjoiSldUIn0.eyJpc3MiOiJpIiwiYXVkIjpbIngiLC"
     "JhIl0sImV4cCI6MjAwMDAwMDAwMCwibmJmIjoxMDAwMDAwMDAwLCJzdWIiOiJzIn0.heAd7qJCjxodwsoF5QyK"
     "VL1PZW1Oc6hmEI4D4OvUtNz1Wk3Fljf5iJlNo61esNZzygkQvZauSeixZ1_TxAw3uw"},
    {"EdDSA",
     "eyJhbGciOiJFZERTQSIsImtpZCI6IkVkRFNBIiwidHlwIjoiSldUIn0.eyJpc3MiOiJpIiwiYXVkIjpbIngiLC"
     "JhIl0sImV4cCI6MjAwMDAwMDAwMCwibmJmIjoxMDAwMDAwMDAwLCJzdWIiOiJzIn0.hAs0tpYUOQI_vEkssYqm"
     "ltKxFqthsTYbVUMbtX4RgqZcpkxJ2pLVyssGPmTJgFNVSgrbpLbwiq1cXYX5wHEGBw"},
};
