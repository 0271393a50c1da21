import { readFileSync } from 'node:fs';
import wabt from 'wabt';

/** Where a module's bytes go (`PATH-wasm.ts`) → its constant there, and the files that its text is joined from. */
export const modules: Readonly<Record<string, { readonly constant: string; readonly parts: readonly string[] }>> = {
  'packages/vision/src/image/resample': {
    constant: 'RESAMPLE_WASM',
    parts: ['packages/vision/src/image/resample.wat'],
  },
  'packages/tokenizer/src/byte-words/byte-words': {
    constant: 'BYTE_WORDS_WASM',
    parts: ['memory', 'cut', 'bits', 'known', 'unknown'].map((part) => `packages/tokenizer/src/byte-words/${part}.wat`),
  },
};

/** WebAssembly's text format → a module's bytes, in base64. */
export async function compiledModule(path: string): Promise<string> {
  const texts = modules[path]!.parts.map((part) => readFileSync(new URL(`../../${part}`, import.meta.url), 'utf8'));
  const text = texts.length === 1 ? texts[0]! : `(module\n${texts.join('\n')})`;
  const module = (await wabt()).parseWat(path, text, { simd: true });
  try {
    return Buffer.from(module.toBinary({}).buffer).toString('base64');
  } finally {
    module.destroy();
  }
}
