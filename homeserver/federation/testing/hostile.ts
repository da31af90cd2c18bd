/**
 * For tests: three organisations, one of which is taken over. Its people and devices were real, and are in a group with the others; from
 * then on a double with its certificates and its signing key speaks for it, and lies.
 */
import { readFile } from 'node:fs/promises';
import { Crew } from '#client/testing/crew.ts';
import type { TestDevice } from '#client/testing/test-device.ts';
import { MemoryVault } from '#client/vault/memory.ts';
import type { ErrorCode } from '#signalling/errors.ts';
import type { ConversationId } from '#signalling/ids.ts';
import type { AuditLine } from '../../audit/chain.ts';
import type { Organisation } from '../../testing/organisation.ts';
import { type Answer, type Answering, type Door, PeerDouble } from '../../testing/peer-double.ts';
import type { Person } from '../../testing/person.ts';
import { signerOf } from '../../testing/signer.ts';
import { until } from '../../testing/world.ts';

export const MALLORY = 'mallory.example';

export class Hostile implements AsyncDisposable {
  readonly crew: Crew;
  readonly alpha: Organisation;
  readonly beta: Organisation;
  readonly mallory: Organisation;
  /** Devices in one group of alpha. */
  readonly alice: TestDevice;
  readonly bob: TestDevice;
  readonly mel: TestDevice;
  readonly conversation: ConversationId;
  /** An honest person of alpha who has nothing to do with all this, and one of beta. */
  readonly carol: Person;
  readonly dora: Person;
  #double: PeerDouble | undefined;

  private constructor(crew: Crew, devices: readonly TestDevice[], conversation: ConversationId, people: Person[]) {
    this.crew = crew;
    [this.alpha, this.beta, this.mallory] = crew.organisations as [Organisation, Organisation, Organisation];
    [this.alice, this.bob, this.mel] = devices as [TestDevice, TestDevice, TestDevice];
    [this.carol, this.dora] = people as [Person, Person];
    this.conversation = conversation;
  }

  static async begin(): Promise<Hostile> {
    const crew = await Crew.gather('beta.example', MALLORY);
    const [alpha, beta, mallory] = crew.organisations as [Organisation, Organisation, Organisation];
    const far = (handle: string, of: Organisation) => crew.deviceOf(handle, new MemoryVault(), of);
    const devices = [await crew.deviceOf('alice'), await far('bob', beta), await far('mel', mallory)] as const;
    const [alice, bob, mel] = devices;
    const conversation = await crew.converse(alice, bob, mel);
    for (const device of [bob, mel]) {
      const find = () => device.home.store.state.conversations.find((each) => each.conversation === conversation);
      await until(() => find()?.group, 'the hub told of the group');
      await device.group(conversation).ready();
    }
    await mel.say(conversation, 'all is well');
    await until(() => alice.heard.length === 1 && bob.heard.length === 1, 'mel is heard');
    const people = [await alpha.person('carol', 'Carol'), await beta.person('dora', 'Dora')];
    await mallory.stop();
    const hostile = new Hostile(crew, devices, conversation, people);
    await hostile.takeOver(mallory.certificates);
    hostile.double.signer = await signerOf(mallory);
    return hostile;
  }

  get double(): PeerDouble {
    if (!this.#double) throw new Error('nobody speaks for the domain');
    return this.#double;
  }

  get door(): Door {
    return { domain: this.alpha.domain, port: this.alpha.homeserver.ports.federation };
  }

  /** Somebody with these certificates is where the homeserver was. */
  async takeOver(certificates: PeerDouble['certificates']): Promise<void> {
    await this.#double?.[Symbol.asyncDispose]();
    const authorities = await Promise.all(
      [this.alpha, this.beta].map((each) => readFile(each.certificates.authority, 'utf8')),
    );
    const port = Number(this.mallory.site.homeserver.federation.listen.split(':')[1]);
    this.#double = await PeerDouble.start(certificates, authorities.join(''), () => undefined, port);
    this.honest();
  }

  /** It answers as it should, or to some calls as a test says: undefined is as it should. */
  honest(but: Answering = () => undefined): void {
    const { double } = this;
    double.answering = async (asked, response) => {
      const answer = await but(asked, response);
      if (answer || response.headersSent || response.destroyed) return answer;
      return double.honestly(asked);
    };
  }

  say(...[call, parameter, body, twist]: Said): Promise<Answer> {
    return this.double.say(this.door, call, parameter, body, twist);
  }

  /** The code with which alpha refuses it. */
  async refusal(...said: Said): Promise<string> {
    const { status, body } = await this.say(...said);
    return status < 300 ? 'ok' : (body as { code: string }).code;
  }

  /** Waits for the line in the audit log of alpha. */
  audited(code: ErrorCode, kind = 'refusal'): Promise<AuditLine> {
    return until(async () => {
      const response = await fetch(`${this.alpha.admin}/admin/v1/audit?last=200`);
      const { lines } = (await response.json()) as { lines: AuditLine[] };
      return lines.find((line) => line.domain === MALLORY && line.code === code && line.kind === kind);
    }, `${kind} ${code} in the audit log`);
  }

  /**
   * Carol and Dora go on while something is done to their homeservers.
   * @returns how it ended, and how many of their requests were answered meanwhile
   */
  async meanwhile<T>(attack: Promise<T>): Promise<{ readonly result: T; readonly answered: number }> {
    let isOver = false;
    let answered = 0;
    const watched = attack.finally(() => {
      isOver = true;
    });
    watched.catch(() => undefined);
    while (!isOver) {
      await this.carol.conversations();
      await this.carol.find('@dora@beta.example');
      answered += 1;
      // As fast as people are, so that nobody's share is used up.
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    return { result: await watched, answered };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.crew.rest();
    await this.#double?.[Symbol.asyncDispose]();
    await this.crew[Symbol.asyncDispose]();
  }
}

type Said = Parameters<PeerDouble['say']> extends [Door, ...infer Rest] ? Rest : never;
