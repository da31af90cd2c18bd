/** What a layout asks for, picture by picture. Pure; the same scenario asks for the same every time. */
import type { Person } from './scenario.ts';

/** Layers of the camera, by the size of the picture that shows them. */
export const LARGE_LAYER = 2;
export const MIDDLE_LAYER = 1;
export const SMALL_LAYER = 0;
/** A screen has one layer. */
const SCREEN_LAYER = 0;

/** One picture that somebody wants: whose, and the layer that is of use. */
export interface Want {
  readonly who: string;
  readonly kind: 'camera' | 'screen';
  readonly layer: number;
}

/**
 * What one person looks at; nobody looks at himself, and at nobody twice.
 *
 * - `speaker`: the speaker large and the first others small. The speaker himself sees the first other one large, and so
 *   does everybody where the speaker has no camera or nobody has spoken yet.
 * - `spread`: one large and some small, of others than the person beside: viewer number v begins with camera number v.
 * - `gallery`: everybody, in the middle layer.
 * - `small`: the first ones small.
 * - `screen`: every screen, and the first cameras small.
 *
 * @param viewer number among those who watch, from 0
 * @param speaker who spoke last
 */
export function wantsOf(
  person: Person,
  viewer: number,
  people: readonly Person[],
  speaker: string | undefined,
): Want[] {
  if (!person.watch) return [];
  const { layout, small = people.length } = person.watch;
  const others = (kind: Want['kind']) =>
    people.filter((each) => each !== person && each.publishes.includes(kind)).map(({ name }) => name);
  const cameras = others('camera');
  const inLayer = (names: readonly string[], layer: number): Want[] =>
    names.map((who) => ({ who, kind: 'camera', layer }));
  const largeAndSmall = (large: string | undefined, rest: readonly string[]) => [
    ...inLayer(large === undefined ? [] : [large], LARGE_LAYER),
    ...inLayer(rest.slice(0, small), SMALL_LAYER),
  ];
  switch (layout) {
    case 'speaker': {
      const large = cameras.find((name) => name === speaker) ?? cameras[0];
      return largeAndSmall(
        large,
        cameras.filter((name) => name !== large),
      );
    }
    case 'spread': {
      const begin = cameras.length === 0 ? 0 : viewer % cameras.length;
      const [large, ...rest] = [...cameras.slice(begin), ...cameras.slice(0, begin)];
      return largeAndSmall(large, rest);
    }
    case 'gallery':
      return inLayer(cameras, MIDDLE_LAYER);
    case 'small':
      return inLayer(cameras.slice(0, small), SMALL_LAYER);
    case 'screen': {
      const screens = others('screen').map((who): Want => ({ who, kind: 'screen', layer: SCREEN_LAYER }));
      return [...screens, ...inLayer(cameras.slice(0, small), SMALL_LAYER)];
    }
  }
}

/** Small pictures that a layout can show this person at the most; undefined where it has none. */
export function mostSmall(person: Person, people: readonly Person[]): number | undefined {
  const cameras = people.filter((each) => each !== person && each.publishes.includes('camera')).length;
  switch (person.watch?.layout) {
    case 'speaker':
    case 'spread':
      return Math.max(0, cameras - 1);
    case 'small':
    case 'screen':
      return cameras;
    case 'gallery':
    case undefined:
      return undefined;
  }
}
