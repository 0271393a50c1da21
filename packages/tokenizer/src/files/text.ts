import { TokenizerFormatError } from '../format.ts';

/** The text of a file. @throws TokenizerFormatError naming it, where it is no UTF-8. */
export function utf8(file: string, source: string | Uint8Array): string {
  if (typeof source === 'string') return source;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(source);
  } catch {
    throw new TokenizerFormatError(file, 'is no UTF-8 text');
  }
}

/** Lines without their ends; what follows the last line feed counts only if it is not empty. */
export function linesOf(text: string): string[] {
  const lines = text.split('\n').map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
  if (lines.at(-1) === '') lines.pop();
  return lines;
}
