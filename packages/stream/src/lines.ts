import { LineSplitter, type LinesOptions } from './line-splitter.ts';
import { fromPull, type PullObservable } from './pull.ts';

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
  options: LinesOptions = {},
): PullObservable<string> {
  return fromPull(async function* (signal) {
    // A stream that is silent can only be let go of by destroying it: its iterator waits for the read to end.
    signal.addEventListener('abort', () => (chunks as { destroy?: () => void }).destroy?.());
    const decoder = new TextDecoder('utf-8');
    const splitter = new LineSplitter(options);
    let started = false;
    const decode = (chunk: string | Uint8Array): string => {
      if (typeof chunk !== 'string') return decoder.decode(chunk, { stream: true });
      const text = !started && chunk.startsWith('\ufeff') ? chunk.slice(1) : chunk; // the decoder does it for bytes
      started ||= chunk !== '';
      return text;
    };
    // Loops, not `yield*`: in an asynchronous generator that costs promises of its own for every line.
    for await (const chunk of chunks) {
      for (const line of splitter.push(decode(chunk))) yield line;
      splitter.check();
    }
    for (const line of splitter.push(decoder.decode())) yield line;
    splitter.check();
    for (const line of splitter.end()) yield line;
    splitter.check();
  });
}
