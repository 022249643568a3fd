const LABEL = /^[\x21-\x7e]{1,64}$/;

/** Whether a text can name a network or an extension: 1 to 64 printable ASCII characters without a space. */
export function isLabel(text: string): boolean {
  return LABEL.test(text);
}
