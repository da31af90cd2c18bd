/** For tests: a DNS server on loopback that answers what it was told, and stands for the world's. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

export interface TestRecords {
  /** By name in lower case. */
  readonly a?: Readonly<Record<string, readonly string[]>>;
  readonly srv?: Readonly<
    Record<string, readonly { priority?: number; weight?: number; port: number; target: string }[]>
  >;
  /** s */
  readonly ttl?: number;
}

export interface TestDns extends AsyncDisposable {
  /** `127.0.0.1:port` */
  readonly address: string;
  /** Answered from now on. Undefined: no answer at all. */
  records: TestRecords | undefined;
  /** Names that were asked for. */
  readonly asked: string[];
}

const [TYPE_A, TYPE_SRV] = [1, 33];
const HEADER = 12;

export async function listenDns(records: TestRecords): Promise<TestDns> {
  const socket = createSocket('udp4');
  const dns: TestDns = {
    address: '',
    records,
    asked: [],
    async [Symbol.asyncDispose]() {
      socket.close();
      await once(socket, 'close');
    },
  };
  socket.on('message', (query, from) => {
    if (dns.records) socket.send(answer(query, dns.records, dns.asked), from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return Object.assign(dns, { address: `127.0.0.1:${socket.address().port}` });
}

function answer(query: Buffer, { a = {}, srv = {}, ttl = 60 }: TestRecords, asked: string[]): Buffer {
  const labels: string[] = [];
  let at = HEADER;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.subarray(at + 1, at + 1 + length).toString('latin1'));
    at += 1 + length;
  }
  const name = labels.join('.').toLowerCase();
  const type = query.readUInt16BE(at + 1);
  const question = query.subarray(HEADER, at + 5);
  asked.push(name);
  const data: Buffer[] = [];
  if (type === TYPE_A) for (const address of a[name] ?? []) data.push(Buffer.from(address.split('.').map(Number)));
  if (type === TYPE_SRV) {
    for (const { priority = 0, weight = 0, port, target } of srv[name] ?? []) {
      const numbers = Buffer.alloc(6);
      [priority, weight, port].forEach((value, index) => {
        numbers.writeUInt16BE(value, index * 2);
      });
      data.push(Buffer.concat([numbers, encoded(target)]));
    }
  }
  const isKnown = name in a || name in srv;
  const header = Buffer.alloc(HEADER);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(isKnown ? 0x8180 : 0x8183, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(data.length, 6);
  const answers = data.map((rdata) => {
    const fixed = Buffer.alloc(HEADER);
    // The name of the question.
    fixed.writeUInt16BE(0xc00c, 0);
    fixed.writeUInt16BE(type, 2);
    fixed.writeUInt16BE(1, 4);
    fixed.writeUInt32BE(ttl, 6);
    fixed.writeUInt16BE(rdata.length, 10);
    return Buffer.concat([fixed, rdata]);
  });
  return Buffer.concat([header, question, ...answers]);
}

function encoded(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '');
  return Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)])),
    Buffer.from([0]),
  ]);
}
