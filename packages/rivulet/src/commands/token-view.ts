import type { Encoding } from '@rivulet/tokenizer';

/** Backgrounds that take turns, under black letters. */
const COLOURS = [152, 223, 151, 218, 189];
const RESET = '\u001b[0m';
const DIM = '\u001b[2m';

/** Whether standard output takes colours: a terminal does, unless NO_COLOR is set; FORCE_COLOR makes anything do. */
export function takesColour(
  { NO_COLOR, FORCE_COLOR }: Readonly<Record<string, string | undefined>> = process.env,
  terminal: boolean = process.stdout.isTTY === true,
): boolean {
  if (NO_COLOR) return false;
  return FORCE_COLOR ? FORCE_COLOR !== '0' : terminal;
}

/**
 * A text with its tokens told apart: by colours, with what belongs to none uncoloured between them, or by bars. Tokens that were
 * added stand there by name; those that share a character with the next one are dots.
 */
export function viewTokens(text: string, { tokens, offsets, sequenceIds }: Encoding, colour: boolean): string {
  let shown = 0;
  const parts = tokens.map((token, i) => {
    if (sequenceIds[i] === null) return colour ? `${DIM}${token}${RESET}` : token;
    const [start, end] = offsets[i]!;
    const shared = offsets[i + 1]?.[0] === start && sequenceIds[i + 1] !== null;
    const skipped = colour ? visible(text.slice(shown, Math.max(start, shown))) : '';
    const own = shared ? '·' : visible(text.slice(Math.max(start, shown), end)) || '·';
    if (!shared) shown = Math.max(shown, end);
    return colour ? `${skipped}\u001b[30;48;5;${COLOURS[i % COLOURS.length]}m${own}${RESET}` : own;
  });
  return parts.join(colour ? '' : '|');
}

/** White space and control characters in a form that shows. */
function visible(text: string): string {
  return text
    .replace(/\n/g, '↵')
    .replace(/\t/g, '⇥')
    .replace(/[\p{Cc}\p{Cf}]/gu, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}
