import { GossipError } from './errors.js';

/** The name of a topic: an open topic's plain name. Parsed once, by `parseTopic`. */
export type Topic = string & { readonly topicBrand: unique symbol };

const PLAIN_NAME = /^[a-z0-9][a-z0-9._:-]{0,63}$/;

export function isTopic(text: string): text is Topic {
  return PLAIN_NAME.test(text);
}

/** Throws `GossipError` `topic-invalid`: a topic is 1 to 64 of a–z 0–9 . _ : - and starts with a letter or digit. */
export function parseTopic(text: string): Topic {
  if (isTopic(text)) return text;
  throw new GossipError(
    'topic-invalid',
    `not a topic: ${JSON.stringify(text.slice(0, 80))}; use 1 to 64 of a-z 0-9 . _ : - starting with a letter or digit`,
  );
}
