// npm run fuzz -- tokenizer [COUNT] [SEED]: compares byte-level BPE with its references on generated texts.
import { readFileSync } from 'node:fs';
import { pairOf, vocabularies } from '../../packages/tokenizer/test/support/byte-level-references.ts';
import { generatedText, randomOf } from '../../packages/tokenizer/test/support/generated.ts';

const [what, count = '10000', seed = String(Date.now() % 1e9)] = process.argv.slice(2);
if (what !== 'tokenizer') {
  process.stderr.write('usage: npm run fuzz -- tokenizer [COUNT] [SEED]\n');
  process.exit(2);
}
const shared = new URL('../../../shared/', import.meta.url);
const source = readFileSync(new URL(import.meta.url), 'utf8');
for (const [name, path] of Object.entries(vocabularies)) {
  const { ours, reference } = pairOf(name, readFileSync(new URL(path, shared), 'utf8'));
  const random = randomOf(Number(seed));
  let wrong = 0;
  for (let i = 0; i < Number(count); i++) {
    const text = generatedText(random, source).toWellFormed();
    const expected = await reference(text);
    const ids = ours.encode(text);
    if (ids.length === expected.length && ids.every((id, at) => id === expected[at])) continue;
    if (wrong++ < 5) process.stdout.write(`${name}: ${JSON.stringify(text)}\n`);
  }
  process.stdout.write(`${name}: ${wrong} of ${count} texts differ (seed ${seed})\n`);
  if (wrong > 0) process.exitCode = 1;
}
