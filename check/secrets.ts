/** Who on this machine may read, write or replace what must be kept. That everybody may read a key is refused by site/. */
import { dirname, resolve } from 'node:path';
import { isSecretKind } from '#site/fields.ts';
import { text } from '#site/yaml.ts';
import { type Facts, fileOf, isUsed, type Written } from './facts.ts';
import type { FileFacts } from './file.ts';
import { type Option, type Remark, refuse, WHOLE_FILE, warn } from './finding.ts';

const WRITTEN_BY_OTHERS = 0o022;
const WRITTEN_BY_ALL = 0o002;
const ANY_OF_ALL = 0o007;

export function checkSecrets(facts: Facts): readonly Remark[] {
  const { site } = facts;
  const secrets = site.options.all.flatMap((leaf) => {
    const kind = text(leaf.schema, 'kind');
    const option = site.options.text(leaf.path);
    const file = fileOf(option, site, facts);
    if (!isSecretKind(kind) || !option || !file || !isUsed(leaf, facts)) return [];
    return checkSecret(option, resolve(site.folder, option.value), file, facts);
  });
  return [...secrets, ...checkData(facts), ...checkWritten(site, facts)];
}

/** Who asks, unless that is an administrator as root: then whose the data is. */
function userOfServer({ machine, data, site }: Facts): number | undefined {
  if (machine.uid !== 0) return machine.uid;
  const path = resolve(site.folder, site.options.text('data')?.value ?? '');
  return data?.path === path ? data.uid : undefined;
}

function checkSecret(option: Option, path: string, file: FileFacts, facts: Facts): readonly Remark[] {
  const remarks: Remark[] = [];
  const user = userOfServer(facts);
  if ((file.mode & WRITTEN_BY_OTHERS) !== 0 && (file.mode & ANY_OF_ALL) === 0) {
    remarks.push(warn(option, `the group of ${path} may change it.`, `Run: chmod g-w ${path}`));
  }
  if (user !== undefined && file.uid !== user && file.uid !== 0) {
    const reason = `${path} belongs to the user ${file.uid}, who may read and change it, and not to the user of the server, ${user}.`;
    remarks.push(warn(option, reason, `Run: chown ${user} ${path}`));
  }
  if (file.openFolder !== undefined) {
    const reason = `everybody on this machine may put another file in its place, for everybody may write in ${file.openFolder}.`;
    remarks.push(
      warn(option, reason, `Keep it in a folder of the server's user, or run: chmod o-w ${file.openFolder}`),
    );
  }
  return remarks;
}

function checkData(facts: Facts): readonly Remark[] {
  const option = facts.site.options.text('data');
  const { data, parts } = facts;
  if (!option || !data || !parts.includes('homeserver')) return [];
  const path = resolve(facts.site.folder, option.value);
  const isThere = data.path === path;
  if (!data.isFolder) return [refuse(option, `${data.path} is a file, and no folder.`, 'Write the path of a folder.')];
  if (!data.isWritable) {
    const reason = isThere ? `this user may not write in ${path}.` : `this user may not make ${path} in ${data.path}.`;
    return [
      refuse(option, reason, `As root, run: install -d -m 700 -o USER ${path}, with the user of the homeserver.`),
    ];
  }
  if (!isThere || (data.mode & ANY_OF_ALL) === 0) return [];
  const reason = `everybody on this machine may look into ${path}, where the database is.`;
  return [warn(option, reason, `Run: chmod 700 ${path}`)];
}

/** The two files themselves: whoever may change them decides who is trusted. */
function checkWritten(site: Written, facts: Facts): readonly Remark[] {
  return [
    ...lookedAt(WHOLE_FILE, site.path, facts),
    ...[site.options.text('peers')].flatMap((peers) =>
      peers ? lookedAt(peers, resolve(site.folder, peers.value), facts) : [],
    ),
  ];
}

function lookedAt(option: Option, path: string, { files }: Facts): readonly Remark[] {
  const file = files.get(path);
  if (!file) return [];
  if ((file.mode & WRITTEN_BY_ALL) !== 0) {
    return [warn(option, `everybody on this machine may change ${path}.`, `Run: chmod o-w ${path}`)];
  }
  if (file.openFolder === undefined) return [];
  const reason = `everybody on this machine may put another file in the place of ${path}.`;
  return [warn(option, reason, `Keep it elsewhere, or run: chmod o-w ${dirname(path)}`)];
}
