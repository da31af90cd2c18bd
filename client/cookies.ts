/** The refresh cookie where no browser keeps it. A browser shows no page what it was set to, so there this stays empty. */
export class Cookies {
  readonly #kept = new Map<string, string>();

  /** Of a request; undefined where there is none. */
  get header(): string | undefined {
    return this.#kept.size === 0 ? undefined : [...this.#kept].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  /** Takes what an answer sets. An empty value is how a server takes a cookie back. */
  note(headers: Headers): void {
    for (const line of headers.getSetCookie()) {
      const [, name, value] = /^([^=;\s]+)=([^;\s]*)/.exec(line) ?? [];
      if (name === undefined) continue;
      if (value) this.#kept.set(name, value);
      else this.#kept.delete(name);
    }
  }

  clear(): void {
    this.#kept.clear();
  }
}
