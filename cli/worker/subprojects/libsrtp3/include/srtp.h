/*
 * What the worker includes as <srtp.h> and takes for libsrtp 3: libsrtp 2 with the names that changed their meaning put on srtp3.h.
 * What did not change (srtp_init, srtp_dealloc, srtp_err_status_t, srtp_profile_t, events) is libsrtp 2's own.
 */
#ifndef HAWSER_SRTP_H
#define HAWSER_SRTP_H

/* libsrtp 3's header brings htonl along, and the worker counts on it. */
#include <arpa/inet.h>

#include "srtp3.h"

#define srtp_policy_t srtp3_policy_t
#define srtp_policy_create srtp3_policy_create
#define srtp_policy_destroy srtp3_policy_destroy
#define srtp_policy_set_ssrc srtp3_policy_set_ssrc
#define srtp_policy_set_profile srtp3_policy_set_profile
#define srtp_policy_add_key srtp3_policy_add_key
#define srtp_policy_set_allow_repeat_tx srtp3_policy_set_allow_repeat_tx
#define srtp_policy_set_window_size srtp3_policy_set_window_size
#define srtp_create srtp3_create
#define srtp_protect srtp3_protect
#define srtp_unprotect srtp3_unprotect
#define srtp_protect_rtcp srtp3_protect_rtcp
#define srtp_unprotect_rtcp srtp3_unprotect_rtcp
/* Both take the SSRC in network byte order, as the worker passes it. */
#define srtp_stream_remove srtp_remove_stream

#define srtp_err_status_buffer_small srtp3_err_status_buffer_small
#define srtp_err_status_cryptex_err srtp3_err_status_cryptex_err

#endif
