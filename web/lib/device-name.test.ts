import { expect, it } from 'vitest';
import { deviceNameOf } from './device-name.ts';

it('names browsers by what they are, not by what they pretend to be', () => {
  const webkit = 'AppleWebKit/537.36 (KHTML, like Gecko)';
  const names = [
    'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
    `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${webkit} Chrome/156.0.0.0 Safari/537.36 Edg/156.0.0.0`,
    `Mozilla/5.0 (Linux; Android 16; K) ${webkit} Chrome/156.0.0.0 Mobile Safari/537.36`,
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15',
    'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/156.0 Mobile/15E148 Safari/604.1',
    'curl/8',
  ].map(deviceNameOf);
  expect(names).toEqual([
    'Firefox on Linux',
    'Edge on Windows',
    'Chrome on Android',
    'Safari on Mac',
    'Chrome on iPhone',
    'Browser',
  ]);
});
