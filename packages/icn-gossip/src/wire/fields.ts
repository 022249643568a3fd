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

/**
 * A list of up to `countMax` items, given up at the first that is not one: an array of zod reads on, keeps an issue for
 * each, and throws where there are more than a call has room for.
 */
export const listOf = <Item>(item: z.ZodType<Item>, countMax = Infinity) =>
  z.unknown().transform((value, context): readonly Item[] => {
    if (!Array.isArray(value) || value.length > countMax)
      return refuse(context, 'not a list, or too long a one');
    const items: Item[] = [];
    for (const each of value as readonly unknown[]) {
      const parsed = item.safeParse(each);
      if (!parsed.success) return refuse(context, 'an item is malformed');
      items.push(parsed.data);
    }
    return items;
  });

/** Many numbers above 0: looked at one by one without zod, of which a frame of them would cost a second. */
export const positives = z.unknown().transform((value, context): readonly number[] => {
  const isList = Array.isArray(value) && value.every((each) => Number.isSafeInteger(each) && each > 0);
  return isList ? (value as readonly number[]) : refuse(context, 'not a list of numbers above 0');
});

/** Makes what is read malformed. */
export function refuse(context: z.RefinementCtx, why: string): typeof z.NEVER {
  context.addIssue(why);
  return z.NEVER;
}
