export { BatchVerifier, batchMessagesMax, signBatch, type BatchSignature } from './batch-signature.js';
export { compareBytes, concatBytes, equalBytes, fromHex, toHex } from './bytes.js';
export { didFromPublicKey, isDid, parseDid, publicKeyFromDid, type Did } from './did.js';
export { IdentityError, type IdentityErrorCode } from './identity-error.js';
export { generateKeyPair, keyPairFromSeed, type KeyPair } from './key-pair.js';
export { randomBytes } from './random-bytes.js';
export { sha256 } from './sha256.js';
export { sign, verify, type Purpose } from './signature.js';
export { isPublicKey } from './validity.js';
