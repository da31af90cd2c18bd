import { useLayoutEffect, useState } from 'preact/hooks';
import type { Store } from '#client/store.ts';

/** The current value of a store; the component is drawn again when it changes. */
export function useStore<S>(store: Store<S>): S {
  const [state, setState] = useState(store.state);
  useLayoutEffect(() => {
    setState(() => store.state); // it may have changed between drawing and listening
    return store.subscribe((next) => setState(() => next));
  }, [store]);
  return state;
}
