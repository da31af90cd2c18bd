/** The place for files that the configuration names. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Site } from '#site/schema.ts';
import { StartError } from '../listen.ts';
import { FolderStore } from './folder.ts';
import { S3Store } from './s3.ts';
import { S3Client } from './s3-client.ts';
import type { AssetStore } from './store.ts';

/** @throws StartError where the credentials cannot be read */
export async function openAssetStore({ data, homeserver: { assets } }: Site): Promise<AssetStore> {
  const folder = new FolderStore({ folder: join(data, 'assets'), keepFree: assets.keepFreeMb * 1_000_000 });
  const { s3 } = assets;
  if (!s3) return folder;
  const [accessKeyId, secretAccessKey, more] = (await readFile(s3.credentials, 'utf8')).trim().split(/\s*\n\s*/);
  if (!accessKeyId || !secretAccessKey || more !== undefined) {
    throw new StartError(
      `${s3.credentials} (homeserver.assets.s3.credentials) must hold two lines: the access key id and the secret access key.`,
    );
  }
  return new S3Store(new S3Client({ ...s3, accessKeyId, secretAccessKey }), folder);
}
