/**
 * The one cipher suite, and how the library is set up. P-256 signatures are plain JavaScript in the library and make joins
 * cost eight times as much, so that there is no second suite to choose.
 */
import {
  type Capabilities,
  type CiphersuiteImpl,
  ciphersuites,
  defaultCredentialTypes,
  defaultCryptoProvider,
  getCiphersuiteImpl,
  protocolVersions,
} from 'ts-mls';
import type { Engine } from './engine.ts';
import { hkdf } from './hkdf.ts';
import { Verified } from './verified.ts';

export const SUITE = ciphersuites.MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519;

let suite: Promise<CiphersuiteImpl> | undefined;
const onEngines = new WeakMap<Engine, Promise<CiphersuiteImpl>>();

/** On WebCrypto, which browsers and Node share; with an engine, what it can do is done by it. */
export function cipherSuite(engine?: Engine): Promise<CiphersuiteImpl> {
  suite ??= getCiphersuiteImpl('MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519', defaultCryptoProvider).then(withMemory);
  if (engine === undefined) return suite;
  const known = onEngines.get(engine);
  if (known !== undefined) return known;
  const made = suite.then((base) => withEngine(base, engine));
  onEngines.set(engine, made);
  return made;
}

function withEngine(base: CiphersuiteImpl, engine: Engine): CiphersuiteImpl {
  return withMemory({
    ...base,
    hash: { ...base.hash, digest: async (data) => engine.digest(data) },
    kdf: hkdf((key, data) => engine.mac(key, data)),
    signature: {
      ...base.signature,
      verify: async (publicKey, message, signature) => engine.verify(publicKey, message, signature),
    },
  });
}

function withMemory(base: CiphersuiteImpl): CiphersuiteImpl {
  const verified = new Verified(base.hash.digest);
  const { verify } = base.signature;
  const checked: typeof verify = async (publicKey, message, signature) => {
    // Of other lengths they are no key and no signature, and parts could be taken for one another.
    if (publicKey.length !== 32 || signature.length !== 64) return verify(publicKey, message, signature);
    return verified.check([publicKey, signature, message], () => verify(publicKey, message, signature));
  };
  return { ...base, signature: { ...base.signature, verify: checked } };
}

/**
 * What every device says it can do, and nothing more: a capability is a promise, and the library's default promises suites and
 * credentials that are not used here, with random values between.
 */
export const CAPABILITIES: Capabilities = {
  versions: [protocolVersions.mls10],
  ciphersuites: [SUITE],
  extensions: [],
  proposals: [],
  credentials: [defaultCredentialTypes.x509],
};

/** Skipped messages of one sender whose keys are kept, and steps that a ratchet goes forward at once (RFC 9420, section 9.1). */
export const RETENTION = {
  retainKeysForGenerations: 64,
  /** 1,000 steps take 0.1 s; beyond, a message is given up, or any member could keep all others busy. */
  maximumForwardRatchetSteps: 1000,
  /** Past epochs are kept by time, in `past.ts`; the library is never given more than the one that it needs. */
  retainKeysForEpochs: Number.MAX_SAFE_INTEGER,
} as const;
