/** Why a chosen file will not be accepted, said before anything of it is read or sent. Pure. */
import { type AssetPolicy, LimitRefusal, refusalBy, sealedSize } from '#signalling/assets.ts';
import { kindOf } from '../assets/kind.ts';
import { DeviceError, type Failure, failureOf } from '../failure.ts';

export interface Chosen {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** As the device says: `image/png`; empty where it does not know. */
  readonly type: string;
}

/** One for each file, in order: the failure, or undefined where it is accepted. @param policy absent while it is not known */
export function refusals(files: readonly Chosen[], policy: AssetPolicy | undefined): readonly (Failure | undefined)[] {
  let room = policy ? policy.quotaBytes - policy.usedBytes : Number.POSITIVE_INFINITY;
  return files.map(({ name, size, type }) => {
    if (size === 0) return failureOf(new DeviceError('FILE_EMPTY'));
    const refusal = policy && refusalBy(policy, { size, kind: kindOf(type, name) });
    if (refusal) return failureOf(refusal);
    room -= sealedSize(size);
    return policy && room < 0 ? failureOf(new LimitRefusal('HOME_ASSET_QUOTA', policy.quotaBytes)) : undefined;
  });
}
