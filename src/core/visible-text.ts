/**
 * Text for a log or a body that clients print on a terminal: no control characters, none that change the direction of writing, none that cannot be seen.
 * The archive that a sentence is about may have chosen some of its words.
 */
export function visibleText(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu, " ");
}
