/** `hawser config init`: the first hawser.yaml, and what comes after it. */
import { NODATA, NOTFOUND } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { existsSync } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import { isIP } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { thisMachine } from '#check/machine.ts';
import { parseDomainName } from '#signalling/ids.ts';
import { firstSite } from '#site/first.ts';
import { workersHere } from '#site/sft.ts';
import { command } from './command.ts';
import { chooseAddress, chooseListenIp, parseIp } from './config/addresses.ts';
import { nextSteps } from './config/next-steps.ts';
import { Problem, UsageError } from './errors.ts';
import { newDomain, SITE_HERE, SITE_OF_HOST } from './flags.ts';
import { isOfDebianPackage, repository } from './setup/packages.ts';

/** Of the Debian package: the one folder in which its servers may write. */
const STATE_OF_HOST = '/var/lib/hawser/';

const GUIDE = join(repository, 'docs', 'guides', 'install.md');

export const configInit = command({
  name: 'config init',
  summary: 'Write the first hawser.yaml of an organisation, and say what comes next',
  usage: '',
  about: [
    'For an organisation with both servers on one host. hawser.yaml is yours from then on: no command changes it again.',
    'Example: hawser config init --domain alpha.example --host hawser.alpha.example',
  ],
  flags: {
    domain: {
      type: 'string',
      value: 'DOMAIN',
      required: true,
      summary: 'The DNS name of the organisation, part of every address of its people; it cannot change later',
    },
    host: {
      type: 'string',
      value: 'NAME',
      required: true,
      summary: 'The name of this host, as browsers and other organisations reach it',
    },
    address: {
      type: 'string',
      value: 'IP',
      summary: 'The address to which that name leads; asked of the DNS, when left out',
    },
    listen: {
      type: 'string',
      value: 'IP',
      summary:
        'The address of this machine, another one behind address translation; found out where it can be, when left out',
    },
    out: {
      type: 'string',
      value: 'FILE',
      fallback: {
        words: `${SITE_OF_HOST} where Debian's package is installed, else ${SITE_HERE} in this folder`,
        find: () => (isOfDebianPackage ? SITE_OF_HOST : SITE_HERE),
      },
      summary: 'The file, which must not be there yet',
    },
  },
  async run({ flags, out }) {
    const domain = newDomain(flags.domain);
    const host = parseDomainName(flags.host);
    if (host === undefined) throw new UsageError(`'${flags.host}' is not a DNS name such as hawser.${domain}.`);
    const address = flags.address ? parseIp('address', flags.address) : chooseAddress(host, await addressesOf(host));
    const listenIp = flags.listen
      ? parseIp('listen', flags.listen)
      : chooseListenIp(address, (await thisMachine()).addresses);
    if (isIP(listenIp) !== isIP(address)) {
      throw new UsageError(
        `${listenIp} and ${address} are of two families: no address translation leads from one to the other.`,
      );
    }
    const file = resolve(flags.out);
    const isOfPackage = isOfDebianPackage && file === SITE_OF_HOST;
    const state = isOfPackage ? STATE_OF_HOST : '';
    await writeNew(file, firstSite({ domain, host, address, listenIp, workers: workersHere({}), state }));
    out(`${file} is written: ${host} has the address ${address}.`);
    if (listenIp !== address) {
      out(`The address translation has to bring what comes there to ${listenIp}, with the ports as they are.`);
    }
    out('');
    const program = isOfDebianPackage ? 'hawser' : join(repository, 'hawser');
    const first = { domain, host, file, isOfPackage, program, guide: GUIDE, isThere: existsSync };
    for (const line of nextSteps(first)) out(line);
    return 0;
  },
});

/** None where the DNS knows none. */
async function addressesOf(host: string): Promise<readonly string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === NOTFOUND || code === NODATA) return [];
    throw new Problem(`The DNS does not answer what the address of ${host} is (${code}). Say it with --address.`);
  }
}

/** @throws Problem where the file is there already, or cannot be */
async function writeNew(file: string, content: string): Promise<void> {
  let isMade = false;
  try {
    await mkdir(dirname(file), { recursive: true });
    await using handle = await open(file, 'wx');
    isMade = true;
    await handle.writeFile(content);
    // No secret is in it, and the user of the servers has to read it whatever the umask of whoever calls this.
    await handle.chmod(0o644);
  } catch (error) {
    if (isMade) await rm(file);
    if (!(error instanceof Error && 'code' in error && 'syscall' in error)) throw error;
    if (error.code === 'EEXIST' && error.syscall === 'open') {
      throw new Problem(
        `${file} is there already, and stays as it is. hawser config check says what is wrong with it, ${GUIDE} what comes next; --out FILE writes another one.`,
      );
    }
    const isForbidden = error.code === 'EACCES' || error.code === 'EPERM';
    const remedy = isForbidden ? 'Call this as root' : 'Mend that';
    throw new Problem(`${file} cannot be written (${error.code}). ${remedy}, or name another file with --out FILE.`);
  }
}
