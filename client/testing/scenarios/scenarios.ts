/**
 * For tests: what people do with their devices, from one end to the other, on a real homeserver. The same in Node and in a browser:
 * a scenario asks its environment for storage, and the SDK for all the rest. Each has people of its own.
 */
import type { ConversationId } from '#signalling/ids.ts';
import { deviceIn, setUpAnew } from '../../device/anew.ts';
import { Device } from '../../device/device.ts';
import { devicesIn, trustOf } from '../../device/verification.ts';
import { codeOf, DAMAGES, type Damage, type Environment, same, until } from './environment.ts';
import { ScenarioDevice, signIn } from './person.ts';

type Scenario = (environment: Environment) => Promise<void>;

/** Somebody's devices, each with a storage of its own; closed at the end. */
class Cast implements AsyncDisposable {
  readonly #environment: Environment;
  readonly #prefix: string;
  readonly #open = new Set<ScenarioDevice>();
  readonly #accounts = new Set<string>();

  constructor(environment: Environment, prefix: string) {
    this.#environment = environment;
    this.#prefix = prefix;
  }

  /** @param name `alice laptop`: a person and one of the devices */
  async device(name: string, signedIn?: ScenarioDevice['account']): Promise<ScenarioDevice> {
    const handle = await this.handle(name);
    const device = await ScenarioDevice.open(this.#environment, handle, this.storage(name), signedIn);
    this.#open.add(device);
    return device;
  }

  async devices<T extends string[]>(...names: T): Promise<{ [K in keyof T]: ScenarioDevice }> {
    const made: ScenarioDevice[] = [];
    for (const name of names) made.push(await this.device(name));
    return made as { [K in keyof T]: ScenarioDevice };
  }

  /** The account of a person, made where it is missing. */
  async handle(name: string): Promise<string> {
    const handle = `${this.#prefix}${name.split(' ')[0]}`;
    if (!this.#accounts.has(handle)) await this.#environment.makeAccount(handle);
    this.#accounts.add(handle);
    return handle;
  }

  storage(name: string): string {
    return `${this.#prefix}${name.replace(' ', '-')}`;
  }

  async close(...devices: readonly ScenarioDevice[]): Promise<void> {
    for (const device of devices) {
      this.#open.delete(device);
      await device.close();
    }
  }

  /** Nothing may have failed that nobody was told of. */
  async [Symbol.asyncDispose](): Promise<void> {
    const open = [...this.#open];
    for (const device of open) await device.close().catch(() => undefined);
    same(
      open.flatMap(({ faults }) => faults),
      [],
      'faults',
    );
  }
}

const SCENARIOS_OF_CAST = {
  'a device is set up once and is the same after a start': async (cast, environment) => {
    const first = await cast.device('ann laptop');
    const { id } = first.messenger.device;
    same(await deviceIn(first.vault), id, 'the device in its storage');
    await first.messenger.devices.refresh();
    same(first.messenger.devices.store.state.devices?.length, 1, 'devices');
    await cast.close(first);
    const again = await cast.device('ann laptop');
    same(again.messenger.device.id, id, 'the device after a start');
    await cast.close(again);
    const account = await signIn(environment, await cast.handle('ann laptop'));
    const disk = await environment.openVault(cast.storage('ben laptop'));
    const other = await Device.open({ account, vault: disk, name: 'another' });
    same(other.id === id, false, 'another storage is another device');
    await disk.close();
  },

  'a group has the devices of its people, all in one epoch': async (cast) => {
    const [ann, phone, ben, cat] = await cast.devices('ann laptop', 'ann phone', 'ben laptop', 'cat laptop');
    const { conversation } = await ann.messenger.create('Group', [ben.user]);
    for (const each of [ann, phone, ben]) await each.joins(conversation);
    const early = await ann.say(conversation, 'early');
    for (const each of [ann, phone, ben]) await each.shows(conversation, 'early');
    // Ben's report is of before Cat, and would be nothing she can read.
    await until(async () => (await ann.delivery(conversation, early, ben.user)) === 'delivered', 'delivered');
    await ann.messenger.addMember(conversation, cat.user);
    await cat.joins(conversation);
    await ben.say(conversation, 'welcome');
    for (const each of [ann, phone, ben]) await each.shows(conversation, 'early', '(added)', 'welcome');
    // Who comes later reads what is said from then on.
    await cat.shows(conversation, 'welcome');
    const late = await cast.device('ben phone');
    await late.joins(conversation);
    await Promise.all([ann, ben].map(async (each) => (await each.messenger.messages(conversation)).group.update()));
    const all = [ann, phone, ben, cat, late];
    await until(async () => {
      const groups = await Promise.all(
        all.map(async ({ messenger }) => (await messenger.messages(conversation)).group.loaded()),
      );
      const codes = new Set(groups.map((group) => `${group?.epoch} ${group?.epochAuthenticator}`));
      return codes.size === 1 && groups[0]?.members.length === all.length;
    }, 'one epoch');
    await late.say(conversation, 'all here');
    for (const each of all) await until(async () => (await each.texts(conversation)).at(-1) === 'all here', 'all here');
  },

  'messages are changed, answered, taken back and reported on': async (cast) => {
    const [ann, ben] = await cast.devices('ann laptop', 'ben laptop');
    const { conversation } = await ann.messenger.create('Messages', [ben.user]);
    const one = await ann.say(conversation, 'one');
    await ben.shows(conversation, 'one');
    await until(async () => (await ann.delivery(conversation, one, ben.user)) === 'delivered', 'delivered');
    await (await ben.messenger.messages(conversation)).read(one);
    await until(async () => (await ann.delivery(conversation, one, ben.user)) === 'read', 'read');
    const body = { kind: 'text', text: { format: 'plain', text: 'one, changed' } } as const;
    await ann.say(conversation, { kind: 'edit', target: one, body });
    await ben.shows(conversation, 'one, changed');
    await ben.say(conversation, { kind: 'reaction', target: one, emojis: ['⚓'] });
    await until(async () => (await ann.item(conversation, one))?.reactions.length === 1, 'the reaction');
    const two = await ben.say(conversation, {
      kind: 'message',
      body: { kind: 'text', text: { format: 'plain', text: 'two' } },
      replyTo: one,
    });
    await ann.shows(conversation, 'one, changed', 'two');
    same((await ann.item(conversation, two))?.quote?.excerpt, 'one, changed', 'what was answered');
    await ben.say(conversation, { kind: 'delete', target: two });
    for (const each of [ann, ben]) await each.shows(conversation, 'one, changed', '(deleted)');
  },

  'what a person does on one device shows on the others': async (cast) => {
    const [ann, phone, ben] = await cast.devices('ann laptop', 'ann phone', 'ben laptop');
    const { conversation } = await ann.messenger.create('Devices', [ben.user]);
    for (const each of [ann, phone, ben]) await each.joins(conversation);
    await ann.say(conversation, 'sent on the laptop');
    await phone.shows(conversation, 'sent on the laptop');
    const summary = (device: ScenarioDevice) => device.following.store.state.get(conversation);
    const asked = await ben.say(conversation, 'read it where you like');
    await until(() => summary(ann)?.unread.messages === 1 && summary(phone)?.unread.messages === 1, 'unread on both');
    await (await phone.messenger.messages(conversation)).read(asked);
    await until(() => summary(ann)?.unread.messages === 0, 'read on the other device');

    await ann.messenger.set(conversation, { muted: 'all' });
    await until(() => summary(phone)?.settings.muted === 'all', 'muted on the other device');
    await phone.messenger.set(conversation, { archived: true });
    await until(() => summary(ann)?.settings.archived === true, 'archived on the other device');
    same(summary(ben)?.settings, {}, 'nobody else is told');

    await ann.connections.act(ben.user, 'block');
    const blocked = (device: ScenarioDevice) =>
      device.connections.store.state.find(({ user }) => user === ben.user)?.state === 'blocked';
    await until(() => blocked(phone), 'blocked on the other device');
    await phone.connections.act(ben.user, 'unblock');
    await until(() => !blocked(ann), 'unblocked on the other device');
  },

  'what was compared on one device counts on those that were compared with it': async (cast) => {
    const [ann, phone, ben] = await cast.devices('ann laptop', 'ann phone', 'ben laptop');
    const { conversation } = await ann.messenger.create('Compared', [ben.user]);
    for (const each of [ann, phone, ben]) await each.joins(conversation);
    const seen = async (device: ScenarioDevice) => {
      const group = await (await device.messenger.messages(conversation)).group.ready();
      return devicesIn(group);
    };
    await until(async () => (await seen(ann)).length === 3 && (await seen(phone)).length === 3, 'all three');
    const trusts = async (device: ScenarioDevice) =>
      trustOf(device.messenger.verification.store.state, await seen(device), ben.user);
    const verify = async (device: ScenarioDevice, other: ScenarioDevice) => {
      const devices = (await seen(device)).filter((each) => each.device === other.messenger.device.id);
      await device.messenger.verification.verify(devices);
    };
    await verify(ann, ben);
    await ann.messenger.idle();
    same(await trusts(phone), 'unverified', 'a device believes no other one that it does not know');
    await verify(ann, phone);
    await verify(phone, ann);
    await until(async () => (await trusts(phone)) === 'verified', 'the phone knows whom the laptop compared');
    await phone.messenger.verification.withdraw(ben.user);
    await until(async () => (await trusts(ann)) === 'unverified', 'and whom it does not trust any more');
  },

  'what is said while the server is away is sent once when it is back': async (cast, environment) => {
    const [ann, ben] = await cast.devices('ann laptop', 'ben laptop');
    const { conversation } = await ann.messenger.create('Away', [ben.user]);
    await ann.say(conversation, 'before');
    await ben.shows(conversation, 'before');
    await environment.stopServer();
    await until(() => !ann.messenger.home.store.state.connected, 'it is noticed');
    for (const said of ['a', 'b', 'c']) await ann.say(conversation, said);
    await ann.shows(conversation, 'before', 'a', 'b', 'c');
    // And what was not sent survives the end of the program.
    await cast.close(ann);
    await environment.startServer();
    const again = await cast.device('ann laptop');
    await ben.shows(conversation, 'before', 'a', 'b', 'c');
    await again.sent(conversation);
    await again.shows(conversation, 'before', 'a', 'b', 'c');
  },

  'a program that ends anywhere on the way of a message loses none and sends none twice': async (cast) => {
    const ben = await cast.device('ben laptop');
    let ann = await cast.device('ann laptop');
    const { conversation } = await ann.messenger.create('Ends', [ben.user]);
    await ben.joins(conversation);
    const wanted: string[] = [];
    for (let write = 0; ; write++) {
      const said = `ends at write ${write}`;
      const { messenger, vault } = ann;
      const messages = await messenger.messages(conversation);
      vault.arm(write, 'after', () => messenger.close());
      await codeOf(ann.say(conversation, said));
      wanted.push(said);
      await until(() => vault.isDead || !messages.isSending, 'it ends, or all is sent');
      if (!vault.isDead) break;
      await cast.close(ann);
      ann = await cast.device('ann laptop');
      await ann.sent(conversation);
    }
    await ben.shows(conversation, ...wanted);
    await cast.close(ann);
    ann = await cast.device('ann laptop');
    await ann.shows(conversation, ...wanted);
  },

  'a device that was removed while nobody was there reads nothing more, and keeps nobody out': async (
    cast,
    environment,
  ) => {
    const [ann, lost, ben] = await cast.devices('ann laptop', 'ann phone', 'ben laptop');
    const { conversation } = await ann.messenger.create('Removed', [ben.user]);
    for (const each of [ann, lost, ben]) await each.joins(conversation);
    await ann.say(conversation, 'before');
    for (const each of [lost, ben]) await each.shows(conversation, 'before');
    await cast.close(ann, lost, ben);
    const account = await signIn(environment, await cast.handle('ann laptop'));
    const path = `devices/${encodeURIComponent(lost.messenger.device.id)}`;
    await account.call({ method: 'DELETE', path });
    const fresh = await cast.device('ben phone');
    await fresh.joins(conversation);
    await fresh.say(conversation, 'after');
    const [back, other] = await cast.devices('ann laptop', 'ben laptop');
    for (const each of [back, other]) await each.shows(conversation, 'before', 'after');
    for (const each of [fresh, back, other]) {
      const group = await (await each.messenger.messages(conversation)).group.ready();
      const present = group.members.some(({ identity }) => identity.device === lost.messenger.device.id);
      same(present, false, 'it is out');
    }
    same(await codeOf(cast.device('ann phone')), 'HOME_DEVICE_GONE', 'it learns it');
  },
} satisfies Record<string, (cast: Cast, environment: Environment) => Promise<void>>;

function damaged(how: Damage) {
  return async (cast: Cast, environment: Environment) => {
    const [ann, ben] = await cast.devices('ann laptop', 'ben laptop');
    const { conversation } = await ann.messenger.create('Damaged', [ben.user]);
    for (const each of [ann, ben]) await each.joins(conversation);
    await ann.say(conversation, 'before');
    await ben.shows(conversation, 'before');
    await ann.sent(conversation);
    const was = ann.messenger.device.id;
    await cast.close(ann);
    const storage = cast.storage('ann laptop');
    await environment.damageVault?.(storage, how);
    await ben.say(conversation, 'meanwhile');

    const handle = await cast.handle('ann laptop');
    const anew = {
      was, // as an application remembers it
      deleteVault: () => environment.deleteVault(storage),
      openVault: () => environment.openVault(storage),
      name: 'anew',
    };
    if (how === 'a bit is another') {
      // It is told, although nobody asked for that record, and nothing is done about it without the person.
      const broken = await ScenarioDevice.open(environment, handle, storage);
      await until(() => broken.faults.includes('VAULT_DAMAGED'), 'the damage is told');
      same(await deviceIn(broken.vault), was, 'it still can be read which device it was');
      await broken.close();
      // The session is that of the device that is to go.
      same(await codeOf(setUpAnew({ ...anew, account: broken.account })), 'HOME_HAS_DEVICE', 'the old session');
    } else {
      const code = await codeOf(ScenarioDevice.open(environment, handle, storage));
      same(['VAULT_DAMAGED', 'VAULT_GONE'].includes(code), true, `the damage is told: ${code}`);
    }
    const signedIn = await signIn(environment, handle);
    await (await setUpAnew({ ...anew, account: signedIn })).close();
    const again = await cast.device('ann laptop', signedIn);
    same(again.messenger.device.id === was, false, 'it is another device');
    await again.messenger.devices.refresh();
    const devices = again.messenger.devices.store.state.devices?.map(({ device }) => device);
    same(devices, [again.messenger.device.id], 'the old one is not in the account any more');
    await again.joins(conversation);
    await ben.say(conversation, 'after');
    await until(async () => (await again.texts(conversation)).at(-1) === 'after', 'the conversation is back');
    await again.say(conversation, 'here again');
    await until(async () => (await ben.texts(conversation)).at(-1) === 'here again', 'both ways');
    await gone(ben, conversation, was);
  };
}

async function gone(by: ScenarioDevice, conversation: ConversationId, device: string): Promise<void> {
  const group = await (await by.messenger.messages(conversation)).group.ready();
  same(
    group.members.some(({ identity }) => identity.device === device),
    false,
    'the old device is out of the group',
  );
}

/**
 * By what they show.
 * @param prefix of the handles of all people, where several environments share a homeserver
 */
export function scenariosFor(
  { damageVault }: Pick<Environment, 'damageVault'>,
  prefix: string,
): ReadonlyMap<string, Scenario> {
  const damages = damageVault === undefined ? [] : DAMAGES;
  const all = [
    ...Object.entries(SCENARIOS_OF_CAST),
    ...damages.map(
      (how) => [`a device whose storage is damaged (${how}) is set up anew in its own place`, damaged(how)] as const,
    ),
  ];
  return new Map(
    all.map(([name, play], index) => [
      name,
      async (environment) => {
        await using cast = new Cast(environment, `${prefix}${index}`);
        await play(cast, environment);
      },
    ]),
  );
}
