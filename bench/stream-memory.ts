// Run by the stream benchmark under --max-old-space-size=80: 96 MiB of text through the whole chain.
import { batchByTokens, lines, mapItems, normalize, tokenize } from '@rivulet/stream';
import { lastValueFrom } from 'rxjs';

const MEBIBYTES = 96;
const chunk = Buffer.from('The river runs to the sea, and the sea is never full.\n'.repeat(1200));

function* chunks(): Generator<Uint8Array> {
  for (let sent = 0; sent < MEBIBYTES * 2 ** 20; sent += chunk.length) yield chunk;
}

const bytes = {
  encode: (text: string) => Int32Array.from(new TextEncoder().encode(text)),
  decode: (ids: ArrayLike<number>) => new TextDecoder().decode(Uint8Array.from(ids)),
  decodeStream: () => ({ push: String, end: () => '' }),
};

let tokens = 0;
const begin = performance.now();
await lastValueFrom(
  lines(chunks()).pipe(
    normalize(),
    tokenize(bytes),
    batchByTokens({ maxTokens: 4096, lengthOf: ({ ids }) => ids.length }),
    mapItems((group) => {
      for (const { ids } of group) tokens += ids.length;
    }),
  ),
);
if (tokens < 0.95 * MEBIBYTES * 2 ** 20) throw new Error(`only ${tokens} tokens came through`);
process.stdout.write(JSON.stringify({ mebibytes: MEBIBYTES, seconds: (performance.now() - begin) / 1000 }));
