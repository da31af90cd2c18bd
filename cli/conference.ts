/** `hawser conference`: the conferences of this site's running servers, and what their administrator does in them. */
import type Type from 'typebox';
import { CallActed, CallReports } from '#signalling/administration.ts';
import type { DomainName } from '#signalling/ids.ts';
import { columns } from './certs/columns.ts';
import { command, type Terminal } from './command.ts';
import { conferenceIn, personIn } from './conference/find.ts';
import { type Listed, merged, type Person } from './conference/merge.ts';
import { LIST_HEAD, organisationsOf, PEOPLE_HEAD, personRow, roleOf, rowOf, timeOf } from './conference/rows.ts';
import { Problem, UsageError } from './errors.ts';
import { configFlag, jsonFlag as json } from './flags.ts';
import { ask, mustAsk, notRunning, Refused } from './servers/ask.ts';
import { type Ports, portsOf } from './servers/ports.ts';
import { type Path, SftConferences, SftPaths } from './servers/sft-answers.ts';

const config = configFlag('The site, which names the ports of both servers');

const WORDS = [
  'CONFERENCE and PARTICIPANT are as much of the id as no other one begins with; what begins with - goes behind --.',
  'Somebody of this domain is also meant by his handle, such as @alice.',
];

export const conferenceList = command({
  name: 'conference list',
  summary: 'List the conferences that go on',
  usage: '',
  about: [
    'Asks both running servers. What one of them would have told is - where it does not run.',
    'ROLE is that of the media server here; LED BY names the domain whose homeserver decides who is in.',
  ],
  flags: { config, json },
  async run({ flags, out, err, signal }) {
    const { own, all } = await view(flags.config, { err, signal });
    if (flags.json) out(JSON.stringify({ domain: own, conferences: all.map((each) => jsonOf(each, own)) }));
    else if (all.length === 0) out('No conference goes on.');
    else for (const line of columns([LIST_HEAD, ...all.map((each) => rowOf(each, own))])) out(line);
    return 0;
  },
});

export const conferenceShow = command({
  name: 'conference show',
  summary: 'Say who is in a conference, what they send, and how it reaches them',
  usage: 'CONFERENCE',
  words: { min: 1, max: 1 },
  about: [
    ...WORDS,
    'People of this domain have their handles, others are pseudonyms here. PATH, RTT, LOSS and MBIT/S are known of the clients',
    'of this media server: IN is what it gets of them. RTT is known of whoever receives something.',
  ],
  flags: { config, json },
  async run({ flags, args: [word = ''], out, err, signal }) {
    const { ports, own, all } = await view(flags.config, { err, signal });
    const listed = conferenceIn(all, word);
    const answer = listed.here
      ? await ask(ports.sft, ['GET', `/conferences/${listed.conference}`], SftPaths, signal)
      : undefined;
    const paths = new Map<string, Path>(answer?.paths.map((path) => [path.participant, path]));
    if (flags.json) {
      const participants = listed.people.map((person) => ({ ...person, path: paths.get(person.participant) }));
      out(JSON.stringify({ ...jsonOf(listed, own), participants }));
      return 0;
    }
    for (const line of headOf(listed, own)) out(line);
    const rows = listed.people.map((person) => personRow(person, paths.get(person.participant)));
    if (rows.length > 0) for (const line of ['', ...columns([PEOPLE_HEAD, ...rows])]) out(line);
    return 0;
  },
});

export const conferenceKick = command({
  name: 'conference kick',
  summary: 'Put somebody out of a conference',
  usage: 'CONFERENCE PARTICIPANT',
  words: { min: 2, max: 2 },
  about: [
    ...WORDS,
    'Where the homeserver here leads the call, whoever is put out comes in again only where somebody who moderates it lets him in,',
    'and those who moderate are put out too. Where another domain leads it, only people of this domain can be put out, and for good.',
    'It holds for this call alone: the next one of the same conversation lets everybody in.',
  ],
  flags: { config, json },
  async run({ flags, args: [word = '', whom = ''], out, err, signal }) {
    const { ports, all } = await view(flags.config, { err, signal });
    const { conference, person } = personOf(all, word, whom);
    const { participant } = person;
    const { reach, hub } = await act(ports, conference, 'put-out', { participant }, signal);
    if (flags.json) out(JSON.stringify({ conference, participant, reach, hub }));
    else if (reach === 'everywhere')
      out(`${named(person)} is out, and comes in again only where somebody who moderates the call lets him in.`);
    else
      out(
        `${named(person)} is out, and gets no ticket for this call any more. ${hub} leads it and does not know of this.`,
      );
    return 0;
  },
});

export const conferenceMute = command({
  name: 'conference mute',
  summary: 'Switch off microphones in a conference',
  usage: 'CONFERENCE [PARTICIPANT]',
  words: { min: 1, max: 2 },
  about: [...WORDS, 'Each may switch his own on again, as far as those who moderate the call let him speak.'],
  flags: { all: { type: 'boolean', summary: 'Those of everybody' }, config, json },
  async run({ flags, args: [word = '', whom], out, err, signal }) {
    if (flags.all === (whom !== undefined))
      throw new UsageError('conference mute takes either a participant or --all.');
    const { ports, own, all } = await view(flags.config, { err, signal });
    const listed = conferenceIn(all, word);
    const { conference } = listed;
    const person = whom === undefined ? undefined : personIn(listed, whom);
    const wish = person ? { participant: person.participant } : {};
    const { reach, hub } = await act(ports, conference, 'mute', wish, signal);
    if (flags.json) out(JSON.stringify({ conference, ...wish, reach, hub }));
    else if (person) out(`${named(person)} is muted.`);
    else if (reach === 'everywhere') out('Everybody is muted.');
    else out(`Everybody of ${own} is muted. ${hub} leads the call: only its administrator can mute the others.`);
    return 0;
  },
});

export const conferenceEnd = command({
  name: 'conference end',
  summary: 'End a conference for everybody',
  usage: 'CONFERENCE',
  words: { min: 1, max: 1 },
  about: [
    ...WORDS,
    'It ends for all organisations where the homeserver here leads the call, or the media server here is its anchor.',
    'Elsewhere only the people of this domain can be put out, one by one, with hawser conference kick.',
    'Nobody is kept from starting another call in the same conversation.',
  ],
  flags: { config, json },
  async run({ flags, args: [word = ''], out, err, signal }) {
    const { ports, all } = await view(flags.config, { err, signal });
    const { conference } = conferenceIn(all, word);
    const { reach, hub } = await act(ports, conference, 'end', {}, signal);
    if (flags.json) out(JSON.stringify({ conference, reach, hub }));
    else out(`The conference ${conference} is over for all organisations.`);
    return 0;
  },
});

interface View {
  readonly ports: Ports;
  readonly own: DomainName;
  readonly all: readonly Listed[];
}

/** @throws Problem where neither server runs, or the port is that of another domain's homeserver */
async function view(file: string, { err, signal }: Pick<Terminal, 'err' | 'signal'>): Promise<View> {
  const ports = await portsOf(file);
  const { domain } = ports.site;
  const [media, calls] = await Promise.all([
    ask(ports.sft, ['GET', '/state'], SftConferences, signal),
    ask(ports.homeserver, ['GET', '/admin/v1/calls'], CallReports, signal),
  ]);
  if (!media && !calls) {
    throw new Problem(`${notRunning(ports.homeserver).message} ${notRunning(ports.sft).message}`);
  }
  if (calls && calls.domain !== domain) {
    const { address, option } = ports.homeserver;
    throw new Problem(`At ${address} answers ${calls.domain}, not ${domain}. Correct ${option}.`);
  }
  if (!media) err('The media server does not answer, so that nothing is known of what people send.');
  if (!calls)
    err('The homeserver does not answer, so that everybody is a pseudonym, and nothing can be done in a conference.');
  return { ports, own: domain, all: merged(media?.conferences ?? [], calls?.calls ?? []) };
}

function personOf(all: readonly Listed[], word: string, whom: string) {
  const listed = conferenceIn(all, word);
  return { conference: listed.conference, person: personIn(listed, whom) };
}

async function act(
  { homeserver }: Ports,
  conference: string,
  what: 'put-out' | 'mute' | 'end',
  body: object,
  signal: AbortSignal,
): Promise<Type.Static<typeof CallActed>> {
  try {
    return await mustAsk(homeserver, ['POST', `/admin/v1/calls/${conference}/${what}`], CallActed, signal, body);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    throw new Problem(`${error.message}${ADVICE[error.code] ?? ''}`, { cause: error });
  }
}

const ADVICE: Readonly<Record<string, string>> = {
  HOME_CALL_ELSEWHERE: ' People of this domain can be put out and muted here.',
  HOME_SFT_UNREACHABLE: ' Where another domain leads the call, nothing can be done without it: look at its log.',
};

function headOf(listed: Listed, own: DomainName): string[] {
  const { conference, since, anchor, hub, waiting, locked } = listed;
  return [
    `Conference ${conference}, since ${timeOf(since)} UTC`,
    `Media server here: ${roleOf(listed, own)}; anchor: ${anchor}; led by ${hub ?? 'a homeserver that is not known now'}`,
    `Organisations: ${organisationsOf(listed)}`,
    ...(waiting > 0 ? [`In the lobby: ${waiting}`] : []),
    ...(locked ? ['It is locked: nobody comes in.'] : []),
  ];
}

function jsonOf(listed: Listed, own: DomainName) {
  const { people, here, ...rest } = listed;
  return { ...rest, role: roleOf(listed, own), participants: people };
}

function named({ handle, participant, domain }: Person): string {
  return `${handle === undefined ? participant : `@${handle}`} of ${domain}`;
}
