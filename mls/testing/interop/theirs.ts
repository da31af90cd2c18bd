/**
 * The other side: core-crypto of Wire, which is OpenMLS in WebAssembly. It is under the GPL: this file alone imports it, for tests alone.
 */
import {
  CipherSuite,
  ClientId,
  ConversationId,
  CoreCrypto,
  type CoreCryptoContext,
  Credential,
  type CredentialRef,
  Database,
  DeviceId,
  ExternalSender,
  GroupInfo,
  initWasmModule,
  KeyPackage,
  PkiEnvironment,
  type PkiEnvironmentHooks,
  SignatureScheme,
  Uuid,
  Welcome,
} from '@wireapp/core-crypto/browser';
import { textOf, utf8 } from '../../bytes.ts';
import type { TestDomain } from '../authority.ts';
import { GROUP_ID, type Heard, type Made, type Member, type Shown, type Wishes } from './member.ts';

const { Mls128Dhkemx25519Aes128gcmSha256Ed25519: SUITE } = CipherSuite;
/**
 * What stands before a key package in an MLSMessage (RFC 9420, section 6): the version and the kind. core-crypto gives and takes key
 * packages without; a GroupInfo it gives with it, and takes without.
 */
const KEY_PACKAGE_HEADER = Uint8Array.of(0, 1, 0, 5);

const unused = async () => {
  throw new Error('nothing is fetched here');
};
/** For getting certificates, which takes an ACME server with extensions of Wire's. */
const NO_NETWORK: PkiEnvironmentHooks = {
  httpRequest: unused,
  authenticate: unused,
  getBackendNonce: unused,
  fetchBackendAccessToken: unused,
};

let loaded: Promise<void> | undefined;

export class Theirs implements Member {
  readonly #core: CoreCrypto;
  readonly #credential: CredentialRef;
  readonly #group = new ConversationId(utf8(GROUP_ID));
  readonly #made: Made[];

  private constructor(core: CoreCrypto, credential: CredentialRef, made: Made[]) {
    this.#core = core;
    this.#credential = credential;
    this.#made = made;
  }

  /** @param wasm where the page finds the WebAssembly module @param domain whose certificates it believes */
  static async make(name: string, wasm: string, domain: TestDomain): Promise<Theirs> {
    loaded ??= initWasmModule(wasm);
    await loaded;
    const database = await Database.inMemory();
    const core = CoreCrypto.new(database);
    const trust = await PkiEnvironment.create(NO_NETWORK, database);
    await trust.addTrustAnchor(domain.root.certificate.toString('pem'));
    await core.setPkiEnvironment(trust);
    const client = clientOf(name);
    const made: Made[] = [];
    const credential = await core.transaction(async (context) => {
      await context.mlsInit(client, {
        // A hub that takes everything: when this returns, the commit counts.
        sendCommitBundle: async ({ commit, welcome, groupInfo }) => {
          made.push({ commit, welcome: welcome?.serialize(), groupInfo: groupInfo.payload });
        },
        prepareForTransport: async () => {
          throw new Error('no history is shared here');
        },
      });
      return context.addCredential(Credential.basic(SUITE, client));
    });
    return new Theirs(core, credential, made);
  }

  async create(hubKey?: Uint8Array): Promise<void> {
    const hub = hubKey && ExternalSender.parsePublicKey(hubKey, SignatureScheme.Ed25519);
    await this.#do((context) => context.createConversation(this.#group, this.#credential, hub));
  }

  async keyPackage(): Promise<Uint8Array> {
    const keyPackage = await this.#do((context) => context.generateKeyPackage(this.#credential));
    return Uint8Array.of(...KEY_PACKAGE_HEADER, ...keyPackage.serialize());
  }

  async commit({ add = [], remove = [] }: Wishes): Promise<Made> {
    if (add.length > 0 && remove.length > 0) throw new Error('core-crypto adds or removes by one commit');
    const packages = add.map((each) => new KeyPackage(each.slice(KEY_PACKAGE_HEADER.length)));
    return this.#commit(async (context) => {
      if (add.length > 0) await context.addClientsToConversation(this.#group, packages);
      else if (remove.length > 0) await context.removeClientsFromConversation(this.#group, remove.map(clientOf));
      else await context.updateKeyingMaterial(this.#group);
    });
  }

  async join(welcome: Uint8Array): Promise<void> {
    await this.#do((context) => context.processWelcomeMessage(new Welcome(welcome)));
  }

  async joinExternally(groupInfo: Uint8Array): Promise<Made> {
    return this.#commit(async (context) => {
      if (await context.conversationExists(this.#group)) await context.wipeConversation(this.#group);
      await context.joinByExternalCommit(new GroupInfo(groupInfo.slice(KEY_PACKAGE_HEADER.length)), this.#credential);
    });
  }

  async receive(message: Uint8Array): Promise<Heard> {
    const heard = await this.#do((context) => context.decryptMessage(this.#group, message));
    switch (heard.tag) {
      case 'Text': {
        const { plaintext, senderClientId } = heard.inner;
        return { kind: 'message', content: plaintext, sender: textOf(senderClientId.copyBytes()) ?? 'no text' };
      }
      case 'Commit':
        return { kind: heard.inner.isActive ? 'epoch' : 'removed' };
      default:
        return { kind: 'proposal' };
    }
  }

  send(content: Uint8Array): Promise<Uint8Array> {
    return this.#do((context) => context.encryptMessage(this.#group, content));
  }

  async show(): Promise<Shown> {
    const [epoch, clients, secret] = await Promise.all([
      this.#core.conversationEpoch(this.#group),
      this.#core.getClientIds(this.#group),
      this.#core.exportSecretKey(this.#group, 32),
    ]);
    const members = clients.map((client) => textOf(client.copyBytes()) ?? 'no text').sort();
    return { epoch: Number(epoch), members, exported: secret.copyBytes() };
  }

  async #commit(work: (context: CoreCryptoContext) => Promise<void>): Promise<Made> {
    this.#made.length = 0;
    await this.#do(work);
    const [made] = this.#made;
    if (made === undefined) throw new Error('nothing was sent');
    return made;
  }

  async #do<T>(work: (context: CoreCryptoContext) => Promise<T>): Promise<T> {
    try {
      return await this.#core.transaction(work);
    } catch (cause) {
      // What went wrong is not in the message of its errors, and beside it nothing comes out of a page.
      const inner = cause instanceof Error && 'inner' in cause ? JSON.stringify(cause.inner) : '';
      throw new Error(`${cause} ${inner}`, { cause });
    }
  }
}

/** From a name as `nameOf` makes it. */
function clientOf(name: string): ClientId {
  const [, user, device, domain] = /^(.+):(.+)@(.+)$/.exec(name) ?? [];
  if (user === undefined || device === undefined || domain === undefined) throw new Error('no name');
  return new ClientId(new Uuid(user), DeviceId.fromHexString(device.padStart(16, '0')), domain);
}
