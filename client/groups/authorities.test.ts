/** What speaks for the devices of other domains, without a homeserver. */
import { expect, test } from 'vitest';
import { HawserError } from '#signalling/errors.ts';
import type { DomainName } from '#signalling/ids.ts';
import { Authorities } from './authorities.ts';

const beta = 'beta.example' as DomainName;
const authority = { roots: [], revocations: [], hub: new Uint8Array(32) };

test('a clock that was ahead keeps nobody from asking again', async () => {
  let [now, asked, isThere] = [10_000_000, 0, false];
  const fetch = async () => {
    asked += 1;
    if (!isThere) throw new HawserError('FED_UNREACHABLE');
    return authority;
  };
  const authorities = new Authorities({ authority: fetch }, () => now);
  now += 3_600_000;
  await authorities.ensure([beta]);
  now -= 3_600_000;
  isThere = true;
  await authorities.ensure([beta]);
  expect(authorities.of(beta)).toBeDefined();
  now -= 3_600_000;
  await authorities.renew([beta]);
  expect(asked).toBe(3);
});
