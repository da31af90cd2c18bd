/** What the devices of one schedule said, were told and noted, by labels that people can read. */
import type { HawserError } from '#signalling/errors.ts';
import type { ConversationId } from '#signalling/ids.ts';
import type { Said, Sample, View } from './checker.ts';

const MAX_TROUBLES = 2_000;

export class Recorder {
  readonly rooms: ConversationId[] = [];
  /** What failed without a code. */
  readonly faults: string[] = [];
  /** What went wrong on devices with a code, and was tried again: it explains what is found in the end. */
  readonly troubles: string[] = [];
  /** How often what people did was refused or failed, by its code. */
  readonly refusals: Record<string, number> = {};
  readonly #said = new Map<string, Said>();
  readonly #samples: Sample[] = [];
  readonly #seen = new Set<string>();
  readonly #labels = new Map<string, string>();
  #count = 0;

  /** A number that no other text has. */
  next(): number {
    this.#count += 1;
    return this.#count;
  }

  /** @param id of a person or a device */
  name(id: string, label: string): void {
    this.#labels.set(id, label);
  }

  labelOf(id: string): string {
    return this.#labels.get(id) ?? id;
  }

  fault(device: string, error: unknown): void {
    this.faults.push(`${device}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }

  trouble(device: string, { code, message }: HawserError): void {
    if (this.troubles.length < MAX_TROUBLES)
      this.troubles.push(`${new Date().toISOString()} ${device}: ${code} ${message}`);
  }

  refused(code: string): void {
    this.refusals[code] = (this.refusals[code] ?? 0) + 1;
  }

  /** It is on the device's disk. */
  say(said: Omit<Said, 'state'>): void {
    this.#said.set(said.id, { ...this.#said.get(said.id), ...said, state: this.#said.get(said.id)?.state ?? 'waits' });
  }

  /** A device holds it with a place. @returns whether the device itself wrote it, so that it was told that it was accepted */
  accepted(id: string, device: string): boolean {
    const said = this.#said.get(id);
    if (said?.device !== device) return false;
    this.#said.set(id, { ...said, state: 'accepted' });
    return true;
  }

  /** As its writer's device has it. What was accepted once stays so. */
  stands(id: string, state: 'waits' | 'failed', code: string | undefined): void {
    const said = this.#said.get(id);
    if (said && said.state !== 'accepted') this.#said.set(id, { ...said, state, code });
  }

  /** Whether a device has it for the first time. */
  isFirst(room: string, id: string, device: string): boolean {
    const key = `${room} ${id} ${device}`;
    if (this.#seen.has(key)) return false;
    this.#seen.add(key);
    return true;
  }

  sample(sample: Sample): void {
    this.#samples.push({ ...sample, devices: sample.devices.map((each) => this.labelOf(each)) });
  }

  get said(): readonly Said[] {
    return [...this.#said.values()];
  }

  get samples(): readonly Sample[] {
    return this.#samples;
  }

  /** Changes as long as something goes on. */
  stir(views: readonly View[]): string {
    return JSON.stringify([views, this.said.map(({ state }) => state)]);
  }
}
