import { describe, expect, it } from 'vitest';
import { judged, judgedClosing } from './judge.ts';
import { closingIn } from './sockets.ts';
import { seedOfBatch, turnsOf } from './target.ts';
import { answerIn } from './wire.ts';

const problem = (code: string, message = 'A sentence.') => JSON.stringify({ code, message, retry: false });

describe('an answer', () => {
  it('may be success or a refusal with a code', () => {
    expect(judged({ status: 200, body: '{}' }).wrong).toBeUndefined();
    expect(judged({ status: 404, body: problem('HOME_NOT_FOUND') })).toEqual({ answer: 'HOME_NOT_FOUND' });
    expect(judged({ status: 533, body: problem('FED_UNREACHABLE') }).wrong).toBeUndefined();
  });

  it.each([
    ['has no code', 400, '{"error":"Bad Request"}'],
    ['is no JSON', 400, 'Bad Request'],
    ['has a code of no list', 400, problem('HOME_OTHER')],
    ['has the status of another code', 400, problem('HOME_NOT_FOUND')],
    ['is a fault', 500, problem('SIG_INTERNAL')],
    ['shows a stack', 400, problem('HOME_BAD_REQUEST', 'x\n    at Object.<anonymous>')],
    ['names a file', 200, '{"path":"/srv/hawser/node_modules/x"}'],
    ['shows words of the database', 400, problem('HOME_BAD_REQUEST', 'SQLITE_CONSTRAINT')],
  ])('is wrong where it %s', (_what, status, body) => {
    expect(judged({ status, body }).wrong).toBeDefined();
  });
});

describe('a WebSocket', () => {
  it('may be closed with a code of ours or of the protocol', () => {
    expect(judgedClosing(4400, 'SIG_MALFORMED not JSON')).toEqual({ answer: 'SIG_MALFORMED' });
    expect(judgedClosing(1002, '').wrong).toBeUndefined();
  });

  it('is closed wrongly where it is a fault, or nobody knows why', () => {
    expect(judgedClosing(4500, 'SIG_INTERNAL abc').wrong).toBeDefined();
    expect(judgedClosing(1011, '').wrong).toBeDefined();
  });

  it('says so in a frame behind others', () => {
    const frame = (opcode: number, content: Buffer) => Buffer.from([0x80 | opcode, content.length, ...content]);
    const reason = Buffer.concat([Buffer.from([4400 >> 8, 4400 & 255]), Buffer.from('SIG_TOO_DEEP')]);
    const heard = Buffer.concat([Buffer.from('HTTP/1.1 101 x\r\n\r\n'), frame(1, Buffer.from('{}')), frame(8, reason)]);
    expect(closingIn(heard)).toEqual({ answer: 'SIG_TOO_DEEP' });
    expect(closingIn(heard.subarray(0, -1))).toBeUndefined();
  });
});

it('reads an answer once it is whole', () => {
  const bytes = Buffer.from('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}');
  expect(answerIn(bytes.subarray(0, -1))).toBeUndefined();
  expect(answerIn(bytes)).toEqual({ answer: { status: 404, body: '{}' }, isKept: true });
});

it('gives each target its share, spread evenly, and each batch a seed of its own', () => {
  const turns = turnsOf([
    { target: 'a', of100: 75 },
    { target: 'b', of100: 25 },
  ]);
  expect(turns.filter((each) => each === 'b')).toHaveLength(25);
  expect(turns.slice(0, 20).filter((each) => each === 'b')).toHaveLength(5);
  expect(new Set(Array.from({ length: 1_000 }, (_, batch) => seedOfBatch(7, batch))).size).toBe(1_000);
});
