import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import Type from 'typebox';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { Closed, type Contract, Nothing } from './contract.ts';
import { HawserError } from './errors.ts';
import { type Closing, type Limits, Rpc, type Socket } from './rpc.ts';
import { serveContract, until } from './testing.ts';

// What was not collected yet is no growth.
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const CONTRACT = {
  protocol: 'test-v1',
  maxLength: { dialler: 2_000, acceptor: 2_000 },
  requests: {
    add: {
      from: 'dialler',
      params: Closed({ a: Type.Integer(), b: Type.Integer() }),
      result: Closed({ sum: Type.Integer() }),
    },
    fail: { from: 'dialler', params: Nothing, result: Nothing },
    hang: { from: 'dialler', params: Nothing, result: Nothing },
    ask: { from: 'acceptor', params: Nothing, result: Closed({ word: Type.String() }) },
  },
  notifications: { note: { from: 'both', params: Closed({ text: Type.String({ maxLength: 1_000 }) }) } },
} as const satisfies Contract;

type Acceptor = Rpc<typeof CONTRACT, 'acceptor'>;

function accept(
  socket: Socket,
  limits: Partial<Limits>,
  onClose: (closing: Closing) => void,
  notes: string[],
): Acceptor {
  return new Rpc({
    contract: CONTRACT,
    side: 'acceptor',
    socket,
    limits,
    requests: {
      add: async ({ a, b }) => ({ sum: a + b }),
      fail: async () => {
        throw new HawserError('SFT_NOT_PERMITTED', 'screen');
      },
      hang: () => new Promise(() => undefined),
    },
    notifications: { note: ({ text }) => notes.push(text) },
    onClose,
  });
}

async function pair(limits: Partial<Limits> = {}) {
  const accepted: Acceptor[] = [];
  const closings: Closing[] = [];
  const notes: string[] = [];
  const server = await serveContract(CONTRACT, (socket) => {
    accepted.push(accept(socket, limits, (closing) => closings.push(closing), notes));
  });
  const dialler = async (own: Partial<Limits> = {}) =>
    new Rpc({
      contract: CONTRACT,
      side: 'dialler',
      socket: await server.dial(),
      limits: own,
      requests: { ask: async () => ({ word: 'yes' }) },
      notifications: { note: ({ text }) => notes.push(text) },
    });
  return { server, accepted, closings, notes, dialler };
}

/** A WebSocket that says whatever a test wants, and remembers how it was closed. */
async function stranger(url: string) {
  const socket = new WebSocket(url, [CONTRACT.protocol]);
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() })),
  );
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  return { socket, closed };
}

describe('rpc', () => {
  it('answers requests and passes notifications both ways', async () => {
    await using both = await pair().then((made) => ({
      ...made,
      [Symbol.asyncDispose]: () => made.server[Symbol.asyncDispose](),
    }));
    using client = await both.dialler();
    expect(await client.request('add', { a: 2, b: 3 })).toEqual({ sum: 5 });
    client.notify('note', { text: 'over' });
    await until(() => both.notes.includes('over'), 'the note');
    expect(await both.accepted[0]?.request('ask', {})).toEqual({ word: 'yes' });
  });

  it('carries the code and detail of a refusal', async () => {
    const { server, dialler } = await pair();
    await using _ = server;
    using client = await dialler();
    await expect(client.request('fail', {})).rejects.toMatchObject({ code: 'SFT_NOT_PERMITTED', detail: 'screen' });
    expect(client.isOpen).toBe(true);
  });

  it('gives up waiting after the time limit', async () => {
    const { server, dialler } = await pair();
    await using _ = server;
    using client = await dialler();
    await expect(client.request('hang', {}, 20)).rejects.toMatchObject({ code: 'SIG_TIMEOUT' });
  });

  it('rejects what is waiting when the connection closes', async () => {
    const { server, dialler, accepted } = await pair();
    await using _ = server;
    using client = await dialler();
    const waiting = client.request('hang', {});
    await until(() => accepted.length === 1, 'the connection');
    accepted[0]?.close('SFT_SHUTTING_DOWN');
    await expect(waiting).rejects.toMatchObject({ code: 'SFT_SHUTTING_DOWN' });
    expect(client.closing).toMatchObject({ code: 'SFT_SHUTTING_DOWN' });
  });

  it('answers only so many requests at once', async () => {
    const { server, dialler } = await pair({ maxPending: 3 });
    await using _ = server;
    using client = await dialler();
    const answers = await Promise.allSettled(Array.from({ length: 5 }, () => client.request('hang', {}, 2_000)));
    const codes = answers.map((answer) => (answer.status === 'rejected' ? answer.reason.code : 'answered'));
    expect(codes.filter((code) => code === 'SIG_BUSY')).toHaveLength(2);
    expect(codes.filter((code) => code === 'SIG_TIMEOUT')).toHaveLength(3);
  });

  it('closes on a silent other side, and hears pings as a sign of life', async () => {
    const { server, closings, dialler } = await pair({ pingMs: 10, silenceMs: 60 });
    await using _ = server;
    using _living = await dialler({ pingMs: 10 });
    const { socket, closed } = await stranger(server.url);
    socket.removeAllListeners('message');
    expect(await closed).toMatchObject({ code: 4408, reason: 'SIG_TIMEOUT silent' });
    expect(closings).toHaveLength(1);
  });

  it('reads what came while this process was kept from the processor before it takes anybody for silent', async () => {
    const { server, closings, dialler } = await pair({ pingMs: 10, silenceMs: 100 });
    await using _ = server;
    using client = await dialler({ pingMs: 10 });
    await until(() => client.rttMs !== undefined, 'a pong');
    client.notify('note', { text: 'alive' });
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(closings).toEqual([]);
  });

  it('refuses a connection without the subprotocol', async () => {
    const { server } = await pair();
    await using _ = server;
    const socket = new WebSocket(server.url, ['other-v9']);
    const error = await new Promise<Error>((resolve) => socket.once('error', resolve));
    expect(error.message).toContain('426');
  });

  it('closes on a flood', async () => {
    const { server } = await pair({ messagesPerSecond: 10 });
    await using _ = server;
    const { socket, closed } = await stranger(server.url);
    for (let i = 0; i < 100; i++) socket.send('{"method":"note","params":{"text":""}}');
    expect(await closed).toMatchObject({ code: 4429 });
  });

  it('cuts off a reader that does not read', async () => {
    const { server, accepted, closings } = await pair({ maxBufferedBytes: 100_000 });
    await using _ = server;
    const { socket } = await stranger(server.url);
    socket.pause();
    await until(() => accepted.length === 1, 'the connection');
    const text = 'x'.repeat(1_000);
    await until(() => {
      for (let i = 0; i < 1_000; i++) accepted[0]?.notify('note', { text });
      return closings.length > 0;
    }, 'the end of patience');
    expect(closings[0]?.code).toBe('SIG_BACKPRESSURE');
    socket.terminate();
  });

  const bad: [string, string | Buffer, number][] = [
    ['no JSON', 'hello', 4400],
    ['binary', Buffer.from([1, 2, 3]), 4400],
    ['an array', '[]', 4400],
    ['null', 'null', 4400],
    ['an unknown form', '{"id":1}', 4400],
    ['an extra member', '{"id":1,"method":"add","params":{"a":1,"b":2},"x":1}', 4400],
    ['an unknown method', '{"id":1,"method":"nothing","params":{}}', 4404],
    ['a method of the other side', '{"id":1,"method":"ask","params":{}}', 4404],
    ['a prototype name', '{"id":1,"method":"__proto__","params":{}}', 4404],
    ['a request as notification', '{"method":"add","params":{"a":1,"b":2}}', 4404],
    ['wrong types', '{"id":1,"method":"add","params":{"a":"1","b":2}}', 4400],
    ['an unknown field', '{"id":1,"method":"add","params":{"a":1,"b":2,"c":3}}', 4400],
    ['a missing field', '{"id":1,"method":"add","params":{"a":1}}', 4400],
    ['deep nesting', `{"id":1,"method":"add","params":${'['.repeat(900)}${']'.repeat(900)}}`, 4400],
    ['a message over the limit', JSON.stringify({ method: 'note', params: { text: 'x'.repeat(3_000) } }), 1009],
    ['10 MB', 'x'.repeat(10_000_000), 1009],
  ];
  for (const [name, message, code] of bad) {
    it(`closes on ${name} with a code`, async () => {
      const { server, closings } = await pair();
      await using _ = server;
      const { socket, closed } = await stranger(server.url);
      socket.on('error', () => undefined);
      socket.send(message);
      expect((await closed).code).toBe(code);
      await until(() => closings.length === 1, 'the close at the server');
    });
  }

  it('stands any message: what is not in the contract closes with a code, and the next connection works', async () => {
    const { server, dialler } = await pair({ messagesPerSecond: 1_000_000 });
    await using _ = server;
    const letter = fc.oneof(
      fc.json({ maxDepth: 20 }),
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc
        .record({ id: fc.anything(), method: fc.constantFrom('add', 'note', 'ask', 'fail'), params: fc.anything() })
        .map((m) => {
          try {
            return JSON.stringify(m) ?? '';
          } catch {
            return '{';
          }
        }),
      fc.record({ ping: fc.anything() }).map((m) => {
        try {
          return JSON.stringify(m) ?? '';
        } catch {
          return '{';
        }
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(letter, { maxLength: 8 }), async (letters) => {
        const { socket, closed } = await stranger(server.url);
        for (const text of letters) socket.send(text);
        socket.close(1000);
        const { code } = await closed;
        expect([1000, 1009, 4400, 4404, 4413]).toContain(code);
      }),
      { numRuns: 200 },
    );
    using client = await dialler();
    expect(await client.request('add', { a: 1, b: 1 })).toEqual({ sum: 2 });
  });

  it('does not grow under bad messages', async () => {
    const { server } = await pair({ messagesPerSecond: 1_000_000 });
    await using _ = server;
    const burst = async () => {
      for (let i = 0; i < 100; i++) {
        const { socket, closed } = await stranger(server.url);
        socket.on('error', () => undefined);
        socket.send('x'.repeat(1_000_000));
        await closed;
      }
      collectGarbage();
    };
    await burst();
    const before = process.memoryUsage().heapUsed;
    await burst();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(20_000_000);
  }, 30_000);
});
