import { signedEnvelope, type SignedEnvelope } from '../../src/envelope/signed-envelope.js';
import type { Sighting } from '../../src/replay/replay-state.js';

/** An envelope as a guard gets it. It is not signed: to open it was another's task, and signing thousands is slow. */
export function seenEnvelope(sighting: Sighting): SignedEnvelope {
  const said = { purpose: 'icn/trust', network: 'coop', recipient: null, payload: new Uint8Array() } as const;
  return signedEnvelope({ ...said, ...sighting, bytes: new Uint8Array() });
}
