/** What the trial of the trunk ports means. Pure. */
import type { PathReport, ProbeReport } from '#signalling/probe.ts';
import { PROBE_SIZES } from '#signalling/probe.ts';
import { failed, ok, type Step, skipped, type Who, warning } from './step.ts';

export interface Sides {
  readonly own: string;
  readonly peer: string;
}

/** Packets that may be lost of a hundred before somebody notices. */
const NOTICED_LOSS = 2;
const BAD_LOSS = 10;
/** Delay at which people begin to speak at the same time (ITU-T G.114), ms there and back. */
const LONG_RTT_MS = 300;

export function mediaSteps(
  { path, left, ended }: Pick<ProbeReport, 'path' | 'left' | 'ended'>,
  sides: Sides,
): readonly Step[] {
  const { own, peer } = sides;
  const names = ['media-out', 'media-in', 'sizes', 'translation', 'trunk'] as const;
  const first = left ? [portsStep(left, ended, path !== undefined, sides)] : [];
  if (!path) {
    const why = left ? 'no trunk port could be tried' : 'your address has to be approved there first';
    return [...first, ...names.map((step) => skipped(step, TRIED[step], why))];
  }
  const out = direction('media-out', path.out, { from: own, to: peer, owner: 'them', sender: 'you' });
  const back = direction('media-in', path.in, { from: peer, to: own, owner: 'you', sender: 'them' });
  return [...first, out, back, sizes(path, sides), translation(path, sides), trunk(path, sides)];
}

const TRIED = {
  ports: 'the trunk ports of both sides',
  'media-out': 'UDP from your trunk ports',
  'media-in': 'UDP to your trunk ports',
  sizes: `datagrams of ${PROBE_SIZES.join(', ')} bytes`,
  translation: 'addresses and ports as the other side sees them',
  trunk: 'a synthetic trunk for two seconds',
} as const;

/** Which ports were left out, and why: of those that were tried the other steps tell. */
function portsStep(
  left: NonNullable<ProbeReport['left']>,
  ended: string | undefined,
  isTried: boolean,
  sides: Sides,
): Step {
  const { own, far } = left;
  const { own: us, peer } = sides;
  const of = (ports: readonly number[], whose: string, what: string) =>
    ports.length === 0 ? [] : [`${rangesOf(ports)} of ${whose} ${what}`];
  const busy = [...of(own.busy, us, 'are left to calls'), ...of(far.busy, peer, 'are left to calls')];
  const saw = [
    ...of(own.taken, us, 'are held by another program'),
    ...of(far.taken, peer, 'were not to be had: another program holds them, or calls do'),
    ...of(own.late, us, 'were not tried'),
    ...of(far.late, peer, 'were not tried'),
    ...(ended === undefined ? [] : [`the examination broke off (${ended})`]),
    ...busy,
  ].join('; ');
  const told = isTried ? warning : failed;
  if (own.taken.length > 0) {
    return told('ports', TRIED.ports, {
      ...{ saw, who: 'you' },
      cause: 'a program of this machine took ports that sft.trunk.ports gives to trunks',
      todo: 'See which one it is, and give one of the two other ports: ss -ulpn. Reserve the range: docs/guides/ports.md',
    });
  }
  if (far.taken.length > 0) {
    return told('ports', TRIED.ports, {
      ...{ saw, who: 'them' },
      cause: 'a program there took ports that sft.trunk.ports gives to trunks, or calls began meanwhile',
      todo: 'See whether another program is among those that hold them: ss -ulpn',
    });
  }
  if (ended !== undefined) {
    return warning('ports', TRIED.ports, {
      ...{ saw, who: 'you' },
      cause: 'the way is slow, or one of the two SFTs has much to do: an examination has 20 seconds',
      todo: 'Call the doctor again when less goes on.',
    });
  }
  if (own.late.length + far.late.length > 0) {
    return warning('ports', TRIED.ports, {
      ...{ saw, who: 'you' },
      cause: 'there are more than one examination tries',
      todo: 'Call the doctor again: it goes on with those.',
    });
  }
  return ok('ports', TRIED.ports, busy.length === 0 ? 'all of them were tried' : `${saw}; all others were tried`);
}

interface Direction {
  readonly from: string;
  readonly to: string;
  /** Who owns the receiving end, and who the sending one. */
  readonly owner: 'you' | 'them';
  readonly sender: 'you' | 'them';
}

function direction(step: 'media-out' | 'media-in', path: PathReport, { from, to, owner, sender }: Direction): Step {
  const { tried, silent, unsent } = path;
  const what = `${TRIED[step]}, ${tried} pairs of ports`;
  if (silent.length === 0) return ok(step, what, 'all of them got through');
  const [inRule, outRule] = [`trunk-in:${from}`, `trunk-out:${to}`];
  const ports = rangesOf(silent.map((pair) => (step === 'media-out' ? pair.to : pair.from)));
  const saw =
    silent.length === tried
      ? `nothing arrived at ${to}`
      : `${silent.length} got through to nobody: ports ${ports} of ${step === 'media-out' ? to : from}`;
  if (unsent > 0) {
    return failed(step, what, {
      ...{ saw: `${saw}; the machine of ${from} did not let ${unsent} datagrams out`, who: sender, rule: outRule },
      cause: `a firewall on the SFT of ${from} drops what goes out`,
      todo: `Open ${outRule} at ${from}.`,
    });
  }
  const where =
    silent.length === tried ? '' : ` It is open for a part of the ports only: compare the range with sft.trunk.ports.`;
  return failed(step, what, {
    ...{ saw, who: owner, rule: inRule },
    cause: `a firewall in front of the SFT of ${to} drops UDP from ${from}`,
    todo: `Open ${inRule} at ${to}.${where}`,
  });
}

function sizes({ out, in: back }: NonNullable<ProbeReport['path']>, { own, peer }: Sides): Step {
  if (isClosed(out) && isClosed(back)) return skipped('sizes', TRIED.sizes, 'nothing arrives at all');
  const lost = [
    ...(out.lostSizes.length === 0 ? [] : [`from ${own} ${out.lostSizes.join(', ')} bytes never arrive`]),
    ...(back.lostSizes.length === 0 ? [] : [`from ${peer} ${back.lostSizes.join(', ')} bytes never arrive`]),
  ];
  if (lost.length === 0) return ok('sizes', TRIED.sizes, 'all of them arrive');
  return failed('sizes', TRIED.sizes, {
    saw: lost.join('; '),
    cause:
      'a part of the way takes smaller packets only, and does not say so (an MTU hole): a tunnel, or a firewall that drops ICMP; on which side, or between the two, nobody sees from here',
    todo: 'Let ICMP "fragmentation needed" and ICMPv6 "packet too big" through, or give the way an MTU of 1500.',
    who: losing(out.lostSizes.length > 0, back.lostSizes.length > 0),
  });
}

function isClosed({ silent, tried }: PathReport): boolean {
  return silent.length === tried;
}

/** Who looks first: whoever sends what is lost, since his own line is the first part of the way. Both where both directions lose. */
function losing(out: boolean, back: boolean): Who {
  return out && back ? 'both' : out ? 'you' : 'them';
}

function translation(path: NonNullable<ProbeReport['path']>, { own, peer }: Sides): Step {
  const [out, back] = [path.out.translated, path.in.translated];
  const found = out ?? back;
  if (!found) return ok('translation', TRIED.translation, 'nothing changes them');
  const mine = out !== undefined;
  const { said, seen } = found;
  return failed('translation', TRIED.translation, {
    saw: `what ${mine ? own : peer} sends from ${said.ip}:${said.port} comes from ${seen.ip}:${seen.port}`,
    cause:
      said.ip === seen.ip
        ? 'address translation on the way changes ports'
        : 'address translation on the way changes the address',
    todo:
      said.ip === seen.ip
        ? 'Map each trunk port to the same port outside: static translation, one to one.'
        : `Write ${seen.ip} as sft.trunk.announcedIp, and tell the other side the new prefix.`,
    who: mine ? 'you' : 'them',
  });
}

function trunk({ out, in: back, rttMs }: NonNullable<ProbeReport['path']>, { own, peer }: Sides): Step {
  if (isClosed(out) || isClosed(back)) return skipped('trunk', TRIED.trunk, 'in one direction nothing arrives at all');
  const [lostOut, lostIn] = [lossOf(out), lossOf(back)];
  const rtt = rttMs === undefined ? 'no round trip' : `round trip ${rttMs.toFixed(1)} ms`;
  const saw = `${mbit(out)} Mbit/s out with ${lostOut.toFixed(1)} % lost, ${mbit(back)} Mbit/s in with ${lostIn.toFixed(1)} % lost, ${rtt}`;
  const worst = Math.max(lostOut, lostIn);
  if (worst >= NOTICED_LOSS) {
    const who = losing(lostOut >= NOTICED_LOSS, lostIn >= NOTICED_LOSS);
    const way = who === 'both' ? 'in both directions' : `from ${who === 'you' ? own : peer}`;
    return (worst >= BAD_LOSS ? failed : warning)('trunk', TRIED.trunk, {
      ...{ saw, who },
      cause: `the way ${way} is too narrow or loses packets: a full line, a policer, or Wi-Fi, on either side or between the two`,
      todo: 'Measure the own line while a call goes on, and give media precedence there; if it is well, ask who carries the packets.',
    });
  }
  if ((rttMs ?? 0) < LONG_RTT_MS) return ok('trunk', TRIED.trunk, saw);
  return warning('trunk', TRIED.trunk, {
    ...{ saw, who: 'both' },
    cause: 'the way is long, or something on it holds packets up',
    todo: 'Look where the delay comes in: mtr to the other SFT.',
  });
}

/** Of a hundred packets. */
function lossOf({ stream }: PathReport): number {
  return stream.sentPackets === 0 ? 100 : Math.max(0, (1 - stream.packets / stream.sentPackets) * 100);
}

function mbit({ stream }: PathReport): string {
  return (stream.kbps / 1_000).toFixed(1);
}

/** `41000-41003, 41010` */
export function rangesOf(numbers: readonly number[]): string {
  const sorted = [...new Set(numbers)].sort((a, b) => a - b);
  const ranges: { from: number; to: number }[] = [];
  for (const number of sorted) {
    const last = ranges.at(-1);
    if (last && last.to === number - 1) last.to = number;
    else ranges.push({ from: number, to: number });
  }
  return ranges.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`)).join(', ');
}
