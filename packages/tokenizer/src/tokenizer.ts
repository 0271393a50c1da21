import { type AddedToken, AddedTokenMatcher } from './added-tokens.ts';
import type { BPE } from './bpe.ts';
import { tokenBytes } from './byte-characters.ts';
import { ByteEncoder } from './byte-encoder.ts';
import type { ByteLevelOptions } from './byte-level.ts';
import { IdBuffer } from './id-buffer.ts';
import { gpt2Splitter, type Splitter } from './splitters.ts';

/** What the post-processor puts around a text: ids, with null in the place of the text's own. */
export type Template = readonly (number | null)[];

export interface TokenizerParts {
  readonly model: BPE;
  readonly preTokenizer: ByteLevelOptions;
  readonly addedTokens: readonly AddedToken[];
  /** Default: the text alone. */
  readonly template?: Template;
  /** How a text is split into pieces. Default: as GPT-2 does, where the pre-tokenizer says so. */
  readonly splitter?: Splitter;
}

export interface EncodeOptions {
  /** Adds what the post-processor's template says, such as an end token. Default true. */
  readonly addSpecialTokens?: boolean;
}

export interface DecodeOptions {
  /** Leaves special tokens out. Default true. */
  readonly skipSpecialTokens?: boolean;
}

/** Gives text as soon as its characters are complete. */
export interface DecodeStream {
  /** The characters that this id completes; often one token, sometimes none. */
  push(id: number): string;
  /** What is left: U+FFFD for the start of a character that never came. */
  end(): string;
}

/** Text to ids and back: byte-level BPE as in GPT-2, read from and written to tokenizer.json. */
export class Tokenizer {
  readonly model: BPE;
  readonly preTokenizer: ByteLevelOptions;
  readonly addedTokens: readonly AddedToken[];
  readonly template: Template;
  /** The number of ids: the highest plus one. */
  readonly vocabSize: number;
  readonly #matcher: AddedTokenMatcher;
  readonly #ids: Map<string, number>;
  readonly #tokens: (string | undefined)[] = [];
  readonly #bytes: (Uint8Array | undefined)[] = [];
  readonly #special = new Set<number>();
  readonly #encoder: ByteEncoder;
  readonly #buffer = new IdBuffer();

  constructor({ model, preTokenizer, addedTokens, template = [null], splitter }: TokenizerParts) {
    this.#encoder = new ByteEncoder(model, splitter ?? (preTokenizer.useRegex ? gpt2Splitter() : undefined));
    this.model = model;
    this.preTokenizer = preTokenizer;
    this.addedTokens = addedTokens;
    this.template = template;
    this.#matcher = new AddedTokenMatcher(addedTokens);
    this.#ids = new Map(model.vocab);
    for (const token of addedTokens) {
      this.#ids.set(token.content, token.id);
      if (token.special) this.#special.add(token.id);
    }
    for (const [token, id] of this.#ids) this.#tokens[id] = token;
    this.vocabSize = this.#tokens.length;
  }

  /** The ids of a text. Lone surrogates count as U+FFFD, as in UTF-8 encoders. */
  encode(text: string, { addSpecialTokens = true }: EncodeOptions = {}): Int32Array {
    const ids = this.#buffer;
    ids.clear();
    const wellFormed = text.isWellFormed() ? text : text.toWellFormed();
    const put = (): void => {
      for (const { start, end, id } of this.#matcher.split(wellFormed))
        if (id >= 0) ids.push(id);
        else this.#encodeText(wellFormed.slice(start, end), ids);
    };
    if (addSpecialTokens)
      for (const part of this.template)
        if (part === null) put();
        else ids.push(part);
    else put();
    return ids.toArray();
  }

  #encodeText(section: string, ids: IdBuffer): void {
    this.#encoder.encode(this.preTokenizer.addPrefixSpace && !section.startsWith(' ') ? ` ${section}` : section, ids);
  }

  /**
   * The text of ids; bytes that are no UTF-8 give U+FFFD.
   * @throws RangeError naming an id that the vocabulary does not have.
   */
  decode(ids: ArrayLike<number>, options: DecodeOptions = {}): string {
    const stream = this.decodeStream(options);
    let text = '';
    for (let i = 0; i < ids.length; i++) text += stream.push(ids[i]!);
    return text + stream.end();
  }

  /** Decodes one id at a time; the pieces joined are what `decode` gives for all of them. */
  decodeStream({ skipSpecialTokens = true }: DecodeOptions = {}): DecodeStream {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    return {
      push: (id) =>
        skipSpecialTokens && this.#special.has(id) ? '' : decoder.decode(this.#bytesOf(id), { stream: true }),
      end: () => decoder.decode(),
    };
  }

  #bytesOf(id: number): Uint8Array {
    const known = this.#bytes[id];
    if (known) return known;
    const token = this.#tokens[id];
    if (token === undefined)
      throw new RangeError(`there is no token ${id}: the vocabulary has the ids 0 to ${this.vocabSize - 1}`);
    const bytes = tokenBytes(token);
    this.#bytes[id] = bytes;
    return bytes;
  }

  tokenToId(token: string): number | undefined {
    return this.#ids.get(token);
  }

  /** The token as the vocabulary writes it. */
  idToToken(id: number): string | undefined {
    return this.#tokens[id];
  }
}
