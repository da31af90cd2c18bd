import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placeInWords, withPassword, wrongDatabase } from './database.ts';

describe('the URL of a database', () => {
  it.each([
    ['postgresql://hawser@db.alpha.example/hawser', 'hawser at db.alpha.example'],
    ['postgres://db.alpha.example:5433/hawser?sslmode=verify-full', 'hawser at db.alpha.example:5433'],
    ['postgresql://hawser@/hawser?host=/var/run/postgresql', 'hawser at /var/run/postgresql'],
    ['postgresql://hawser@%2Fvar%2Frun%2Fpostgresql/hawser', 'hawser at /var/run/postgresql'],
    ['postgresql://[::1]:5432/hawser', 'hawser at [::1]:5432'],
    ['postgresql:///hawser', 'hawser at localhost'],
  ])('%s is %s', (url, words) => {
    expect(wrongDatabase(url)).toBeUndefined();
    expect(placeInWords(url)).toBe(words);
  });

  it.each([
    'postgresql://hawser:opensesame@db.alpha.example/hawser',
    'postgresql://hawser:opensesame@/hawser?host=/run',
    'postgresql://hawser:open@sesame@db.alpha.example/hawser',
    'postgresql://hawser:open/sesame@db.alpha.example/hawser',
    'postgresql://hawser:open sesame@db.alpha.example/hawser',
    'postgresql://hawser@db.alpha.example/hawser?password=opensesame',
    'postgresql://:opensesame@db.alpha.example/hawser',
    'mysql://hawser:opensesame@db.alpha.example/hawser',
  ])('is refused with a password in it, without showing it', (url) => {
    expect(wrongDatabase(url)).toMatch(/password in it.*databasePasswordFile/);
    expect(wrongDatabase(url)).not.toMatch(/open|sesame/);
  });

  it.each(['', 'hawser', 'mysql://hawser@db/hawser', 'postgresql:hawser', 'postgresql://db/%zz', 'postgresql://a/b/c'])(
    'is not %o',
    (url) => expect(wrongDatabase(url)).toMatch(/not the URL/),
  );

  it('names a database', () => {
    expect(wrongDatabase('postgresql://hawser@db.alpha.example')).toMatch(/does not name the database/);
  });

  it('takes any password from its file', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), (password) => {
        const url = new URL(withPassword('postgresql://hawser@db.example:5433/hawser?sslmode=disable', password));
        expect(decodeURIComponent(url.password)).toBe(password);
        expect([url.username, url.host, url.pathname]).toEqual(['hawser', 'db.example:5433', '/hawser']);
      }),
    );
  });
});
