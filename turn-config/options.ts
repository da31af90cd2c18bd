/**
 * Options of coturn that the site does not ask for: what each of them opens or breaks, and which do neither. Source: turnserver(1)
 * of coturn 4.6.1, and of later versions what is off there until somebody turns it on.
 */

/** Switches. One that is off does nothing. */
export const HARMFUL_SWITCHES: Readonly<Record<string, string>> = {
  'allow-loopback-peers': 'whoever has a credential reaches services of the TURN host itself',
  cli: 'the console is on the network',
  dh566: 'keys that are too short',
  dh1066: 'keys that are too short',
  dtls: 'it answers strangers larger than it is asked',
  'log-binding': 'the log names who asks, and whoever asks often fills it',
  'lt-cred-mech': 'there are accounts beside the credentials of the homeserver',
  mobility: 'an allocation moves to whoever knows its ticket',
  'no-auth': 'everybody may relay',
  'no-stun': 'questions of STUN get no answer',
  'no-tls': 'nobody gets in by TLS, from networks that let nothing else out',
  'no-udp': 'nobody gets in by UDP',
  'no-udp-relay': 'no media is relayed',
  oauth: 'there is another way in beside the credentials of the homeserver',
  'prometheus-username-labels': 'whoever reads its figures sees which devices relay',
  rfc5780: 'it answers strangers larger than it is asked',
  'server-relay': 'whoever sends to a relay gets through without a permission',
  'stun-only': 'nothing is relayed',
  'udp-self-balance': 'clients are sent to another server',
  verbose: 'the log names clients and to whom they relay',
  Verbose: 'the log names clients and to whom they relay',
  'web-admin': 'the administration is on the network',
  'web-admin-listen-on-workers': 'the administration is on the network',
};

const OTHER_DATABASE = 'coturn looks for secrets where hawser turn secrets writes none';
const OTHER_DOOR = 'it takes clients at an address or port that the site does not name';

/** Options with a value. */
export const HARMFUL_VALUES: Readonly<Record<string, string>> = {
  'acme-redirect': 'strangers get more than a refusal',
  'allowed-peer-ip': 'relays may send to an address that is no media of the SFT',
  'alt-listening-port': OTHER_DOOR,
  'alt-tls-listening-port': OTHER_DOOR,
  'alternate-server': 'clients are sent to another server',
  'aux-server': OTHER_DOOR,
  'CA-file': 'browsers have no certificate of that authority, and are refused over TLS',
  'channel-lifetime': 'relays end earlier or later than browsers expect',
  'cli-ip': 'the console is on the network',
  'cli-password': 'the console is there',
  'cli-port': 'the console is there',
  db: OTHER_DATABASE,
  'external-ip': 'browsers are told an address that the site does not name',
  'listening-device': OTHER_DOOR,
  'listening-ip': OTHER_DOOR,
  'mongo-userdb': OTHER_DATABASE,
  'mysql-userdb': OTHER_DATABASE,
  'permission-lifetime': 'relays end earlier or later than browsers expect',
  'pkey-pwd': 'a password stands in this file, and the key needs none',
  'psql-userdb': OTHER_DATABASE,
  'redis-statsdb': 'another machine is told who relays, and when',
  'redis-userdb': OTHER_DATABASE,
  'relay-device': 'relays go out from an address that the site does not name',
  'relay-ip': 'relays go out from an address that the site does not name',
  'rest-api-separator': 'the credentials of the homeserver, which have a colon there, are refused',
  'secret-key-file': OTHER_DATABASE,
  'static-auth-secret': 'a secret stands in this file, and rotation does not reach it',
  'tcp-proxy-port': 'whoever reaches that port says himself from which address he comes',
  'tls-alternate-server': 'clients are sent to another server',
  user: 'there are accounts beside the credentials of the homeserver',
};

/** What neither opens nor breaks anything, and whose value is no secret: somebody may have a reason for it. */
export const HARMLESS: ReadonlySet<string> = new Set([
  ...['allocation-default-address-family', 'bps-capacity', 'check-origin-consistency', 'cipher-list', 'daemon'],
  ...['cli-max-output-sessions', 'dh-file', 'ec-curve-name', 'keep-address-family', 'log-file', 'ne', 'pidfile'],
  ...['max-allocate-lifetime', 'max-allocate-timeout', 'new-log-timestamp', 'new-log-timestamp-format', 'prod'],
  ...['no-sslv2', 'no-sslv3', 'no-stdout-log', 'no-tlsv1_2', 'proc-group', 'proc-user', 'relay-threads'],
  ...['prometheus', 'prometheus-port', 'secret-ts-exp-time', 'server-name', 'simple-log', 'syslog-facility'],
  ...['web-admin-ip', 'web-admin-port'],
]);

/** What makes it tighter: more that is denied, and the limit of refusals that coturn has from 4.14 on. */
export const TIGHTER: ReadonlySet<string> = new Set([
  'denied-peer-ip',
  'unauthorized-ratelimit',
  'unauthorized-ratelimit-rps',
]);
