/** What single values cannot show: a page that no browser gives a camera, a password that is for nothing. */
import { isIP } from 'node:net';
import { parseHostAndPort } from './address.ts';
import { wrongDatabase } from './database.ts';
import { isEveryIp, isLocalHost, isLoopbackIp } from './ip.ts';
import type { Mistake } from './mistakes.ts';
import { type Leaf, mistake, text } from './yaml.ts';

/** Names and addresses that are well formed and mean nothing all the same. */
export function checkNames(leaves: readonly Leaf[]): readonly Mistake[] {
  const unannounced = leaves.flatMap(({ path, value, place }) => {
    const announced = path.replace(/listenIp$/, 'announcedIp');
    const silent = announced !== path && isEveryIp(String(value)) && !leaves.some((leaf) => leaf.path === announced);
    const remedy = `Add announcedIp with the address that others reach, for instance: announcedIp: 203.0.113.7`;
    const message = `${path} is every address; say in ${announced} which one others reach.`;
    return silent ? [mistake(place, message, { path, remedy })] : [];
  });
  const wrong = leaves.flatMap(({ path, schema, value, place }) => {
    const wrong = typeof value === 'string' ? wrongName(path, value, text(schema, 'kind')) : undefined;
    return wrong === undefined ? [] : [mistake(place, `${path}: ${wrong[0]}`, { path, remedy: wrong[1] })];
  });
  return [...unannounced, ...wrong, ...checkEntrance(leaves), ...checkPassword(leaves), ...checkRegistration(leaves)];
}

/** Without a database the password's file would be there for nothing, and SQLite be used in silence. */
function checkPassword(leaves: readonly Leaf[]): readonly Mistake[] {
  const file = leaves.find(({ path }) => path === 'homeserver.databasePasswordFile');
  if (!file || leaves.some(({ path }) => path === 'homeserver.database')) return [];
  const { path, place } = file;
  const remedy = 'Add homeserver.database with the URL of the database, or take the password out.';
  return [mistake(place, `${path} is for homeserver.database, which is not there.`, { path, remedy })];
}

/** Ways to register that lead nowhere, and a password that is asked for nowhere. */
function checkRegistration(leaves: readonly Leaf[]): readonly Mistake[] {
  const leaf = (path: string) => leaves.find((candidate) => candidate.path === `homeserver.${path}`);
  const mode = leaf('registration.mode');
  const domains = leaf('registration.emailDomains');
  const password = leaf('mail.passwordFile');
  const mistakes: Mistake[] = [];
  if (mode && mode.value !== 'closed' && !leaf('mail.url')) {
    const why = 'people register by e-mail, so homeserver.mail must say how it is sent.';
    mistakes.push(
      mistake(mode.place, `${mode.path}: ${why}`, { path: mode.path, remedy: 'Add homeserver.mail, or write closed.' }),
    );
  }
  if (mode?.value === 'domains' && Array.isArray(domains?.value) && domains.value.length === 0) {
    const why = 'homeserver.registration.emailDomains must name at least one domain.';
    mistakes.push(
      mistake(mode.place, `${mode.path}: ${why}`, { path: mode.path, remedy: 'Add the list, or take another mode.' }),
    );
  }
  if (password && !leaf('mail.user')) {
    const { path, place } = password;
    mistakes.push(
      mistake(place, `${path}: a password needs homeserver.mail.user.`, {
        path,
        remedy: 'Add user, or take the password out.',
      }),
    );
  }
  return mistakes;
}

/** Whoever sends the first packet is taken for the client, so that nobody else may be able to. */
function checkEntrance(leaves: readonly Leaf[]): readonly Mistake[] {
  const entrance = leaves.find(({ path, value }) => path === 'sft.media.entrance' && value === 'plain');
  const listens = leaves.find(({ path }) => path === 'sft.media.listenIp');
  if (!entrance || isLoopbackIp(String(listens?.value))) return [];
  const { path, place } = entrance;
  const remedy = 'Take it out: people come by WebRTC.';
  return [
    mistake(place, `${path}: plain RTP is for load tests with sft.media.listenIp on loopback.`, { path, remedy }),
  ];
}

/** What is wrong, and what to do. */
type Wrong = readonly [message: string, remedy: string];

function wrongName(path: string, value: string, kind: string): Wrong | undefined {
  if (path === 'domain' && value.startsWith('sft.')) {
    const message = 'a domain cannot begin with sft., which is the name of the SFT of another one.';
    return [message, 'Write the domain of the organisation, as it stands in the addresses of its people.'];
  }
  if (kind === 'database') {
    const wrong = wrongDatabase(value);
    return wrong === undefined ? undefined : [wrong, 'A right one is postgresql://hawser@db.alpha.example/hawser.'];
  }
  if (kind === 'ip' && isIP(value) === 0) return [`${value} is not an IP address.`, AN_ADDRESS];
  if (kind === 'listen' || kind === 'address') {
    const parsed = parseHostAndPort(value);
    if (parsed === undefined) return ['the port must be 1 to 65535.', 'Write such a port behind the last colon.'];
    if (kind === 'listen' && isIP(parsed.host) === 0) return [`${parsed.host} is not an IP address.`, AN_ADDRESS];
  }
  if (kind === 'url') {
    if (!URL.canParse(value)) return ['this is not a URL.', 'Write a name, or four numbers from 0 to 255.'];
    const { protocol, hostname } = new URL(value);
    if ((protocol === 'http:' || protocol === 'ws:') && !isLocalHost(hostname)) {
      const secure = protocol === 'http:' ? 'https' : 'wss';
      const message = `without ${secure} browsers give no camera and no microphone, except on localhost.`;
      return [message, `Write ${secure}://, with a certificate in tls beside it or at a reverse proxy.`];
    }
  }
  return undefined;
}

const AN_ADDRESS = 'Write four numbers from 0 to 255 with dots between them, or an IPv6 address.';
