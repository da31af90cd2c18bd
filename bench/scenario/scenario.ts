/** What is to be measured. Today there is one scenario; more come as files of this shape. */
export interface Scenario {
  readonly name: string;
  /** People at alpha, each with a camera of three layers and a microphone. */
  readonly publishers: number;
  /** People at beta, each of whom hears everybody and looks at some. */
  readonly viewers: number;
  readonly seconds: number;
  readonly layout: Layout;
}

/** How many pictures a viewer looks at, and in which layer. */
export interface Layout {
  readonly large: number;
  readonly small: number;
}

export const LARGE_LAYER = 2;
export const SMALL_LAYER = 0;

/** Each viewer sees one large and eight small pictures, of others than the viewer beside. */
export const SPREAD = { name: 'spread', layout: { large: 1, small: 8 } } as const;

/** One picture that a viewer wants: whose, and the highest layer that is of use. */
export interface Want {
  readonly publisher: number;
  readonly layer: number;
}

/**
 * What one viewer looks at. Viewer v begins with publisher v and goes round, first large, then small, nobody twice; so
 * all publishers are looked at alike, and the same scenario asks for the same every time.
 */
export function wantsOf(viewer: number, { publishers, layout }: Pick<Scenario, 'publishers' | 'layout'>): Want[] {
  const count = Math.min(publishers, layout.large + layout.small);
  return Array.from({ length: count }, (_, index) => ({
    publisher: (viewer + index) % publishers,
    layer: index < layout.large ? LARGE_LAYER : SMALL_LAYER,
  }));
}
