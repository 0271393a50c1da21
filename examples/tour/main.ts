// A tour: text through a translator token by token, images through a classifier, and one pipeline made of both.
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  classify,
  collect,
  detokenize,
  fromIterable,
  generate,
  type ImageModel,
  lift,
  lines,
  loadImage,
  loadText,
  type TextModel,
  tokenize,
} from 'rivulet';
import { lastValueFrom, map, tap } from 'rxjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const images = join(root, 'examples/images');

const print = (text: string): void => {
  process.stdout.write(text);
};

/** Every token is printed as soon as the model has made it. */
async function translateSentences({ tokenizer, model }: TextModel): Promise<void> {
  print('Chinese to English, token by token\n');
  const sentences = lines(createReadStream(join(root, 'examples/sentences/zh.txt')));
  const events = sentences.pipe(tokenize(tokenizer), generate(model, { maxNewTokens: 64 }));
  const shown = events.pipe(
    lift(tap((event) => event.type === 'generation-start' && print(`  ${event.text} → `))),
    detokenize(tokenizer),
  );
  await lastValueFrom(shown.pipe(tap(print)));
}

async function classifyImages({ model }: ImageModel, files: readonly string[]): Promise<void> {
  print('\nHandwritten digits\n');
  const results = fromIterable(files).pipe(classify<string>(model, { topK: 2 }));
  await lastValueFrom(
    results.pipe(
      tap(({ input, labels }) => {
        const shown = labels.map(({ label, score }) => `${label} (${(score * 100).toFixed(1)} %)`);
        print(`  ${basename(input)} → ${shown.join(', ')}\n`);
      }),
    ),
  );
}

const numerals = '零一两三四五六七八九';

/** Images in, English sentences out: what the classifier reads is put into words and translated. */
async function countCats(text: TextModel, image: ImageModel, files: readonly string[]): Promise<void> {
  print('\nBoth in one pipeline: a digit on an image becomes a sentence\n');
  const sentences = fromIterable(files).pipe(
    classify(image.model),
    lift(map(({ labels }) => `他有${numerals[Number(labels[0]!.label)]}个孩子。`)),
    tokenize(text.tokenizer),
    generate(text.model, { numBeams: 4, maxNewTokens: 64 }),
    collect(text.tokenizer),
  );
  await lastValueFrom(
    sentences.pipe(
      tap(({ index, source, text: english }) => print(`  ${basename(files[index]!)} → ${source} → ${english}\n`)),
    ),
  );
}

const text = await loadText(join(root, 'models/zh-en'));
const image = await loadImage(join(root, 'models/vit-mnist'));
const files = (await readdir(images))
  .filter((name) => /\.(png|jpg|bmp|webp)$/.test(name))
  .map((name) => join(images, name));
await translateSentences(text);
await classifyImages(image, files);
await countCats(text, image, files.slice(0, 4));
await Promise.all([text.model.dispose(), image.model.dispose()]);
