import { BPE, type BPEOptions } from '../bpe.ts';
import { tokenBytes } from '../byte-characters.ts';
import type { IdBuffer } from '../id-buffer.ts';
import type { Model } from '../model.ts';

/** Byte-level BPE as a stage of the pipeline. */
export class ByteLevelBPE extends BPE implements Model {
  readonly vocabSize: number;
  readonly tokenCount: number;
  readonly #tokens: string[] = [];
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  constructor(options: BPEOptions) {
    super(options);
    for (const [token, id] of options.vocab) this.#tokens[id] = token;
    this.vocabSize = this.#tokens.length;
    this.tokenCount = options.vocab.size;
  }

  encode(bytes: Uint8Array, start: number, end: number, ids: IdBuffer, ends?: IdBuffer): void {
    const out: number[] = [];
    this.encodeWord(this.#decoder.decode(bytes.subarray(start, end)), out);
    let at = start;
    for (const id of out) {
      ids.push(id);
      const token = this.#tokens[id]!;
      at = Math.min(end, at + (token === this.unkToken ? 1 : tokenBytes(token).length));
      ends?.push(at);
    }
  }

  tokenToId(token: string): number | undefined {
    return this.vocab.get(token);
  }

  idToToken(id: number): string | undefined {
    return this.#tokens[id];
  }
}
