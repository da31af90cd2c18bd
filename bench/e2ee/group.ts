/** What a large group costs one device: in Chromium, as a page has it, and on Node with Node's own cryptography. */
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { PageBrowser } from '#client/testing/page-browser.ts';
import { Credentials } from '#mls/credentials.ts';
import { Group } from '#mls/group.ts';
import { nodeEngine } from '#mls/node-engine.ts';
import type { GroupParts } from '#mls/public-group.ts';
import { Crowd } from '#mls/testing/crowd.ts';
import { TestHub } from '#mls/testing/hub.ts';
import { GROUP, MemoryStore, request, type TestDevice } from '#mls/testing/world.ts';
import type { Guard } from '../guarded.ts';
import type { PageParts } from './group-page.ts';

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
const JOINS = 7;

/** Half of the members have renewed their keys since they came. */
export async function largeGroup(devices: number, { undo }: Guard): Promise<LargeGroup> {
  const browser = await PageBrowser.start({ page: join(import.meta.dirname, 'group-page.ts') });
  undo.defer(() => browser.close());
  const page = await browser.tab();
  const hub = await TestHub.make();
  const crowd = await Crowd.gather(hub, devices, Math.ceil(devices / 2));
  // The one who commits makes keys of his own above his leaf: those that others renewed there he never had.
  await crowd.change();
  // Ahead of what is measured: what was never run is slow in any browser.
  const [first] = await joins(page, hub, crowd, 3);
  if (first === undefined) throw new Error('nobody joined');
  const joined = await joins(page, hub, crowd, JOINS);
  await page.evaluate(() => window.member.accepted());
  await crowd.take(Buffer.from(joined.at(-1)?.commit ?? '', 'base64'));
  const { group: node, commit: joinedOnNode } = await onNode(hub, crowd);
  await page.evaluate((text) => window.member.take(text), base64(joinedOnNode));
  const commitMs = { chromium: [] as number[], node: [] as number[] };
  for (let count = 0; count < COMMITS; count++) {
    const { commit } = await crowd.change();
    const began = performance.now();
    await node.receive(commit);
    commitMs.node.push(performance.now() - began);
    commitMs.chromium.push(await page.evaluate((text) => window.member.take(text), base64(commit)));
  }
  const churned = await Crowd.gather(hub, devices, Math.ceil(devices / 2));
  for (let count = 0; count < devices / 10; count++) await churned.change();
  const churnedJoins = await joins(page, hub, churned, JOINS);
  return {
    devices,
    commitMs: { chromium: median(commitMs.chromium), node: median(commitMs.node) },
    joinMs: median(joined.map(({ ms }) => ms)),
    churnedJoinMs: median(churnedJoins.map(({ ms }) => ms)),
  };
}

let joiners = 0;

/** Several devices that each join as if the others had not. */
async function joins(page: Page, hub: TestHub, crowd: Crowd, count: number) {
  const parts = await crowd.parts();
  const made: { readonly ms: number; readonly commit: string }[] = [];
  for (let at = 0; at < count; at++) {
    const device = await hub.world.device(`joiner${++joiners}/one`);
    made.push(await page.evaluate((given) => window.member.join(given), forPage(hub, parts, device)));
  }
  return made;
}

/** The page's commit is in; this device joins behind it, by a commit that the page has to follow. */
async function onNode(hub: TestHub, crowd: Crowd): Promise<{ readonly group: Group; readonly commit: Uint8Array }> {
  const device = await hub.world.device(`joiner${++joiners}/one`);
  const credentials = new Credentials((domain) => hub.world.domains.get(domain)?.authority, nodeEngine);
  const environment = { ...hub.world.environment, credentials, engine: nodeEngine };
  const parts = { group: GROUP, ...(await crowd.parts()), device: device.keys, id: request() };
  const group = await Group.joinExternally(parts, new MemoryStore(), environment);
  const { id = '', commit = new Uint8Array() } = group.pending ?? {};
  await group.accepted(id);
  await crowd.take(commit);
  return { group, commit };
}

function forPage({ world, environment }: TestHub, { groupInfo, tree }: GroupParts, { keys }: TestDevice): PageParts {
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
