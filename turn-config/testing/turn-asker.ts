/** For tests, a program: asks a TURN server from the host on which it runs, one JSON line a question, one a answer. */
import process from 'node:process';
import { createInterface } from 'node:readline';
import type { Endpoint } from '../stun.ts';
import { TurnClient, TurnRefusal } from '../turn-client.ts';

export type Question =
  | { readonly ask: 'open'; readonly server: Endpoint; readonly ca?: string; readonly name?: string }
  | {
      readonly ask: 'allocate';
      readonly username: string;
      readonly password: string;
      readonly family?: 'ipv4' | 'ipv6';
    }
  | { readonly ask: 'permit'; readonly peer: Endpoint }
  | { readonly ask: 'send'; readonly peer: Endpoint; readonly data: string }
  | { readonly ask: 'heard' }
  | { readonly ask: 'close' };

/** `ok` with what is known, or the code with which it was refused; 0 is silence or a broken connection. */
export type Answer =
  | { readonly ok: true; readonly value?: unknown }
  | { readonly ok: false; readonly code: number; readonly why: string };

const heard: { data: string; peer: Endpoint }[] = [];
let client: TurnClient | undefined;

async function answer(question: Question): Promise<unknown> {
  if (question.ask === 'open') {
    const { server, ca, name } = question;
    const transport =
      ca === undefined ? { kind: 'udp' as const } : { kind: 'tls' as const, tls: { ca, servername: name ?? '' } };
    client = await TurnClient.connect({ server, transport, timeoutMs: 15_000 });
    client.onData = (data, peer) => heard.push({ data: data.toString('latin1'), peer });
    return undefined;
  }
  if (!client) throw new Error('not open');
  switch (question.ask) {
    case 'allocate':
      return client.allocate(question.username, question.password, question.family);
    case 'permit':
      return client.permit(question.peer);
    case 'send':
      return client.send(question.peer, Buffer.from(question.data, 'latin1'));
    case 'heard':
      return heard;
    case 'close':
      return client.close();
  }
}

// One after the other: whoever asks to send has asked for the permission before.
let last: Promise<void> = Promise.resolve();
createInterface(process.stdin).on('line', (line) => {
  const question: Question = JSON.parse(line);
  last = last
    .then(() => answer(question))
    .then((value): Answer => ({ ok: true, value }))
    .catch(
      (error: Error): Answer => ({
        ok: false,
        code: error instanceof TurnRefusal ? error.code : 0,
        why: error.message,
      }),
    )
    .then((said) => void process.stdout.write(`${JSON.stringify(said)}\n`));
});
