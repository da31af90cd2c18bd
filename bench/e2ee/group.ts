/** What a large group costs one device: in Chromium, as a page has it, and on Node with Node's own cryptography. */
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { PageBrowser } from '#client/testing/page-browser.ts';
import { Crowd } from '#mls/testing/crowd.ts';
import { TestHub } from '#mls/testing/hub.ts';
import { GROUP } from '#mls/testing/world.ts';
import type { Guard } from '../guarded.ts';
import { Helper } from '../helper.ts';
import type { MemberParts } from './group-member.ts';
import type { NodeMember } from './group-node.ts';
import type {} from './group-page.ts';

export interface LargeGroup {
  readonly devices: number;
  /** To follow a commit of somebody else, by which one comes and one goes; medians, ms. */
  readonly commitMs: { readonly chromium: number; readonly node: number };
  /** To make an external commit, with all that is checked before; median, ms. */
  readonly joinMs: number;
  /** The same where a tenth of the members has gone and others have come. */
  readonly churnedJoinMs: number;
}

const COMMITS = 25;
/** Before those that count. */
const FIRST_COMMITS = 10;
const JOINS = 7;
/** Of the group by which a page or process gets going: what was never run is slow. */
const SMALL = 60;
const ROUNDS = 20;

/** Half of the members have renewed their keys since they came. */
export async function largeGroup(devices: number, { undo, onDied }: Guard): Promise<LargeGroup> {
  const browser = await PageBrowser.start({ page: join(import.meta.dirname, 'group-page.ts') });
  undo.defer(() => browser.close());
  const node = Helper.start<NodeMember>('member on Node', join(import.meta.dirname, 'group-node.ts'), undo, onDied);
  const hub = await TestHub.make();
  const small = await Crowd.gather(hub, SMALL, SMALL / 2);
  const crowd = await Crowd.gather(hub, devices, Math.ceil(devices / 2));
  // The one who commits makes keys of his own above his leaf: those that others renewed there he never had.
  await crowd.change();
  const inPage = async (page: Page) => {
    const member: Joiner = { join: (parts) => page.evaluate((given) => window.member.join(given), parts) };
    await getGoing(member, hub, small);
    return member;
  };
  /** Each in a page of its own, which has seen nobody of the group. */
  const joins = async (group: Crowd) => {
    const made: { readonly page: Page; readonly ms: number; readonly commit: string }[] = [];
    for (let count = 0; count < JOINS; count++) {
      const page = await browser.tab();
      const member = await inPage(page);
      made.push({ page, ...(await member.join(await partsFor(hub, group))) });
    }
    return made;
  };
  const joined = await joins(crowd);
  const last = joined.at(-1);
  if (last === undefined) throw new Error('nobody joined');
  await last.page.evaluate(() => window.member.accepted());
  await crowd.take(Buffer.from(last.commit, 'base64'));
  await getGoing({ join: (parts) => node.call('join', parts) }, hub, small);
  const { commit: joinedOnNode } = await node.call('join', await partsFor(hub, crowd));
  await node.call('accepted', undefined);
  await crowd.take(Buffer.from(joinedOnNode, 'base64'));
  await last.page.evaluate((text) => window.member.take(text), joinedOnNode);
  const commitMs = { chromium: [] as number[], node: [] as number[] };
  for (let count = -FIRST_COMMITS; count < COMMITS; count++) {
    const commit = base64((await crowd.change()).commit);
    const onNode = await node.call('take', commit);
    const inChromium = await last.page.evaluate((text) => window.member.take(text), commit);
    if (count < 0) continue;
    commitMs.node.push(onNode);
    commitMs.chromium.push(inChromium);
  }
  const churned = await Crowd.gather(hub, devices, Math.ceil(devices / 2));
  for (let count = 0; count < devices / 10; count++) await churned.change();
  const churnedJoins = await joins(churned);
  return {
    devices,
    commitMs: { chromium: median(commitMs.chromium), node: median(commitMs.node) },
    joinMs: median(joined.map(({ ms }) => ms)),
    churnedJoinMs: median(churnedJoins.map(({ ms }) => ms)),
  };
}

interface Joiner {
  join(parts: MemberParts): Promise<{ readonly ms: number; readonly commit: string }>;
}

async function getGoing(member: Joiner, hub: TestHub, small: Crowd): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) await member.join(await partsFor(hub, small));
}

let joiners = 0;

/** What a new device joins with. */
async function partsFor(hub: TestHub, crowd: Crowd): Promise<MemberParts> {
  const { keys } = await hub.world.device(`joiner${++joiners}/one`);
  const { groupInfo, tree } = await crowd.parts();
  const { world, environment } = hub;
  const authorities = [...world.domains].map(([domain, { authority }]) => ({
    ...{ domain, roots: authority.roots.map(base64), revocations: authority.revocations.map(base64) },
  }));
  return {
    ...{ group: GROUP, groupInfo: base64(groupInfo), tree: base64(tree), authorities },
    device: {
      signatureKey: base64(keys.signatureKey),
      signaturePublicKey: base64(keys.signaturePublicKey),
      certificates: keys.certificates.map(base64),
    },
    hub: { domain: environment.hub.domain, signatureKey: base64(environment.hub.signatureKey) },
  };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Number((sorted[Math.floor(sorted.length / 2)] ?? Number.NaN).toFixed(1));
}
