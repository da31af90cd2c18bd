/**
 * Between the protocol's descriptions of media and mediasoup-client's. They are the same objects; mediasoup-client only
 * types some strings more narrowly (`uri`, `mimeType`) and checks them itself, so this is the one place with such casts.
 */
import type * as Library from 'mediasoup-client/types';
import type { RtpCapabilities, RtpParameters } from '#signalling/webrtc.ts';

export const toLibrary = {
  capabilities: (wire: RtpCapabilities) => wire as Library.RtpCapabilities,
  parameters: (wire: RtpParameters) => wire as Library.RtpParameters,
};

export const toWire = {
  capabilities: (library: Library.RtpCapabilities) => library as RtpCapabilities,
  parameters: (library: Library.RtpParameters) => library as RtpParameters,
};
