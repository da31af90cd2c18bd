import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { doctor } from '../doctor.ts';
import { line } from './check.ts';
import { checkClock, judgeClock } from './clock.ts';
import { checkPorts, demoRanges } from './ports.ts';
import { checkNode } from './programs.ts';

async function run(...argv: string[]) {
  const out: string[] = [];
  const terminal = { out: (text: string) => void out.push(text), err: () => undefined, signal: AbortSignal.any([]) };
  return { code: await doctor.execute(argv, terminal), out };
}

test('a taken port is named, with how to find who has it', async () => {
  const tcp = createServer().listen(0, '127.0.0.1');
  await once(tcp, 'listening');
  const udp = createSocket('udp4').bind(0, '127.0.0.1');
  await once(udp, 'listening');
  try {
    const { port } = tcp.address() as AddressInfo;
    const [taken] = await checkPorts([{ protocol: 'TCP', from: port, to: port, purpose: 'a test' }]);
    expect(taken).toMatchObject({ ok: false, found: `${port} is in use` });
    expect(taken?.todo).toContain(`ss -ltnp 'sport = :${port}'`);
    const udpPort = udp.address().port;
    const [takenUdp] = await checkPorts([{ protocol: 'UDP', from: udpPort, to: udpPort, purpose: 'a test' }]);
    expect(takenUdp?.todo).toContain('ss -lunp');
  } finally {
    tcp.close();
    udp.close();
  }
});

test('the port is free again after it was tried', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  const range = { protocol: 'TCP', from: port, to: port, purpose: 'a test' } as const;
  expect(await checkPorts([range])).toMatchObject([{ ok: true }]);
  expect(await checkPorts([range])).toMatchObject([{ ok: true }]);
});

test('the blocks of the demo do not overlap', () => {
  const ports = demoRanges.flatMap(({ protocol, from, to }) =>
    Array.from({ length: to - from + 1 }, (_, i) => `${protocol} ${from + i}`),
  );
  expect(new Set(ports).size).toBe(ports.length);
});

test('a clock before the copy was made is wrong; an unknown time service is only a remark', async () => {
  const made = new Date('2026-06-01T00:00:00Z');
  expect(judgeClock(new Date('1970-01-01T00:00:12Z'), made, 'yes')).toMatchObject({ ok: false });
  const later = new Date('2026-06-02T00:00:00Z');
  expect(judgeClock(later, made, 'unknown')).toMatchObject({
    ok: true,
    found: expect.stringContaining('unknown here'),
  });
  expect(judgeClock(later, made, 'no').found).toContain('timedatectl set-ntp true');
  expect((await checkClock()).ok).toBe(true);
});

test('an old Node is missing, with the one thing to do', () => {
  expect(checkNode('20.19.0')).toMatchObject({ ok: false, todo: expect.stringContaining('./hawser') });
  expect(checkNode('24.0.0').ok).toBe(true);
  expect(line({ name: 'Node', ok: false, found: '20', todo: 'Do it.' })).toBe('missing  Node: 20. Do it.');
});

test('the exit code says whether anything is missing, in lines and in JSON alike', async () => {
  const lines = await run('--local');
  const json = await run('--local', '--json');
  const report: { ok: boolean; checks: { ok: boolean; todo?: string }[] } = JSON.parse(json.out.at(-1) ?? '');
  expect(json.out).toHaveLength(1);
  expect(lines.out).toHaveLength(report.checks.length + 1);
  expect(report.ok).toBe(report.checks.every(({ ok }) => ok));
  expect(json.code).toBe(report.ok ? 0 : 1);
  for (const { ok, todo } of report.checks) expect(todo === undefined).toBe(ok);
});

test('without --local it asks what to check', async () => {
  await expect(run()).rejects.toThrow('or --local for this machine');
});

test('which server is here, and where another SFT is, is asked of an organisation and of nothing else', async () => {
  const only = '--part and --link are for hawser doctor DOMAIN';
  await expect(run('clients', '--part', 'sft')).rejects.toThrow(only);
  await expect(run('--local', '--link', 'wss://sft.beta.example/link/v1')).rejects.toThrow(only);
  for (const link of ['https://sft.beta.example/', 'wss://', 'sft.beta.example'])
    await expect(run('beta.example', '--link', link)).rejects.toThrow('is not a URL such as wss://sft.beta.example');
});

test('where it reads a pass, or looks at the machine, it needs no site', async () => {
  await expect(run('clients', '--read', 'nowhere.json')).rejects.toThrow('There is no file nowhere.json.');
});
