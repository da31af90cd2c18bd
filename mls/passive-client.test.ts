/** Groups that other implementations made, followed from Welcome to the last epoch: everything together. */
import {
  bytesToBase64,
  type ClientState,
  decode,
  joinGroup,
  type MlsContext,
  type MlsMessage,
  mlsMessageDecoder,
  processMessage,
  unsafeTestingAuthenticationService,
} from 'ts-mls';
import { ratchetTreeDecoder } from 'ts-mls/internal/ratchetTree.js';
import { expect } from 'vitest';
import { cipherSuite } from './suite.ts';
import { hex, toHex } from './testing/hex.ts';
import { itMeets } from './testing/vectors.ts';

interface Passive {
  external_psks: { psk_id: string; psk: string }[];
  key_package: string;
  signature_priv: string;
  encryption_priv: string;
  init_priv: string;
  welcome: string;
  ratchet_tree: string | null;
  initial_epoch_authenticator: string;
  epochs: { proposals: string[]; commit: string; epoch_authenticator: string }[];
}

const cs = await cipherSuite();

async function follow(v: Passive): Promise<void> {
  // The credentials of the vectors are names; certificates are tested elsewhere.
  const context: MlsContext = {
    cipherSuite: cs,
    authService: unsafeTestingAuthenticationService,
    externalPsks: Object.fromEntries(v.external_psks.map((each) => [bytesToBase64(hex(each.psk_id)), hex(each.psk)])),
  };
  const welcome = message(v.welcome);
  const own = message(v.key_package);
  if (!('welcome' in welcome) || !('keyPackage' in own)) throw new Error('other messages');
  const tree = v.ratchet_tree === null ? undefined : decode(ratchetTreeDecoder, hex(v.ratchet_tree));
  let state = await joinGroup({
    context,
    welcome: welcome.welcome,
    keyPackage: own.keyPackage,
    privateKeys: {
      initPrivateKey: hex(v.init_priv),
      hpkePrivateKey: hex(v.encryption_priv),
      signaturePrivateKey: hex(v.signature_priv),
    },
    ...(tree && { ratchetTree: tree }),
  });
  expect(toHex(state.keySchedule.epochAuthenticator)).toBe(v.initial_epoch_authenticator);
  for (const epoch of v.epochs) {
    for (const proposal of epoch.proposals) state = await process(context, state, proposal);
    state = await process(context, state, epoch.commit);
    expect(toHex(state.keySchedule.epochAuthenticator)).toBe(epoch.epoch_authenticator);
  }
}

function message(text: string): MlsMessage {
  const value = decode(mlsMessageDecoder, hex(text));
  if (value === undefined) throw new Error('the vector cannot be decoded');
  return value;
}

async function process(context: MlsContext, state: ClientState, text: string): Promise<ClientState> {
  const framed = message(text);
  if (!('privateMessage' in framed) && !('publicMessage' in framed)) throw new Error('another message');
  return (await processMessage({ context, state, message: framed })).newState;
}

itMeets<Passive>('passive-client-welcome', follow, 60_000);
itMeets<Passive>('passive-client-handling-commit', follow, 60_000);
itMeets<Passive>('passive-client-random', follow, 120_000);
