/** The few calls of the S3 API that files need, signed by `aws4fetch`; addresses are path-style, which every service knows. */
import { createHash } from 'node:crypto';
import { AwsClient } from 'aws4fetch';
import { HawserError } from '#signalling/errors.ts';

export interface S3ClientOptions {
  /** `https://s3.eu-central-1.amazonaws.com` */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface S3Call {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Empty for the bucket itself. */
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer> | string;
  /** Whether the body of the answer is long, and may take as long as its reader takes. */
  readonly isStream?: boolean;
}

/** A busy or restarting service answers 5xx for a moment; a second in all, then the client of ours tries again. */
const RETRIES = 4;
const TIMEOUT_MS = 60_000;

export class S3Client {
  readonly #base: string;
  readonly #aws: AwsClient;

  constructor({ endpoint, bucket, region, accessKeyId, secretAccessKey }: S3ClientOptions) {
    this.#base = `${endpoint.replace(/\/$/, '')}/${bucket}`;
    this.#aws = new AwsClient({ accessKeyId, secretAccessKey, region, service: 's3', retries: RETRIES });
  }

  /** @returns the answer where it is 2xx, undefined where it is 404 @throws HawserError HOME_ASSET_STORE */
  async call({ method, key = '', query = {}, headers = {}, body, isStream = false }: S3Call) {
    const url = `${this.#base}/${key}${search(query)}`;
    // Over the payload too, so that what arrives there is what left here.
    const hash = createHash('sha256')
      .update(body ?? '')
      .digest('hex');
    let response: Response;
    try {
      response = await this.#aws.fetch(url, {
        method,
        headers: { ...headers, 'x-amz-content-sha256': hash },
        ...(body !== undefined && { body }),
        ...(!isStream && { signal: AbortSignal.timeout(TIMEOUT_MS) }),
      });
    } catch (error) {
      throw new HawserError('HOME_ASSET_STORE', undefined, { cause: error });
    }
    if (response.ok) return response;
    await response.body?.cancel();
    if (response.status === 404) return undefined;
    throw new HawserError('HOME_ASSET_STORE', `status ${response.status}`);
  }

  /** For calls whose answer is XML. @throws HawserError HOME_ASSET_STORE also where there is nothing, or an error in a 200 */
  async callForXml(call: S3Call): Promise<string> {
    const response = await this.call(call);
    const xml = await response?.text().catch(() => undefined);
    // CompleteMultipartUpload answers 200 before it knows, and says later that it failed.
    if (xml === undefined || /<Error>/.test(xml)) throw new HawserError('HOME_ASSET_STORE', 'refused');
    return xml;
  }
}

function search(query: Readonly<Record<string, string>>): string {
  const text = new URLSearchParams(query).toString();
  return text === '' ? '' : `?${text}`;
}

/** What stands between `<tag>` and `</tag>`, of each of them. Answers are flat, and what is read of them has no entities. */
export function textsOf(xml: string, tag: string): string[] {
  return [...xml.matchAll(new RegExp(`<${tag}>([^<]*)</${tag}>`, 'g'))].map((match) => match[1] ?? '');
}
