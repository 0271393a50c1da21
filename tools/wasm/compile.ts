// node tools/source.mjs tools/wasm/compile.ts: compiles every module's text (NAME.wat) into NAME-wasm.ts beside it.
import { readFileSync, writeFileSync } from 'node:fs';
import { compileText } from './text.ts';

const sources: Readonly<Record<string, string>> = {
  'packages/vision/src/image/resample': 'RESAMPLE_WASM',
  'packages/tokenizer/src/byte-words': 'BYTE_WORDS_WASM',
};

for (const [path, constant] of Object.entries(sources)) {
  const source = new URL(`../../${path}.wat`, import.meta.url);
  const binary = await compileText(readFileSync(source, 'utf8'));
  const lines =
    Buffer.from(binary)
      .toString('base64')
      .match(/.{1,100}/g) ?? [];
  const text = lines.map((line) => `  '${line}'`).join(' +\n');
  writeFileSync(
    new URL(`../../${path}-wasm.ts`, import.meta.url),
    `/** ${path.split('/').at(-1)}.wat, compiled by tools/wasm/compile.ts; base64. */\nexport const ${constant}: string =\n${text};\n`,
  );
}
