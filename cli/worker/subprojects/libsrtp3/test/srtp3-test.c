/*
 * The test of the shim: known packets, the room it asks for, what it refuses. Run by the build before the worker is used; prints one
 * line a check that failed and ends with 0 only when all held.
 */
#include <srtp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vectors.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ROOM 256

static int failures;
static int checks;
static const char *suite = "";

#define CHECK(condition)                                                            \
  do {                                                                              \
    checks++;                                                                       \
    if (!(condition)) {                                                             \
      failures++;                                                                   \
      printf("srtp3-test:%d: not so for %s: %s\n", __LINE__, suite, #condition);    \
    }                                                                               \
  } while (0)

static size_t from_hex(const char *hex, uint8_t *bytes)
{
  const size_t len = strlen(hex) / 2;
  for (size_t i = 0; i < len; i++) {
    sscanf(hex + 2 * i, "%2hhx", &bytes[i]);
  }
  return len;
}

static srtp_policy_t policy_for(const struct vector *vector, srtp_ssrc_type_t direction)
{
  uint8_t key[ROOM];
  uint8_t salt[ROOM];
  srtp_policy_t policy = NULL;
  const size_t key_len = from_hex(vector->key, key);
  const size_t salt_len = from_hex(vector->salt, salt);
  CHECK(srtp_policy_create(&policy) == srtp_err_status_ok);
  CHECK(srtp_policy_set_ssrc(policy, (srtp_ssrc_t){ .type = direction }) == srtp_err_status_ok);
  CHECK(srtp_policy_set_profile(policy, vector->profile) == srtp_err_status_ok);
  CHECK(srtp_policy_add_key(policy, key, key_len, salt, salt_len, NULL, 0) == srtp_err_status_ok);
  CHECK(srtp_policy_set_allow_repeat_tx(policy, true) == srtp_err_status_ok);
  CHECK(srtp_policy_set_window_size(policy, 1024) == srtp_err_status_ok);
  return policy;
}

static srtp_t session_for(const struct vector *vector, srtp_ssrc_type_t direction)
{
  srtp_t session = NULL;
  srtp_policy_t policy = policy_for(vector, direction);
  CHECK(srtp_create(&session, policy) == srtp_err_status_ok);
  /* The session has to stand without it. */
  srtp_policy_destroy(policy);
  return session;
}

typedef srtp_err_status_t (*protect_fn)(srtp_t, const uint8_t *, size_t, uint8_t *, size_t *, size_t);
typedef srtp_err_status_t (*unprotect_fn)(srtp_t, const uint8_t *, size_t, uint8_t *, size_t *);

static void known_packet(
  const struct vector *vector, protect_fn protect, unprotect_fn unprotect, const char *plain_hex, const char *cipher_hex)
{
  uint8_t plain[ROOM];
  uint8_t cipher[ROOM];
  uint8_t out[ROOM];
  uint8_t untouched[ROOM];
  const size_t plain_len = from_hex(plain_hex, plain);
  const size_t cipher_len = from_hex(cipher_hex, cipher);
  srtp_t sender = session_for(vector, ssrc_any_outbound);
  srtp_t receiver = session_for(vector, ssrc_any_inbound);

  /* One byte too little: refused, nothing written, the length as it was, and the packet may be tried again. */
  memset(out, 0x5a, ROOM);
  memset(untouched, 0x5a, ROOM);
  size_t len = cipher_len - 1;
  CHECK(protect(sender, plain, plain_len, out, &len, 0) == srtp_err_status_buffer_small);
  CHECK(len == cipher_len - 1);
  CHECK(memcmp(out, untouched, ROOM) == 0);
  len = 0;
  CHECK(protect(sender, plain, plain_len, out, &len, 0) == srtp_err_status_buffer_small);

  /* Exactly enough: the known packet, and not a byte beyond it. The input stays as it was. */
  len = cipher_len;
  CHECK(protect(sender, plain, plain_len, out, &len, 0) == srtp_err_status_ok);
  CHECK(len == cipher_len);
  CHECK(memcmp(out, cipher, cipher_len) == 0);
  CHECK(memcmp(out + cipher_len, untouched, ROOM - cipher_len) == 0);
  uint8_t again[ROOM];
  from_hex(plain_hex, again);
  CHECK(memcmp(plain, again, plain_len) == 0);

  /* Too little room to open it, then exactly enough. */
  memset(out, 0x5a, ROOM);
  len = cipher_len - 1;
  CHECK(unprotect(receiver, cipher, cipher_len, out, &len) == srtp_err_status_buffer_small);
  CHECK(memcmp(out, untouched, ROOM) == 0);
  len = cipher_len;
  CHECK(unprotect(receiver, cipher, cipher_len, out, &len) == srtp_err_status_ok);
  CHECK(len == plain_len);
  CHECK(memcmp(out, plain, plain_len) == 0);

  /* The same packet again is a replay. */
  len = ROOM;
  CHECK(unprotect(receiver, cipher, cipher_len, out, &len) == srtp_err_status_replay_fail);
  CHECK(len == ROOM);

  srtp_dealloc(receiver);
  srtp_dealloc(sender);
}

static void in_place(const struct vector *vector)
{
  uint8_t packet[ROOM];
  uint8_t expected[ROOM];
  srtp_t sender = session_for(vector, ssrc_any_outbound);
  srtp_t receiver = session_for(vector, ssrc_any_inbound);
  const size_t plain_len = from_hex(vector->rtp, packet);
  const size_t cipher_len = from_hex(vector->srtp, expected);
  size_t len = ROOM;
  CHECK(srtp_protect(sender, packet, plain_len, packet, &len, 0) == srtp_err_status_ok);
  CHECK(len == cipher_len && memcmp(packet, expected, len) == 0);
  from_hex(vector->rtp, expected);
  len = cipher_len;
  CHECK(srtp_unprotect(receiver, packet, cipher_len, packet, &len) == srtp_err_status_ok);
  CHECK(len == plain_len && memcmp(packet, expected, len) == 0);
  srtp_dealloc(receiver);
  srtp_dealloc(sender);
}

/* Each bit matters: of the header, the payload, the tag. And no prefix is taken for a packet. */
static void changed_packets(const struct vector *vector, unprotect_fn unprotect, const char *cipher_hex)
{
  uint8_t cipher[ROOM];
  uint8_t out[ROOM];
  const size_t cipher_len = from_hex(cipher_hex, cipher);
  srtp_t receiver = session_for(vector, ssrc_any_inbound);
  for (size_t bit = 0; bit < cipher_len * 8; bit++) {
    size_t len = ROOM;
    cipher[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    CHECK(unprotect(receiver, cipher, cipher_len, out, &len) != srtp_err_status_ok);
    CHECK(len == ROOM);
    cipher[bit / 8] ^= (uint8_t)(1u << (bit % 8));
  }
  for (size_t short_len = 0; short_len < cipher_len; short_len++) {
    /* A buffer of just that size, so that a sanitizer sees a read beyond it. */
    uint8_t *part = malloc(short_len + 1);
    size_t len = ROOM;
    memcpy(part, cipher, short_len);
    CHECK(unprotect(receiver, part, short_len, out, &len) != srtp_err_status_ok);
    free(part);
  }
  size_t len = ROOM;
  CHECK(unprotect(receiver, cipher, cipher_len, out, &len) == srtp_err_status_ok);
  srtp_dealloc(receiver);
}

static void refusals(const struct vector *vector)
{
  uint8_t key[ROOM] = { 0 };
  uint8_t packet[ROOM];
  uint8_t out[ROOM];
  size_t len = ROOM;
  const size_t key_len = strlen(vector->key) / 2;
  const size_t salt_len = strlen(vector->salt) / 2;
  const size_t packet_len = from_hex(vector->rtp, packet);
  srtp_t session = NULL;
  srtp_policy_t policy = NULL;

  CHECK(srtp_policy_create(NULL) == srtp_err_status_bad_param);
  srtp_policy_destroy(NULL);
  CHECK(srtp_policy_create(&policy) == srtp_err_status_ok);
  CHECK(srtp_create(&session, policy) == srtp_err_status_bad_param);
  CHECK(srtp_policy_set_profile(policy, vector->profile) == srtp_err_status_ok);
  CHECK(srtp_create(&session, policy) == srtp_err_status_bad_param);
  /* Lengths that overflow together or do not fit, and an MKI. */
  CHECK(srtp_policy_add_key(policy, key, (size_t)-1, key, 2, NULL, 0) == srtp_err_status_bad_param);
  CHECK(srtp_policy_add_key(policy, key, SRTP_MAX_KEY_LEN, key, 1, NULL, 0) == srtp_err_status_bad_param);
  CHECK(srtp_policy_add_key(policy, key, key_len, key, salt_len, key, 4) == srtp_err_status_bad_param);
  CHECK(srtp_policy_add_key(policy, NULL, key_len, key, salt_len, NULL, 0) == srtp_err_status_bad_param);
  /* A key that is a byte short of its profile; and no second key. */
  CHECK(srtp_policy_add_key(policy, key, key_len - 1, key, salt_len, NULL, 0) == srtp_err_status_ok);
  CHECK(srtp_policy_add_key(policy, key, key_len, key, salt_len, NULL, 0) == srtp_err_status_bad_param);
  CHECK(srtp_create(&session, policy) == srtp_err_status_bad_param);
  CHECK(session == NULL);
  srtp_policy_destroy(policy);

  session = session_for(vector, ssrc_any_outbound);
  CHECK(srtp_protect(session, packet, packet_len, out, &len, 1) == srtp_err_status_bad_mki);
  CHECK(srtp_protect(session, NULL, packet_len, out, &len, 0) == srtp_err_status_bad_param);
  CHECK(srtp_protect(session, packet, packet_len, NULL, &len, 0) == srtp_err_status_bad_param);
  CHECK(srtp_protect(session, packet, packet_len, out, NULL, 0) == srtp_err_status_bad_param);
  CHECK(srtp_protect(NULL, packet, packet_len, out, &len, 0) == srtp_err_status_bad_param);
  /* More than an int can count, which is what libsrtp 2 takes: refused before a byte of it is read. */
  CHECK(srtp_protect(session, packet, (size_t)1 << 31, out, &len, 0) == srtp_err_status_bad_param);
  CHECK(srtp_unprotect(session, packet, (size_t)-1, out, &len) == srtp_err_status_bad_param);
  srtp_dealloc(session);
}

int main(void)
{
  if (srtp_init() != srtp_err_status_ok) {
    printf("srtp3-test: srtp_init failed\n");
    return 1;
  }
  for (size_t i = 0; i < COUNT(vectors); i++) {
    const struct vector *vector = &vectors[i];
    suite = vector->suite;
    known_packet(vector, srtp_protect, srtp_unprotect, vector->rtp, vector->srtp);
    known_packet(vector, srtp_protect_rtcp, srtp_unprotect_rtcp, vector->rtcp, vector->srtcp);
    in_place(vector);
    changed_packets(vector, srtp_unprotect, vector->srtp);
    changed_packets(vector, srtp_unprotect_rtcp, vector->srtcp);
    refusals(vector);
  }
  srtp_shutdown();
  printf("srtp3-test: %d checks, %d failed\n", checks, failures);
  return failures == 0 && checks > 0 ? 0 : 1;
}
