import { tokenBytes } from '../byte-characters.ts';
import type { Emit, Stage } from './stage.ts';

/** Tokens in byte characters to the text that their bytes are. */
export class ByteLevelStage implements Stage {
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #part = '';

  push(text: string, last: boolean, emit: Emit): void {
    this.#part += text;
    if (!last) return;
    emit(this.#decoder.decode(tokenBytes(this.#part), { stream: true }), false);
    this.#part = '';
  }

  end(emit: Emit): void {
    emit(this.#decoder.decode(), true);
  }
}

/** Runs of tokens such as <0xE4> to the text that they are; one U+FFFD per token where they are none. */
export class ByteFallbackStage implements Stage {
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  readonly #bytes: number[] = [];
  #part = '';

  push(text: string, last: boolean, emit: Emit): void {
    this.#part += text;
    if (!last) return;
    const token = this.#part;
    this.#part = '';
    const byte = /^<0x(\+[\da-f]|[\da-f]{2})>$/i.exec(token)?.[1];
    if (byte !== undefined) {
      this.#bytes.push(Number.parseInt(byte, 16));
      return;
    }
    this.end(emit);
    emit(token, true);
  }

  /** A run of bytes is text or not as a whole, so it is held until it ends. */
  end(emit: Emit): void {
    if (this.#bytes.length === 0) return;
    try {
      emit(this.#decoder.decode(Uint8Array.from(this.#bytes)), true);
    } catch {
      for (let i = 0; i < this.#bytes.length; i++) emit('\ufffd', true);
    }
    this.#bytes.length = 0;
  }
}
