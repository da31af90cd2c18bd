import { describe, expect, it } from 'vitest';
import { Store } from './store.ts';

describe('a store', () => {
  it('tells listeners of changes until they stop, and of nothing else', () => {
    const store = new Store(1);
    const heard: number[] = [];
    const stop = store.subscribe((state) => heard.push(state));
    store.set(1);
    store.set(2);
    stop();
    store.set(3);
    expect(heard).toEqual([2]);
  });

  it('waits for a condition, now or later, and stops waiting when told to', async () => {
    const store = new Store(1);
    await expect(store.when((state) => state === 1)).resolves.toBe(1);
    const later = store.when((state) => state === 5);
    store.set(5);
    await expect(later).resolves.toBe(5);
    const abort = new AbortController();
    const never = store.when((state) => state === 9, abort.signal);
    abort.abort(new Error('enough'));
    await expect(never).rejects.toThrow('enough');
  });
});
