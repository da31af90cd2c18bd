/**
 * For tests: a small stand-in for an S3 service, in memory, with one bucket. It knows the calls that `S3Store` makes, checks
 * every signature and payload as the real one does, holds parts to the real one's minimum, and fails on demand.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AwsV4Signer } from 'aws4fetch';

const MIN_PART = 5 * 1024 * 1024;
const PAGE = 2;

interface Stored {
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  readonly modified: Date;
}

interface Multipart {
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly begun: Date;
  readonly parts: Map<number, Buffer>;
}

export class FakeS3 implements AsyncDisposable {
  readonly bucket = 'files';
  readonly region = 'eu-test-1';
  readonly accessKeyId = 'AKIDTEST';
  readonly secretAccessKey = 'secret-of-the-test';
  readonly objects = new Map<string, Stored>();
  readonly multiparts = new Map<string, Multipart>();
  /** `PUT abcd…?partNumber=1`, in order. */
  readonly calls: string[] = [];
  /** Answers in place of the real one, once for each entry: a status, or the words that break the connection. */
  readonly failures: { readonly match: RegExp; readonly status: number | 'drop' }[] = [];
  readonly #server: Server;
  #uploads = 0;

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        response.destroy(error instanceof Error ? error : undefined);
      });
    });
  }

  static async start(): Promise<FakeS3> {
    const fake = new FakeS3();
    await new Promise<void>((resolve) => fake.#server.listen(0, '127.0.0.1', resolve));
    return fake;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', this.endpoint);
    const method = request.method ?? '';
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const body = Buffer.concat(pieces);
    const [, bucket, key = ''] = url.pathname.split('/');
    const call = `${method} ${key}${url.search}`;
    this.calls.push(call);
    const index = this.failures.findIndex(({ match }) => match.test(call));
    const [failure] = index < 0 ? [] : this.failures.splice(index, 1);
    if (failure?.status === 'drop') return void response.destroy();
    if (failure) return void response.writeHead(failure.status).end('<Error><Code>Asked</Code></Error>');
    if (!(await this.#isSigned(request, url, body))) {
      return void response.writeHead(403).end('<Error><Code>SignatureDoesNotMatch</Code></Error>');
    }
    if (bucket !== this.bucket) return void response.writeHead(404).end('<Error><Code>NoSuchBucket</Code></Error>');
    const headers = Object.fromEntries(
      Object.entries(request.headers).filter(([name]) => name.startsWith('x-amz-meta-')),
    ) as Record<string, string>;
    if (key === '') return this.#serveBucket(url, response);
    return this.#serveObject({ method, key, url, body, headers, range: request.headers.range }, response);
  }

  /** What the signature must be, by the library's own signer over what arrived. */
  async #isSigned({ method = '', headers }: IncomingMessage, url: URL, body: Buffer): Promise<boolean> {
    const payload = createHash('sha256').update(body).digest('hex');
    const said = headers.authorization ?? '';
    const names = /SignedHeaders=([^,]+)/.exec(said)?.[1]?.split(';') ?? [];
    if (headers['x-amz-content-sha256'] !== payload || !names.includes('x-amz-content-sha256')) return false;
    const signed = names
      .filter((name) => name !== 'host' && name !== 'x-amz-date')
      .map((name): [string, string] => [name, String(headers[name])]);
    const { accessKeyId, secretAccessKey, region } = this;
    const signer = new AwsV4Signer({
      method,
      url: url.toString(),
      headers: signed,
      accessKeyId,
      secretAccessKey,
      region,
      service: 's3',
      datetime: String(headers['x-amz-date']),
    });
    return (await signer.sign()).headers.get('authorization') === said;
  }

  #serveBucket(url: URL, response: ServerResponse): void {
    if (url.searchParams.has('uploads')) {
      const uploads = [...this.multiparts].map(
        ([id, { key, begun }]) =>
          `<Upload><Key>${key}</Key><UploadId>${id}</UploadId><Initiated>${begun.toISOString()}</Initiated></Upload>`,
      );
      return void response.end(`<ListMultipartUploadsResult>${uploads.join('')}</ListMultipartUploadsResult>`);
    }
    const keys = [...this.objects.keys()].sort();
    const from = Number(url.searchParams.get('continuation-token') ?? 0);
    const page = keys.slice(from, from + PAGE).map((key) => {
      const modified = this.objects.get(key)?.modified.toISOString();
      return `<Contents><Key>${key}</Key><LastModified>${modified}</LastModified></Contents>`;
    });
    const next = from + PAGE < keys.length ? `<NextContinuationToken>${from + PAGE}</NextContinuationToken>` : '';
    response.end(`<ListBucketResult>${next}${page.join('')}</ListBucketResult>`);
  }

  #serveObject(
    call: {
      method: string;
      key: string;
      url: URL;
      body: Buffer;
      headers: Record<string, string>;
      range: string | undefined;
    },
    response: ServerResponse,
  ): void {
    const { method, key, url, body, headers } = call;
    const uploadId = url.searchParams.get('uploadId');
    if (method === 'POST' && url.searchParams.has('uploads')) {
      this.#uploads += 1;
      const id = `upload-${this.#uploads}`;
      this.multiparts.set(id, { key, headers, begun: new Date(), parts: new Map() });
      return void response.end(
        `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
      );
    }
    if (uploadId !== null)
      return this.#serveMultipart({ method, uploadId, body, part: url.searchParams.get('partNumber') }, response);
    if (method === 'PUT') {
      this.objects.set(key, { body, headers, modified: new Date() });
      return void response.setHeader('etag', etagOf(body)).end();
    }
    const found = this.objects.get(key);
    if (method === 'DELETE') {
      this.objects.delete(key);
      return void response.writeHead(204).end();
    }
    if (!found) return void response.writeHead(404).end();
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(call.range ?? '') ?? [];
    const part = from === undefined ? found.body : found.body.subarray(Number(from), Number(to) + 1);
    response.writeHead(from === undefined ? 200 : 206, { ...found.headers, 'content-length': part.length });
    response.end(method === 'HEAD' ? undefined : part);
  }

  #serveMultipart(
    { method, uploadId, body, part }: { method: string; uploadId: string; body: Buffer; part: string | null },
    response: ServerResponse,
  ): void {
    const multipart = this.multiparts.get(uploadId);
    if (!multipart) return void response.writeHead(404).end();
    if (method === 'DELETE') {
      this.multiparts.delete(uploadId);
      return void response.writeHead(204).end();
    }
    if (method === 'PUT') {
      multipart.parts.set(Number(part), body);
      return void response.setHeader('etag', etagOf(body)).end();
    }
    const named = [...String(body).matchAll(/<PartNumber>(\d+)<\/PartNumber><ETag>([^<]+)<\/ETag>/g)];
    const parts = named.map(([, number, etag]) => {
      const bytes = multipart.parts.get(Number(number));
      return bytes && etagOf(bytes) === etag ? bytes : undefined;
    });
    const tooSmall = parts.slice(0, -1).some((bytes) => bytes === undefined || bytes.length < MIN_PART);
    if (tooSmall || parts.at(-1) === undefined) {
      // As the real one does it: the status was sent before the parts were looked at.
      return void response.end('<Error><Code>EntityTooSmall</Code></Error>');
    }
    const whole = Buffer.concat(parts.filter((bytes) => bytes !== undefined));
    this.objects.set(multipart.key, { body: whole, headers: multipart.headers, modified: new Date() });
    this.multiparts.delete(uploadId);
    response.end('<CompleteMultipartUploadResult></CompleteMultipartUploadResult>');
  }
}

function etagOf(body: Buffer): string {
  return `"${createHash('md5').update(body).digest('hex')}"`;
}
