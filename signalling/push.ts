/** Client to its own homeserver: how a browser that is closed is woken (RFC 8030). Nothing is said in it but that something waits. */
import Type, { type Static } from 'typebox';
import { Base64Url } from './base64.ts';
import { Closed } from './contract.ts';

/** Of the makers of browsers: Chrome and most that are made of it, Firefox, Safari, Edge. */
export const PUSH_SERVICES = [
  'fcm.googleapis.com',
  'updates.push.services.mozilla.com',
  'web.push.apple.com',
  'notify.windows.com',
] as const;

/** `GET push`: whether this homeserver wakes browsers, and with which key it signs (RFC 8292; P-256, 65 bytes). */
export const PushOffer = Closed({
  /** Absent where the administrator has switched it off. */
  key: Type.Optional(Base64Url(65)),
});
export type PushOffer = Static<typeof PushOffer>;

/**
 * `PUT devices/current/push`: where the push service of the browser's maker takes a wake-up for this device, in the place of
 * what was there before. It ends with the session, and by `DELETE devices/current/push`. The keys that a browser offers for
 * content stay with it: there is none.
 */
export const PushTarget = Closed({
  endpoint: Type.String({
    // No user, no port, no address in the place of a name: what a browser gives has none of these.
    pattern: '^https://(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?/[!-~]*$',
    maxLength: 1_000,
    description: 'the `endpoint` of a PushSubscription',
  }),
});
export type PushTarget = Static<typeof PushTarget>;
