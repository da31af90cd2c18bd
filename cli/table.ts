/**
 * Every command there is. The summaries stand here and not only in the commands so that the help needs none of them: it
 * is there at once, and also where something that a command imports is missing. `table.test.ts` keeps the two alike.
 */
import type { Command } from './command.ts';

export interface Entry {
  name: string;
  summary: string;
  load(): Promise<Command>;
}

export const table: readonly Entry[] = [
  {
    name: 'demo',
    summary: 'Start two organisations on this machine and say which addresses to open',
    load: async () => (await import('./demo.ts')).demo,
  },
  {
    name: 'test',
    summary: 'Run every check and test, or those that are named',
    load: async () => (await import('./test.ts')).test,
  },
  {
    name: 'doctor',
    summary: 'Say what is missing for Hawser or for calls, and what to do about it',
    load: async () => (await import('./doctor.ts')).doctor,
  },
  {
    name: 'ports',
    summary: 'Say which ports to open to whom, as a table or as rules of a firewall',
    load: async () => (await import('./ports.ts')).ports,
  },
  {
    name: 'config init',
    summary: 'Write the first hawser.yaml of an organisation, and say what comes next',
    load: async () => (await import('./config-init.ts')).configInit,
  },
  {
    name: 'config check',
    summary: 'Say what is wrong with hawser.yaml, peers.yaml and the files that they name',
    load: async () => (await import('./config.ts')).configCheck,
  },
  {
    name: 'homeserver',
    summary: 'Start the homeserver of a domain',
    load: async () => (await import('./homeserver.ts')).homeserver,
  },
  {
    name: 'sft',
    summary: 'Start the media server of a domain',
    load: async () => (await import('./sft.ts')).sft,
  },
  {
    name: 'sft drain',
    summary: 'Let the calls of the media server come to their end, then end it',
    load: async () => (await import('./sft.ts')).sftDrain,
  },
  {
    name: 'sft rotate',
    summary: 'Give the trunks to a domain new keys and ports, while calls go on',
    load: async () => (await import('./sft.ts')).sftRotate,
  },
  {
    name: 'conference list',
    summary: 'List the conferences that go on',
    load: async () => (await import('./conference.ts')).conferenceList,
  },
  {
    name: 'conference show',
    summary: 'Say who is in a conference, what they send, and how it reaches them',
    load: async () => (await import('./conference.ts')).conferenceShow,
  },
  {
    name: 'conference kick',
    summary: 'Put somebody out of a conference',
    load: async () => (await import('./conference.ts')).conferenceKick,
  },
  {
    name: 'conference mute',
    summary: 'Switch off microphones in a conference',
    load: async () => (await import('./conference.ts')).conferenceMute,
  },
  {
    name: 'conference end',
    summary: 'End a conference for everybody',
    load: async () => (await import('./conference.ts')).conferenceEnd,
  },
  {
    name: 'top',
    summary: 'Watch both servers: calls, people, links, what waits, and the load',
    load: async () => (await import('./top.ts')).top,
  },
  {
    name: 'log-level',
    summary: 'Say how much the running servers log, or change it while they run',
    load: async () => (await import('./log-level.ts')).logLevel,
  },
  {
    name: 'backup',
    summary: 'Save a homeserver in one file, while it runs',
    load: async () => (await import('./backup.ts')).backup,
  },
  {
    name: 'restore',
    summary: 'Put back what hawser backup saved',
    load: async () => (await import('./restore.ts')).restore,
  },
  {
    name: 'certs init',
    summary: 'Make the authority and the certificates of a domain',
    load: async () => (await import('./certs.ts')).certsInit,
  },
  {
    name: 'certs show',
    summary: 'Say what certificates a domain has and when they end',
    load: async () => (await import('./certs.ts')).certsShow,
  },
  {
    name: 'certs renew',
    summary: 'Make new certificates for the servers and devices of a domain',
    load: async () => (await import('./certs.ts')).certsRenew,
  },
  {
    name: 'certs revoke',
    summary: 'Take a certificate back, or date the revocation list anew',
    load: async () => (await import('./certs.ts')).certsRevoke,
  },
  {
    name: 'peers list',
    summary: 'List the domains that a running homeserver allows',
    load: async () => (await import('./peers.ts')).peersList,
  },
  {
    name: 'peers allow',
    summary: 'Allow a domain, with the authority that speaks for it',
    load: async () => (await import('./peers.ts')).peersAllow,
  },
  {
    name: 'peers block',
    summary: 'Block a domain: nothing goes to it or comes from it',
    load: async () => (await import('./peers.ts')).peersBlock,
  },
  {
    name: 'peers remove',
    summary: 'Take a domain off the list, and what the list says about it',
    load: async () => (await import('./peers.ts')).peersRemove,
  },
  {
    name: 'peers status',
    summary: 'Say how it fares with each other domain',
    load: async () => (await import('./peers-status.ts')).peersStatus,
  },
  {
    name: 'peers accept-keys',
    summary: 'Confirm the keys with which a domain came back',
    load: async () => (await import('./peers-keys.ts')).peersAcceptKeys,
  },
  {
    name: 'peers limit',
    summary: 'Say what a domain may do here, and how much it may take of the media server',
    load: async () => (await import('./peers.ts')).peersLimit,
  },
  {
    name: 'turn render',
    summary: 'Write the configuration of coturn, with the reason beside each line',
    load: async () => (await import('./turn.ts')).turnRender,
  },
  {
    name: 'turn check',
    summary: 'Compare the configuration of a coturn with the one that it should have',
    load: async () => (await import('./turn.ts')).turnCheck,
  },
  {
    name: 'turn secrets',
    summary: 'Give the secrets of the site to a coturn, without a restart',
    load: async () => (await import('./turn.ts')).turnSecrets,
  },
  {
    name: 'turn rotate',
    summary: 'Change the secret of the TURN servers while calls go on',
    load: async () => (await import('./turn.ts')).turnRotate,
  },
  {
    name: 'audit tail',
    summary: 'Show the newest lines of the audit log',
    load: async () => (await import('./audit.ts')).auditTail,
  },
  {
    name: 'audit export',
    summary: 'Write the whole audit log in a file',
    load: async () => (await import('./audit.ts')).auditExport,
  },
  {
    name: 'audit verify',
    summary: 'Say whether the audit log is what was written',
    load: async () => (await import('./audit.ts')).auditVerify,
  },
  {
    name: 'accounts add',
    summary: 'Make an account',
    load: async () => (await import('./accounts.ts')).accountsAdd,
  },
  {
    name: 'accounts list',
    summary: 'List the accounts',
    load: async () => (await import('./accounts.ts')).accountsList,
  },
  {
    name: 'accounts admin',
    summary: 'Let an account allow and block other organisations from the page',
    load: async () => (await import('./accounts.ts')).accountsAdmin,
  },
  {
    name: 'accounts invite',
    summary: 'Make an invitation with which one person can register',
    load: async () => (await import('./accounts.ts')).accountsInvite,
  },
  {
    name: 'accounts remove',
    summary: 'Delete an account for good',
    load: async () => (await import('./accounts.ts')).accountsRemove,
  },
  {
    name: 'accounts set-password',
    summary: 'Give an account a new password',
    load: async () => (await import('./accounts.ts')).accountsSetPassword,
  },
  {
    name: 'package',
    summary: 'Build the Debian package of this copy, with Node and the media worker in it',
    load: async () => (await import('./package.ts')).packageDebian,
  },
  {
    name: 'bench trunk',
    summary: 'Measure what crosses the trunk between two media servers',
    load: async () => (await import('./bench.ts')).benchTrunk,
  },
  {
    name: 'bench switches',
    summary: 'Measure how long a viewer waits for a larger picture over the trunk',
    load: async () => (await import('./bench-switches.ts')).benchSwitches,
  },
  {
    name: 'bench takeover',
    summary: 'Measure how soon a speaker is the large picture at another organisation',
    load: async () => (await import('./bench-takeover.ts')).benchTakeover,
  },
  {
    name: 'bench hop',
    summary: 'Measure the delay that the way over a second media server adds',
    load: async () => (await import('./bench-hop.ts')).benchHop,
  },
  {
    name: 'bench voices',
    summary: 'Measure who is heard at another organisation, and how soon',
    load: async () => (await import('./bench-voices.ts')).benchVoices,
  },
  {
    name: 'bench federation',
    summary: 'Measure messages between organisations, also where one is down',
    load: async () => (await import('./bench-federation.ts')).benchFederation,
  },
  {
    name: 'bench e2ee',
    summary: 'Measure how soon the keys of a call follow who is in it, and what they cost',
    load: async () => (await import('./bench-e2ee.ts')).benchE2ee,
  },
  {
    name: 'bench messages',
    summary: 'Measure what a homeserver accepts, delivers and needs',
    load: async () => (await import('./bench-messages.ts')).benchMessages,
  },
  {
    name: 'soak kills',
    summary: 'Kill a homeserver while people write, and look for what got lost',
    load: async () => (await import('./soak-kills.ts')).soakKills,
  },
  {
    name: 'soak faults',
    summary: 'Break organisations and the net between them, and look for what got lost',
    load: async () => (await import('./soak-faults.ts')).soakFaults,
  },
  {
    name: 'soak fuzz',
    summary: 'Send a homeserver spoilt inputs, and look for wrong answers',
    load: async () => (await import('./soak-fuzz.ts')).soakFuzz,
  },
];
