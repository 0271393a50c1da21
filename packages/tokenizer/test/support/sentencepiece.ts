import { fileURLToPath } from 'node:url';

export interface SentencePieceReference {
  encodeIds(text: string): number[];
  decodeIds(ids: readonly number[]): string;
}

/** The C++ library, as WebAssembly. It puts handlers on the process that would hide failures of other tests: they are taken off. */
export async function sentencePieceReference(path: URL): Promise<SentencePieceReference> {
  const events = ['uncaughtException', 'unhandledRejection'] as const;
  const before = events.map((event) => process.listeners(event as never));
  const { SentencePieceProcessor } = await import('sentencepiece-js');
  const processor = new SentencePieceProcessor();
  await processor.load(fileURLToPath(path));
  events.forEach((event, i) => {
    for (const listener of process.listeners(event as never))
      if (!before[i]!.includes(listener)) process.off(event, listener as never);
  });
  return {
    // Its binding takes a lone surrogate and the next character for a pair.
    encodeIds: (text) => Array.from(processor.encodeIds(text.toWellFormed())),
    decodeIds: (ids) => processor.decodeIds([...ids]),
  };
}
