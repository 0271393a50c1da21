// node tools/source.mjs tools/wasm/compile.ts: compiles packages/vision/src/image/resample.wat into the module beside it.
import { readFileSync, writeFileSync } from 'node:fs';
import { compileText } from './text.ts';

const source = new URL('../../packages/vision/src/image/resample.wat', import.meta.url);
const binary = await compileText(readFileSync(source, 'utf8'));
const lines =
  Buffer.from(binary)
    .toString('base64')
    .match(/.{1,100}/g) ?? [];
const text = lines.map((line) => `  '${line}'`).join(' +\n');
writeFileSync(
  new URL('resample-wasm.ts', source),
  `/** resample.wat, compiled by tools/wasm/compile.ts; base64. */\nexport const RESAMPLE_WASM: string =\n${text};\n`,
);
