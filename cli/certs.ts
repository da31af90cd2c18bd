/** `hawser certs`: makes, shows, renews and revokes what a domain speaks for itself with. */
import { X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { plainSerial } from '#trust/revocation.ts';
import { columns } from './certs/columns.ts';
import {
  domainOf,
  initFolder,
  REVOKED,
  readCertificate,
  renewDevicesInFolder,
  renewInFolder,
  revokeInFolder,
  SERVERS,
} from './certs/folder.ts';
import { statusOf } from './certs/status.ts';
import { command } from './command.ts';
import { Problem } from './errors.ts';
import { newDomain } from './flags.ts';

const json = { type: 'boolean', summary: 'One JSON object in place of the table' } as const;

export const certsInit = command({
  name: 'certs init',
  summary: 'Make the authority and the certificates of a domain',
  usage: '',
  about: [
    'Give authority.pem and revoked.pem to the administrators of other domains. Keep authority.key and devices-root.key',
    'off the servers: only hawser certs needs them.',
  ],
  flags: {
    domain: { type: 'string', value: 'DOMAIN', required: true, summary: 'The DNS name of the organisation' },
    out: { type: 'string', value: 'FOLDER', required: true, summary: 'A new or empty folder' },
  },
  async run({ flags, out }) {
    const domain = newDomain(flags.domain);
    await initFolder(flags.out, domain, Date.now());
    const { fingerprint256 } = await readCertificate(flags.out, 'authority');
    out(`${flags.out} holds the authority of ${domain}, certificates of its two servers,`);
    out('the keys of tickets, and what certifies the devices of its people.');
    out('Other domains need authority.pem and revoked.pem. Its fingerprint, to compare by telephone:');
    out(fingerprint256);
    return 0;
  },
});

export const certsShow = command({
  name: 'certs show',
  summary: 'Say what certificates a domain has and when they end',
  usage: 'FOLDER',
  words: { min: 1, max: 1 },
  about: [
    'The exit code is 1 where one of them needs something done: it is revoked, has ended, or ends within 30 days.',
  ],
  flags: { json },
  async run({ flags, args: [folder = ''], out, err }) {
    const statuses = await statusOf(folder, Date.now());
    if (flags.json) out(JSON.stringify({ certificates: statuses }));
    else {
      const rows = statuses.map(({ file, name, to, days, serial }) => [file, name, to.slice(0, 10), `${days}`, serial]);
      for (const line of columns([['FILE', 'NAME', 'ENDS', 'DAYS', 'SERIAL'], ...rows])) out(line);
      for (const { file, warning } of statuses) if (warning) err(`${file}: ${warning}`);
    }
    return statuses.some(({ warning }) => warning !== undefined) ? 1 : 0;
  },
});

export const certsRenew = command({
  name: 'certs renew',
  summary: 'Make new certificates for the servers and devices of a domain',
  usage: 'FOLDER',
  words: { min: 1, max: 1 },
  about: [
    'Running servers take them within a second. Other domains need nothing new: the authority stays. Servers get new keys;',
    'what certifies devices keeps its key, so that their certificates stay good.',
  ],
  flags: {
    only: { type: 'string', value: 'WHAT', choices: ['homeserver', 'sft', 'devices'], summary: 'That one alone' },
  },
  async run({ flags, args: [folder = ''], out }) {
    const roles = SERVERS.filter((role) => flags.only === undefined || flags.only === role);
    const now = Date.now();
    await renewInFolder(folder, roles, now);
    if (flags.only === undefined || flags.only === 'devices') {
      await renewDevicesInFolder(folder, await domainOf(folder), now);
      const { validToDate } = await readCertificate(folder, 'devices');
      out(`devices.pem is new and ends on ${validToDate.toISOString().slice(0, 10)}; its key is the same.`);
    }
    for (const role of roles) {
      const { validToDate } = await readCertificate(folder, role);
      out(`${role}.pem and ${role}.key are new; the certificate ends on ${validToDate.toISOString().slice(0, 10)}.`);
    }
    return 0;
  },
});

export const certsRevoke = command({
  name: 'certs revoke',
  summary: 'Take a certificate back, or date the revocation list anew',
  usage: 'FOLDER [FILE or serial]',
  words: { min: 1, max: 2 },
  about: ['Without FILE or serial the list stays as it is and gets a new date.'],
  flags: {},
  async run({ args: [folder = '', what], out }) {
    const serials = what === undefined ? [] : [await serialOf(what)];
    const count = await revokeInFolder(folder, serials, Date.now());
    out(`${folder}/${REVOKED} names ${count} certificate${count === 1 ? '' : 's'}. Give it to the other domains.`);
    return 0;
  },
});

/** Of a certificate's file, or the serial itself. */
async function serialOf(what: string): Promise<string> {
  if (!existsSync(what)) {
    if (/^[0-9a-fA-F:]{8,64}$/.test(what)) return plainSerial(what);
    throw new Problem(`${what} is neither a file nor a serial number such as hawser certs show prints.`);
  }
  try {
    return plainSerial(new X509Certificate(await readFile(what)).serialNumber);
  } catch {
    throw new Problem(`${what} holds no certificate.`);
  }
}
