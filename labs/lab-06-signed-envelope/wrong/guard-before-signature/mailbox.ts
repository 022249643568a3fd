// Wrong on purpose: a forged envelope moves the window.

import type { Envelope, Receiver } from '@icn/labs/lab-06';
import { open } from './envelope.js';
import type { ReplayGuard } from './replay-guard.js';

/** Takes an envelope at most once, and only what its sender signed for this receiver. */
export function receive(envelope: Envelope, receiver: Receiver, guard: ReplayGuard): boolean {
  return guard.accept(envelope.sender, envelope.sequence) && open(envelope, receiver);
}
