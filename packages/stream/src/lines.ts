import { fromPull, type PullObservable } from './pull.ts';

export interface LinesOptions {
  /** The most characters that a line may have. Default 2^20. */
  readonly maxLineLength?: number;
}

/**
 * The lines of a text that comes in chunks, such as standard input or a file's stream, without their ends (\n or \r\n). Bytes are
 * read as UTF-8: invalid ones give U+FFFD, a byte order mark is dropped. Reads on only when a line is asked for.
 *
 *     chunks:  --"a\nb"----"c\n"----|
 *     lines:   --"a"-------"bc"-----|
 *
 * The stream fails with a RangeError naming the line when one is longer than `maxLineLength`.
 */
export function lines(
  chunks: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>,
  { maxLineLength = 2 ** 20 }: LinesOptions = {},
): PullObservable<string> {
  return fromPull(async function* (signal) {
    // A stream that is silent can only be let go of by destroying it: its iterator waits for the read to end.
    signal.addEventListener('abort', () => (chunks as { destroy?: () => void }).destroy?.());
    const decoder = new TextDecoder('utf-8');
    let rest = '';
    let number = 0;
    const bounded = (line: string): string => {
      if (line.length > maxLineLength)
        throw new RangeError(`line ${number + 1} has more than ${maxLineLength} characters`);
      return line;
    };
    const withoutReturn = (line: string): string => (line.endsWith('\r') ? line.slice(0, -1) : line);
    const finish = (line: string): string => {
      bounded(line);
      number++;
      return line;
    };
    let started = false;
    const decode = (chunk: string | Uint8Array): string => {
      if (typeof chunk !== 'string') return decoder.decode(chunk, { stream: true });
      const text = !started && chunk.startsWith('\ufeff') ? chunk.slice(1) : chunk; // the decoder does it for bytes
      started ||= chunk !== '';
      return text;
    };
    for await (const chunk of chunks) {
      const text = rest + decode(chunk);
      let from = 0;
      for (let end = text.indexOf('\n', Math.max(0, rest.length)); end >= 0; end = text.indexOf('\n', from)) {
        yield finish(withoutReturn(text.slice(from, end)));
        from = end + 1;
      }
      rest = text.slice(from);
      bounded(withoutReturn(rest)); // a \r there may be half of the line's end
    }
    rest += decoder.decode();
    if (rest !== '') yield finish(rest);
  });
}
