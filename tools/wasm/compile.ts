// node tools/source.mjs tools/wasm/compile.ts: compiles every module's text (NAME.wat) into NAME-wasm.ts.
import { writeFileSync } from 'node:fs';
import { compiledModule, modules } from './text.ts';

for (const [path, { constant, parts }] of Object.entries(modules)) {
  const lines = (await compiledModule(path)).match(/.{1,100}/g) ?? [];
  const text = lines.map((line) => `  '${line}'`).join(' +\n');
  writeFileSync(
    new URL(`../../${path}-wasm.ts`, import.meta.url),
    `/** ${parts.map((part) => part.split('/').at(-1)).join(', ')}, compiled by tools/wasm/compile.ts; base64. */\nexport const ${constant}: string =\n${text};\n`,
  );
}
