import { z } from 'zod';
import { didOfKey } from './dids.js';
import { entryIdFromBytes, type Lane } from '../entry/entry-name.js';
import { isLabel } from './label.js';
import { isTopic } from '../topic.js';

/** The fields that headers and messages are made of, as they come from outside. */

export const bytes = z.instanceof(Uint8Array);
export const bytesOf = (length: number) => bytes.refine((value) => value.length === length);
export const uint = z.number().int().nonnegative();
export const positive = z.number().int().positive();
export const lane = z.union([z.literal(0), z.literal(1)]) satisfies z.ZodType<Lane>;
export const topic = z.string().refine(isTopic);
export const label = z.string().refine(isLabel);
export const entryId = bytesOf(32).transform(entryIdFromBytes);
export const author = bytesOf(32).transform((key, context) => {
  const did = didOfKey(key);
  if (did !== undefined) return did;
  context.issues.push({ code: 'custom', message: 'not a public key', input: key });
  return z.NEVER;
});
