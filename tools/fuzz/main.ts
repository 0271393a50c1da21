// npm run fuzz -- tokenizer [COUNT] [SEED] [NAME…]: compares every vocabulary, or those whose names have a NAME in them, with its
// reference on generated texts.
// npm run fuzz -- tokenizer-files [COUNT] [SEED]: loads damaged tokenizer files, which must be read or refused with one line.
import { readFileSync } from 'node:fs';
import { loadDamaged } from '../../packages/tokenizer/test/support/damaged-files.ts';
import { generatedText, randomOf } from '../../packages/tokenizer/test/support/generated.ts';
import { pairs } from './pairs.ts';

const [what, count = '10000', seed = String(Date.now() % 1e9), ...names] = process.argv.slice(2);
if (what === 'tokenizer') await compareTexts();
else if (what === 'tokenizer-files') await damageFiles();
else {
  process.stderr.write('usage: npm run fuzz -- tokenizer|tokenizer-files [COUNT] [SEED] [NAME…]\n');
  process.exitCode = 2;
}

async function compareTexts(): Promise<void> {
  const source = readFileSync(new URL(import.meta.url), 'utf8');
  const all = pairs();
  for (const name of names)
    if (![...all.keys()].some((key) => key.includes(name))) throw new Error(`there is none of ${[...all.keys()]}`);
  for (const [name, make] of all) {
    if (names.length > 0 && !names.some((part) => name.includes(part))) continue;
    const { ours, reference } = await make();
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
}

async function damageFiles(): Promise<void> {
  const counts = new Map<string, { accepted: number; refused: number; failed: number }>();
  for await (const { sample, accepted, failure, bytes } of loadDamaged(Number(count), Number(seed))) {
    const own = counts.get(sample) ?? { accepted: 0, refused: 0, failed: 0 };
    counts.set(sample, own);
    if (failure === null) own[accepted ? 'accepted' : 'refused']++;
    else if (own.failed++ < 3)
      process.stdout.write(`${sample}: ${failure}\n${Buffer.from(bytes).toString('base64')}\n`);
  }
  for (const [sample, { accepted, refused, failed }] of counts) {
    process.stdout.write(`${sample}: ${accepted} read, ${refused} refused, ${failed} failed (seed ${seed})\n`);
    if (failed > 0) process.exitCode = 1;
  }
}
