/** What the trial of the trunk ports means. Pure. */
import type { PathReport, ProbeReport } from '#signalling/probe.ts';
import { PROBE_SIZES } from '#signalling/probe.ts';
import { failed, ok, type Step, skipped, warning } from './step.ts';

export interface Sides {
  readonly own: string;
  readonly peer: string;
}

/** Packets that may be lost of a hundred before somebody notices. */
const NOTICED_LOSS = 2;
const BAD_LOSS = 10;
/** Delay at which people begin to speak at the same time (ITU-T G.114), ms there and back. */
const LONG_RTT_MS = 300;

export function mediaSteps({ path }: Pick<ProbeReport, 'path'>, { own, peer }: Sides): readonly Step[] {
  const names = ['media-out', 'media-in', 'sizes', 'translation', 'trunk'] as const;
  if (!path) return names.map((step) => skipped(step, TRIED[step], 'no trunk port could be tried'));
  const out = direction('media-out', path.out, { from: own, to: peer, owner: 'them', sender: 'you' });
  const back = direction('media-in', path.in, { from: peer, to: own, owner: 'you', sender: 'them' });
  return [out, back, sizes(path, { own, peer }), translation(path, { own, peer }), trunk(path)];
}

const TRIED = {
  'media-out': 'UDP from your trunk ports',
  'media-in': 'UDP to your trunk ports',
  sizes: `datagrams of ${PROBE_SIZES.join(', ')} bytes`,
  translation: 'addresses and ports as the other side sees them',
  trunk: 'a synthetic trunk for two seconds',
} as const;

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

function sizes(path: NonNullable<ProbeReport['path']>, { own, peer }: Sides): Step {
  const lost = (['out', 'in'] as const).flatMap((way) => {
    const sizes = path[way].lostSizes;
    return sizes.length === 0 ? [] : [`from ${way === 'out' ? own : peer} ${sizes.join(', ')} bytes never arrive`];
  });
  const none = path.out.silent.length === path.out.tried && path.in.silent.length === path.in.tried;
  if (none) return skipped('sizes', TRIED.sizes, 'nothing arrives at all');
  if (lost.length === 0) return ok('sizes', TRIED.sizes, 'all of them arrive');
  return failed('sizes', TRIED.sizes, {
    saw: lost.join('; '),
    cause:
      'a part of the way takes smaller packets only, and does not say so (an MTU hole): a tunnel, or a firewall that drops ICMP',
    todo: 'Let ICMP "fragmentation needed" and ICMPv6 "packet too big" through, or give the way an MTU of 1500.',
    who: 'you',
  });
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

function trunk({ out, in: back, rttMs }: NonNullable<ProbeReport['path']>): Step {
  const loss = (path: PathReport) =>
    path.stream.sentPackets === 0 ? 100 : Math.max(0, (1 - path.stream.packets / path.stream.sentPackets) * 100);
  const [lostOut, lostIn] = [loss(out), loss(back)];
  const rtt = rttMs === undefined ? 'no round trip' : `round trip ${rttMs.toFixed(1)} ms`;
  const saw = `${mbit(out)} Mbit/s out with ${lostOut.toFixed(1)} % lost, ${mbit(back)} Mbit/s in with ${lostIn.toFixed(1)} % lost, ${rtt}`;
  const worst = Math.max(lostOut, lostIn);
  if ([out, back].some(({ silent, tried }) => silent.length === tried))
    return skipped('trunk', TRIED.trunk, 'in one direction nothing arrives at all');
  const trouble = {
    saw,
    cause: `the way ${lostOut >= lostIn ? 'out' : 'in'} is too narrow or loses packets: a full line, a policer, or Wi-Fi`,
    todo: 'Measure the line on that side, and give media precedence there.',
    who: 'you',
  } as const;
  if (worst >= BAD_LOSS) return failed('trunk', TRIED.trunk, trouble);
  if (worst >= NOTICED_LOSS) return warning('trunk', TRIED.trunk, trouble);
  if ((rttMs ?? 0) >= LONG_RTT_MS) {
    const slow = {
      cause: 'the way is long, or something on it holds packets up',
      todo: 'Look where the delay comes in: mtr to the other SFT.',
    };
    return warning('trunk', TRIED.trunk, { ...trouble, ...slow });
  }
  return ok('trunk', TRIED.trunk, saw);
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
