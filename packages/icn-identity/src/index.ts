export { BatchVerifier, batchMessagesMax, signBatch, type BatchSignature } from './batch-signature.js';
export { compareBytes, concatBytes, equalBytes, fromHex, toHex } from './bytes.js';
export { didFromPublicKey, isDid, parseDid, publicKeyFromDid, type Did } from './did.js';
export {
  didDocument,
  didFromDidKey,
  didKeyFromDid,
  type DidDocument,
  type VerificationMethod,
} from './did-document.js';
export {
  createEnvelope,
  envelopeBytesMax,
  openEnvelope,
  type EnvelopeContent,
  type EnvelopeExpectation,
  type EnvelopeFault,
} from './envelope/envelope.js';
export { envelopePayloadBytesMax } from './envelope/envelope-body.js';
export type { SignedEnvelope } from './envelope/signed-envelope.js';
export { IdentityError, type IdentityErrorCode } from './identity-error.js';
export { generateKeyPair, keyPairFromSeed, type KeyPair } from './key-pair.js';
export { randomBytes } from './random-bytes.js';
export { replayRecordBytes } from './replay/replay-codec.js';
export {
  defaultReplayLimits,
  ReplayGuard,
  type Admission,
  type ReplayGuardLimits,
} from './replay/replay-guard.js';
export type { ReplayVerdict } from './replay/replay-state.js';
export { memoryReplayStore, type ReplayStore } from './replay/replay-store.js';
export { createRotation, openRotation, type Rotation, type RotationFault } from './rotation/rotation.js';
export {
  endOfChain,
  rotationPredecessorsMax,
  RotationSet,
  type Resolution,
  type RotationAddition,
} from './rotation/rotation-set.js';
export {
  openBox,
  sealBox,
  sealedBoxBytesMax,
  sealedTextBytesMax,
  type BoxContext,
  type BoxFault,
} from './sealed-box.js';
export { sha256 } from './sha256.js';
export { sign, verify, type EnvelopePurpose, type Purpose } from './signature.js';
export { isPublicKey } from './validity.js';
export { x25519PublicKey } from './x25519.js';
