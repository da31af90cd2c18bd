import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mentionsOf } from '#client/content/mentions.ts';
import type { Member } from '#signalling/client-home.ts';
import type { ConversationId, DomainName, UserId } from '#signalling/ids.ts';
import { asSent, asTyped, completionAt, mentionables } from './mentions.ts';

const ROOM = 'mimi://alpha.example/r/0123456789abcdef' as ConversationId;
const userOf = (handle: string, domain = 'alpha.example') => `mimi://${domain}/u/${handle}` as UserId;
const member = (handle: string, name: string, domain = 'alpha.example'): Member => ({
  ...{ user: userOf(handle, domain), domain: domain as DomainName, name, role: 'member' },
});
const PEOPLE = [member('alice', 'Alice'), member('bob', 'Bob *the* [rope]', 'beta.example'), member('carol', 'Carol')];
const ALL = mentionables(ROOM, PEOPLE, userOf('alice'));
const mentions = (typed: string) => [...mentionsOf({ format: 'markdown', text: asSent(typed, ALL) })];

describe('mentions', () => {
  it('are completed by handle and by every word of the name', () => {
    const at = (text: string) => completionAt(text, text.length, ALL)?.offered.map(({ typed }) => typed);
    expect(at('hello @b')).toEqual(['@bob@beta.example']);
    expect(at('(@rop')).toBeUndefined();
    expect(at('@the')).toBeUndefined();
    expect(at('@')).toEqual(['@bob@beta.example', '@carol@alpha.example', '@everyone']);
    expect(at('@bob@be')).toEqual(['@bob@beta.example']);
    expect([at('me@b'), at('@b '), at('plain')]).toEqual([undefined, undefined, undefined]);
  });

  it('are sent as links, whatever the name, and never out of code or out of an address of mail', () => {
    expect(mentions('@bob@beta.example and @everyone!')).toEqual([userOf('bob', 'beta.example'), ROOM]);
    expect(mentions('`@bob@beta.example` x@bob@beta.example\n```\n@everyone\n```')).toEqual([]);
    expect(mentions('@stranger@beta.example')).toEqual([]);
  });

  it('come back as they were typed when a message is changed', () => {
    const typed = 'a < b, @bob@beta.example <b>and</b> @everyone [link](https://x.example)';
    expect(asTyped(asSent(typed, ALL))).toBe(typed);
  });

  it('take any text without failing, and change nothing else of it', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(asTyped(asSent(text, ALL)).replaceAll('&lt;', '<')).toBe(text.replaceAll('&lt;', '<'));
      }),
    );
  });
});
