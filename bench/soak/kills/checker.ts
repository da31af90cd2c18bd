/**
 * Whether everybody has what was accepted: compares what the devices wrote and what the hub acknowledged with what the
 * application of each device was told and shows in the end. Pure.
 */

/** One thing that somebody said: the n-th that a device wrote to a conversation, from 1. */
export interface Message {
  readonly conversation: string;
  /** The label of the device that wrote it. */
  readonly writer: string;
  readonly number: number;
}

/**
 * What became of it, as far as its writer knows. `tried`: the device died before it said that it has it. `stored`: it waits
 * on the device. `accepted`: the hub acknowledged it. `failed`: the writer was told that it was refused.
 */
export interface Written extends Message {
  readonly state: 'tried' | 'stored' | 'accepted' | 'failed';
  /** The place that the hub gave to it. */
  readonly order?: number | undefined;
}

/** A message as the application of another device got it. */
export interface Shown extends Message {
  readonly order: number;
}

/** What is on one device in the end. */
export interface View {
  readonly device: string;
  readonly conversation: string;
  /** From the first to the last, as it shows them; its own ones too. */
  readonly shown: readonly Shown[];
  /** Places of which it shows that it cannot read them, and why. */
  readonly unreadable: readonly { readonly order: number; readonly why: string }[];
}

/** What an application was told between its start and its end, in that order. Its own messages are not in it. */
export interface Telling {
  readonly device: string;
  readonly told: readonly Shown[];
}

export interface Evidence {
  /** For each conversation the devices that were in it all the time. */
  readonly members: ReadonlyMap<string, readonly string[]>;
  readonly written: readonly Written[];
  /** One for each device and conversation. */
  readonly views: readonly View[];
  /** One for each life of an application. */
  readonly tellings: readonly Telling[];
}

/**
 * `lost`: accepted, and not on a device. `doubled`: twice on a device, or told twice. `reordered`: not in the order of the
 * hub, or of its writer. `unaccepted`: somebody has it, and its writer does not know that it was accepted, or never wrote it.
 * `unreadable`: there is something at this place that the device cannot read. `stuck`: it still waits on its writer's device.
 */
export type Kind = 'lost' | 'doubled' | 'reordered' | 'unaccepted' | 'unreadable' | 'stuck';

export interface Finding {
  readonly kind: Kind;
  readonly device: string;
  readonly conversation: string;
  /** `alice-1/17`; or why nothing can be read, and at which place. */
  readonly what: string;
}

/** Everything that is wrong; empty where all is well. */
export function findingsIn(evidence: Evidence): Finding[] {
  const written = new Map(evidence.written.map((each) => [keyOf(each), each]));
  const findings = evidence.written.filter(({ state }) => state === 'stored').map((each) => finding('stuck', each));
  for (const view of evidence.views) findings.push(...findingsOf(view, written));
  for (const { device, told } of evidence.tellings) {
    for (const [conversation, some] of Map.groupBy(told, (each) => each.conversation)) {
      findings.push(...inSequence(device, conversation, some), ...unaccepted(device, some, written));
    }
  }
  findings.push(...lostIn(evidence));
  return distinct(findings);
}

function findingsOf({ device, conversation, shown, unreadable }: View, written: ReadonlyMap<string, Written>) {
  return [
    ...inSequence(device, conversation, shown),
    ...unaccepted(device, shown, written),
    ...unreadable.map(({ order, why }): Finding => {
      return { kind: 'unreadable', device, conversation, what: `${why} at ${order}` };
    }),
  ];
}

/** Each once, by growing places, and what one device wrote by growing numbers. */
function inSequence(device: string, conversation: string, shown: readonly Shown[]): Finding[] {
  const findings: Finding[] = [];
  const seen = new Set<string>();
  const newest = new Map<string, number>();
  let place = Number.NEGATIVE_INFINITY;
  for (const each of shown) {
    const at = (kind: Kind) => findings.push({ kind, device, conversation, what: nameOf(each) });
    if (seen.has(keyOf(each))) {
      at('doubled');
      continue;
    }
    seen.add(keyOf(each));
    if (each.order <= place || each.number < (newest.get(each.writer) ?? 0)) at('reordered');
    place = Math.max(place, each.order);
    newest.set(each.writer, Math.max(each.number, newest.get(each.writer) ?? 0));
  }
  return findings;
}

/** Nobody has what was not accepted, and everybody has it where the hub put it. */
function unaccepted(device: string, shown: readonly Shown[], written: ReadonlyMap<string, Written>): Finding[] {
  return shown.flatMap((each) => {
    const known = written.get(keyOf(each));
    if (known?.state !== 'accepted') return [finding('unaccepted', each, device)];
    if (known.order === undefined || known.order === each.order) return [];
    const what = `${nameOf(each)} at ${each.order} and not at ${known.order}`;
    return [{ ...finding('reordered', each, device), what }];
  });
}

/** What was accepted, or is on any device, is on all of them. */
function lostIn({ members, written, views }: Evidence): Finding[] {
  const shown = new Map(
    views.map((view) => [`${view.device} ${view.conversation}`, new Set(view.shown.map((each) => keyOf(each)))]),
  );
  const everywhere = new Map<string, Message>();
  for (const each of written) if (each.state === 'accepted') everywhere.set(keyOf(each), each);
  for (const each of views.flatMap((view) => view.shown)) everywhere.set(keyOf(each), each);
  return [...everywhere].flatMap(([key, message]) =>
    (members.get(message.conversation) ?? [])
      .filter((device) => !shown.get(`${device} ${message.conversation}`)?.has(key))
      .map((device) => finding('lost', message, device)),
  );
}

function finding(kind: Kind, message: Message, device = message.writer): Finding {
  return { kind, device, conversation: message.conversation, what: nameOf(message) };
}

function nameOf({ writer, number }: Message): string {
  return `${writer}/${number}`;
}

function keyOf(message: Message): string {
  return `${message.conversation} ${nameOf(message)}`;
}

function distinct(findings: readonly Finding[]): Finding[] {
  return [...new Map(findings.map((each) => [JSON.stringify(each), each])).values()];
}
