import { type AddedToken, AddedTokenMatcher } from './added-tokens.ts';
import type { BPE } from './bpe.ts';
import { tokenBytes } from './byte-characters.ts';
import { ByteDecoder } from './byte-decoder.ts';
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
  readonly splitter?: Splitter | RegExp;
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
  readonly #added = new Map<string, AddedToken>();
  readonly #addedById = new Map<number, AddedToken>();
  #decoder: ByteDecoder | undefined;
  /** How texts are split, where it is not as the pre-tokenizer says. */
  readonly splitter: Splitter | RegExp | undefined;
  readonly #special = new Set<number>();
  readonly #encoder: ByteEncoder;
  readonly #buffer = new IdBuffer();

  constructor({ model, preTokenizer, addedTokens, template = [null], splitter }: TokenizerParts) {
    this.splitter = splitter;
    this.#encoder = new ByteEncoder(model, splitter ?? (preTokenizer.useRegex ? gpt2Splitter() : undefined));
    this.model = model;
    this.preTokenizer = preTokenizer;
    this.addedTokens = addedTokens;
    this.template = template;
    this.#matcher = new AddedTokenMatcher(addedTokens);
    let size = model.vocabSize;
    for (const token of addedTokens) {
      this.#added.set(token.content, token);
      this.#addedById.set(token.id, token);
      size = Math.max(size, token.id + 1);
      if (token.special) this.#special.add(token.id);
    }
    this.vocabSize = size;
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
  decode(ids: ArrayLike<number>, { skipSpecialTokens = true }: DecodeOptions = {}): string {
    return this.#bytes().decode(ids, skipSpecialTokens ? this.#special : undefined, (id) => this.#missing(id));
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
    return this.#bytes().bytesOf(id) ?? this.#missing(id);
  }

  #bytes(): ByteDecoder {
    this.#decoder ??= new ByteDecoder(this.vocabSize, (id) => {
      const added = this.#addedById.get(id);
      return added ? tokenBytes(added.content) : this.model.tokenBytes(id);
    });
    return this.#decoder;
  }

  #missing(id: number): never {
    throw new RangeError(`there is no token ${id}: the vocabulary has the ids 0 to ${this.vocabSize - 1}`);
  }

  tokenToId(token: string): number | undefined {
    return this.#added.get(token)?.id ?? this.model.tokenToId(token);
  }

  /** The token as the vocabulary writes it. */
  idToToken(id: number): string | undefined {
    return this.#addedById.get(id)?.content ?? this.model.idToToken(id);
  }
}
