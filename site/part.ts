/** Which server of a site needs which option. */

export type Part = 'homeserver' | 'sft';

export const BOTH: readonly Part[] = ['homeserver', 'sft'];

const PARTS: readonly (readonly [RegExp, readonly Part[]])[] = [
  [
    /^(?:homeserver\.|certificates\.homeserver\.|certificates\.tickets\.privateKey$|certificates\.devices\.|turn\.)/,
    ['homeserver'],
  ],
  [/^(?:sft\.|certificates\.sft\.|certificates\.tickets\.publicKey$)/, ['sft']],
];

/** The servers that use the option of a path such as `sft.link.listen`. */
export function partsOf(path: string): readonly Part[] {
  return PARTS.find(([pattern]) => pattern.test(path))?.[1] ?? BOTH;
}

export function concerns(path: string, parts: readonly Part[]): boolean {
  return partsOf(path).some((part) => parts.includes(part));
}
