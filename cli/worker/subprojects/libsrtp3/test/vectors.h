/*
 * One packet of each kind for each suite: master key and salt, plain RTP, SRTP, plain RTCP, SRTCP (index 1). The first two suites' are
 * libsrtp's own; all are computed anew, from the RFCs and by other code, in ../../../srtp-reference.test.ts, which also reads this file.
 */
struct vector
{
  const char *suite;
  srtp_profile_t profile;
  const char *key;
  const char *salt;
  const char *rtp;
  const char *srtp;
  const char *rtcp;
  const char *srtcp;
};

static const struct vector vectors[] = {
  {
    "AES_CM_128_HMAC_SHA1_80",
    srtp_profile_aes128_cm_sha1_80,
    "e1f97a0d3e018be0d64fa32c06de4139",
    "0ec675ad498afeebb6960b3aabe6",
    "800f1234decafbadcafebabeabababababababababababababababab",
    "800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb",
    "81c8000bcafebabeabababababababababababababababab",
    "81c8000bcafebabe7128035be487b9bdbef89041f977a5a880000001993e08cd54d6c1230798",
  },
  {
    "AEAD_AES_128_GCM",
    srtp_profile_aead_aes_128_gcm,
    "000102030405060708090a0b0c0d0e0f",
    "a0a1a2a3a4a5a6a7a8a9aaab",
    "800f1234decafbadcafebabeabababababababababababababababab",
    "800f1234decafbadcafebabec5002ede04cfdd2eb91159e0880aa06ed2976826f796b201df3131a127e8a392",
    "81c8000bcafebabeabababababababababababababababab",
    "81c8000bcafebabec98b8b5df0392a55852b6c21ac8e7025c52c6fbea2b3b446ea31123ba88ce61e80000001",
  },
  {
    "AEAD_AES_256_GCM",
    srtp_profile_aead_aes_256_gcm,
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
    "a0a1a2a3a4a5a6a7a8a9aaab",
    "800f1234decafbadcafebabeabababababababababababababababab",
    "800f1234decafbadcafebabe0af7f21e8a90bdad7a425c9c31ed4bb1d90238917e7390a2793500e1681acaea",
    "81c8000bcafebabeabababababababababababababababab",
    "81c8000bcafebabe8abfafa780070a90e80f9161cf4aac081ed93aaa53c15b0f3ed1a3b984167b0380000001",
  },
};
