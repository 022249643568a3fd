/** The bytes of an ASCII text and a NUL: a tag that is no prefix of another, to hash different things apart. */
export function asciiZ(text: string): Uint8Array {
  return Uint8Array.from(`${text}\0`, (character) => character.charCodeAt(0));
}
