import type { DecodingSession, LanguageModel } from '@rivulet/generation';
import type { TextTokenizer } from '../../src/index.ts';

/** Bytes as ids, so that a character can take several tokens. 256 ends a text. */
export const bytes: TextTokenizer = {
  encode: (text) => Int32Array.from(new TextEncoder().encode(text)),
  decode: (ids) => new TextDecoder().decode(Uint8Array.from(Array.from(ids))),
  decodeStream() {
    const decoder = new TextDecoder();
    return {
      push: (id) => decoder.decode(Uint8Array.of(id), { stream: true }),
      end: () => decoder.decode(),
    };
  },
};

export interface Parrot extends LanguageModel {
  readonly calls: { opened: number; steps: number; disposed: number };
}

/** Says the prompt again. `onStep` is awaited in every step. */
export function parrot(onStep: (step: number, prompt: ArrayLike<number>) => void | Promise<void> = () => {}): Parrot {
  const calls = { opened: 0, steps: 0, disposed: 0 };
  const vocabSize = 257;
  return {
    vocabSize,
    eosTokenIds: [256],
    calls,
    async open(prompt): Promise<DecodingSession> {
      calls.opened++;
      let at = 0;
      return {
        firstToken: 256,
        async step(tokens) {
          calls.steps++;
          await onStep(calls.steps, prompt);
          const next = prompt[at++] ?? 256;
          const logits = new Float32Array(tokens.length * vocabSize);
          for (let r = 0; r < tokens.length; r++) logits[r * vocabSize + next] = 30;
          return logits;
        },
        dispose() {
          calls.disposed++;
        },
      };
    },
  };
}
