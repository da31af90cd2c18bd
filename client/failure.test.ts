import { describe, expect, it } from 'vitest';
import { ERRORS, HawserError } from '#signalling/errors.ts';
import type { DomainName } from '#signalling/ids.ts';
import { DeviceError, failureOf, failureOfCode, UnreachableError } from './failure.ts';

describe('a failure in words', () => {
  it('has a sentence for every code of the servers', () => {
    for (const code of Object.keys(ERRORS)) expect(failureOfCode(code).sentence).toMatch(/\S.*\.$/);
  });

  it('names the organisation that is concerned', () => {
    expect(failureOfCode('SFT_LINK_LOST', 'beta.example').sentence).toMatch(/^beta\.example: /);
    const error = new UnreachableError(['beta.example', 'gamma.example'] as DomainName[]);
    expect(failureOf(error).sentence).toMatch(/^beta\.example and gamma\.example cannot be reached/);
  });

  it('says what to do about a device', () => {
    expect(failureOf(new DeviceError('DEVICE_CAMERA_BUSY'))).toMatchObject({ retry: true });
    expect(failureOf(new DeviceError('DEVICE_NO_CAMERA')).sentence).toMatch(/Plug one in/);
  });

  it('shows nothing of an error that is not its own', () => {
    expect(failureOf(new Error('secret')).sentence).not.toMatch(/secret/);
    expect(failureOf(new HawserError('HOME_WRONG_CREDENTIALS', 'detail')).sentence).not.toMatch(/detail/);
    expect(failureOfCode('SOMETHING_NEW').code).toBe('UNKNOWN');
  });
});
