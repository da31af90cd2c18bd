/*
 * The part of libsrtp 3's interface that libsrtp 2 does not have: an opaque policy, and packets that are read from one buffer and
 * written to another whose room is checked. Master key identifiers (MKI) are refused: the worker never uses them.
 */
#ifndef HAWSER_SRTP3_H
#define HAWSER_SRTP3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <srtp2/srtp.h>

#ifdef __cplusplus
extern "C"
{
#endif

/* The two codes that libsrtp 3 adds to srtp_err_status_t. */
#define srtp3_err_status_buffer_small ((srtp_err_status_t)28)
#define srtp3_err_status_cryptex_err ((srtp_err_status_t)29)

typedef struct srtp3_policy *srtp3_policy_t;

srtp_err_status_t srtp3_policy_create(srtp3_policy_t *policy);

/* Wipes the key. NULL is allowed. */
void srtp3_policy_destroy(srtp3_policy_t policy);

srtp_err_status_t srtp3_policy_set_ssrc(srtp3_policy_t policy, srtp_ssrc_t ssrc);
srtp_err_status_t srtp3_policy_set_profile(srtp3_policy_t policy, srtp_profile_t profile);

/* The one master key. Its lengths are checked against the profile in srtp3_create; a second key or an MKI is bad_param. */
srtp_err_status_t srtp3_policy_add_key(
  srtp3_policy_t policy,
  const uint8_t *key,
  size_t key_len,
  const uint8_t *salt,
  size_t salt_len,
  const uint8_t *mki,
  size_t mki_len);

srtp_err_status_t srtp3_policy_set_allow_repeat_tx(srtp3_policy_t policy, bool allow);
srtp_err_status_t srtp3_policy_set_window_size(srtp3_policy_t policy, size_t packets);

/* The session keeps nothing of the policy. It is freed with libsrtp 2's srtp_dealloc; its user data belongs to this shim. */
srtp_err_status_t srtp3_create(srtp_t *session, srtp3_policy_t policy);

/*
 * Each reads in_len bytes at `in` and writes its result to `out`, which may be `in` itself or apart from it. *out_len is the room at
 * `out` before and the length of the result after; it is not touched on failure. Nothing is written when the room is too small
 * (buffer_small): protecting needs in_len and the trailer of the profile, unprotecting needs in_len, as libsrtp 2 decrypts in place.
 */
srtp_err_status_t srtp3_protect(
  srtp_t session, const uint8_t *in, size_t in_len, uint8_t *out, size_t *out_len, size_t mki_index);
srtp_err_status_t srtp3_unprotect(srtp_t session, const uint8_t *in, size_t in_len, uint8_t *out, size_t *out_len);
srtp_err_status_t srtp3_protect_rtcp(
  srtp_t session, const uint8_t *in, size_t in_len, uint8_t *out, size_t *out_len, size_t mki_index);
srtp_err_status_t srtp3_unprotect_rtcp(srtp_t session, const uint8_t *in, size_t in_len, uint8_t *out, size_t *out_len);

#ifdef __cplusplus
}
#endif

#endif
