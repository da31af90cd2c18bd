#include "srtp3.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct srtp3_policy
{
  srtp_policy_t base;
  /* Key and salt in one piece, as libsrtp 2 wants them; base.key points here. */
  unsigned char key[SRTP_MAX_KEY_LEN];
  size_t key_len;
  size_t salt_len;
  srtp_profile_t profile;
};

srtp_err_status_t srtp3_policy_create(srtp3_policy_t *policy)
{
  if (policy == NULL) {
    return srtp_err_status_bad_param;
  }
  *policy = calloc(1, sizeof(**policy));
  return *policy == NULL ? srtp_err_status_alloc_fail : srtp_err_status_ok;
}

void srtp3_policy_destroy(srtp3_policy_t policy)
{
  if (policy == NULL) {
    return;
  }
  /* A plain memset before free is dead code to the compiler, and the key would stay in freed memory. */
  explicit_bzero(policy, sizeof(*policy));
  free(policy);
}

srtp_err_status_t srtp3_policy_set_ssrc(srtp3_policy_t policy, srtp_ssrc_t ssrc)
{
  if (policy == NULL) {
    return srtp_err_status_bad_param;
  }
  policy->base.ssrc = ssrc;
  return srtp_err_status_ok;
}

srtp_err_status_t srtp3_policy_set_profile(srtp3_policy_t policy, srtp_profile_t profile)
{
  if (policy == NULL) {
    return srtp_err_status_bad_param;
  }
  srtp_err_status_t err = srtp_crypto_policy_set_from_profile_for_rtp(&policy->base.rtp, profile);
  if (err == srtp_err_status_ok) {
    err = srtp_crypto_policy_set_from_profile_for_rtcp(&policy->base.rtcp, profile);
  }
  if (err == srtp_err_status_ok) {
    policy->profile = profile;
  }
  return err;
}

srtp_err_status_t srtp3_policy_add_key(
  srtp3_policy_t policy,
  const uint8_t *key,
  size_t key_len,
  const uint8_t *salt,
  size_t salt_len,
  const uint8_t *mki,
  size_t mki_len)
{
  if (policy == NULL || key == NULL || salt == NULL || policy->base.key != NULL || mki != NULL || mki_len != 0) {
    return srtp_err_status_bad_param;
  }
  /* Each alone first, so that the sum cannot wrap around. */
  if (key_len > sizeof(policy->key) || salt_len > sizeof(policy->key) - key_len) {
    return srtp_err_status_bad_param;
  }
  memcpy(policy->key, key, key_len);
  memcpy(policy->key + key_len, salt, salt_len);
  policy->key_len = key_len;
  policy->salt_len = salt_len;
  policy->base.key = policy->key;
  return srtp_err_status_ok;
}

srtp_err_status_t srtp3_policy_set_allow_repeat_tx(srtp3_policy_t policy, bool allow)
{
  if (policy == NULL) {
    return srtp_err_status_bad_param;
  }
  policy->base.allow_repeat_tx = allow ? 1 : 0;
  return srtp_err_status_ok;
}

srtp_err_status_t srtp3_policy_set_window_size(srtp3_policy_t policy, size_t packets)
{
  if (policy == NULL) {
    return srtp_err_status_bad_param;
  }
  /* libsrtp 2 checks the range itself, in srtp_create: 64 to 32767, or 0 for its default. */
  policy->base.window_size = packets;
  return srtp_err_status_ok;
}

/*
 * libsrtp 2 finds the length of the trailer by walking all streams of the session. The worker sends every packet of a transport through
 * one session, and all streams have the session's one policy, so the two lengths are asked for once and kept in the session's user
 * data: a pointer-sized value that libsrtp 2 hands back and never looks at.
 */
#define RTCP_SHIFT 16
#define TRAILER_MASK 0xffffu

static srtp_err_status_t remember_trailers(srtp_t session)
{
  uint32_t rtp = 0;
  uint32_t rtcp = 0;
  srtp_err_status_t err = srtp_get_protect_trailer_length(session, 0, 0, &rtp);
  if (err == srtp_err_status_ok) {
    err = srtp_get_protect_rtcp_trailer_length(session, 0, 0, &rtcp);
  }
  if (err == srtp_err_status_ok) {
    srtp_set_user_data(session, (void *)(((uintptr_t)rtcp << RTCP_SHIFT) | (uintptr_t)rtp));
  }
  return err;
}

static size_t rtp_trailer(srtp_t session)
{
  return (uintptr_t)srtp_get_user_data(session) & TRAILER_MASK;
}

static size_t rtcp_trailer(srtp_t session)
{
  return ((uintptr_t)srtp_get_user_data(session) >> RTCP_SHIFT) & TRAILER_MASK;
}

srtp_err_status_t srtp3_create(srtp_t *session, srtp3_policy_t policy)
{
  if (session == NULL || policy == NULL || policy->base.key == NULL || policy->profile == srtp_profile_reserved) {
    return srtp_err_status_bad_param;
  }
  /* libsrtp 2 reads as many bytes as the profile asks for, given or not. */
  if (
    policy->key_len != srtp_profile_get_master_key_length(policy->profile) ||
    policy->salt_len != srtp_profile_get_master_salt_length(policy->profile)) {
    return srtp_err_status_bad_param;
  }
  srtp_err_status_t err = srtp_create(session, &policy->base);
  if (err != srtp_err_status_ok) {
    return err;
  }
  err = remember_trailers(*session);
  if (err != srtp_err_status_ok) {
    srtp_dealloc(*session);
    *session = NULL;
  }
  return err;
}

typedef srtp_err_status_t (*in_place)(srtp_t session, void *packet, int *len);

/* Lets libsrtp 2, which works in place on an int length and checks no room, work at `out`. */
static srtp_err_status_t apply(
  in_place transform, srtp_t session, const uint8_t *in, size_t in_len, size_t trailer, uint8_t *out, size_t *out_len)
{
  if (session == NULL || in == NULL || out == NULL || out_len == NULL || in_len > (size_t)INT_MAX - trailer) {
    return srtp_err_status_bad_param;
  }
  if (*out_len < in_len + trailer) {
    return srtp3_err_status_buffer_small;
  }
  if (out != in) {
    memmove(out, in, in_len);
  }
  int len = (int)in_len;
  const srtp_err_status_t err = transform(session, out, &len);
  if (err == srtp_err_status_ok) {
    *out_len = (size_t)len;
  }
  return err;
}

srtp_err_status_t srtp3_protect(
  srtp_t session, const uint8_t *in, size_t in_len, uint8_t *out, size_t *out_len, size_t mki_index)
{
  if (session == NULL) {
    return srtp_err_status_bad_param;
  }
  if (mki_index != 0) {
    return srtp_err_status_bad_mki;
  }
  return apply(srtp_protect, session, in, in_len, rtp_trailer(session), out, out_len);
}

srtp_err_status_t srtp3_unprotect(srtp_t session, const uint8_t *in, size_t in_len, uint8_t *out, size_t *out_len)
{
  return apply(srtp_unprotect, session, in, in_len, 0, out, out_len);
}

srtp_err_status_t srtp3_protect_rtcp(
  srtp_t session, const uint8_t *in, size_t in_len, uint8_t *out, size_t *out_len, size_t mki_index)
{
  if (session == NULL) {
    return srtp_err_status_bad_param;
  }
  if (mki_index != 0) {
    return srtp_err_status_bad_mki;
  }
  return apply(srtp_protect_rtcp, session, in, in_len, rtcp_trailer(session), out, out_len);
}

srtp_err_status_t srtp3_unprotect_rtcp(srtp_t session, const uint8_t *in, size_t in_len, uint8_t *out, size_t *out_len)
{
  return apply(srtp_unprotect_rtcp, session, in, in_len, 0, out, out_len);
}
