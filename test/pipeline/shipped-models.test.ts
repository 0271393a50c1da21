import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import {
  classify,
  collect,
  fromIterable,
  fromPull,
  generate,
  lift,
  loadImage,
  loadText,
  type TextModel,
  tokenize,
} from 'rivulet';
import { lastValueFrom, map, tap, toArray } from 'rxjs';
import { root } from '../support/repository.ts';

describe('the shipped models', () => {
  let text: TextModel;
  before(async () => {
    text = await loadText(join(root, 'models/zh-en'));
  });
  after(() => text.model.dispose());

  it('take less than 15 MB together', () => {
    const files = readdirSync(join(root, 'models'), { recursive: true, encoding: 'utf8' });
    const bytes = files
      .map((file) => statSync(join(root, 'models', file)))
      .reduce((sum, info) => sum + (info.isFile() ? info.size : 0), 0);
    expect(bytes).to.be.lessThan(15e6);
  });

  it('compose: a digit on an image becomes an English sentence', async () => {
    const image = await loadImage(join(root, 'models/vit-mnist'));
    const files = readdirSync(join(root, 'examples/images')).filter((name) => name.startsWith('drawn-2'));
    const [record] = await lastValueFrom(
      fromIterable(files.map((name) => join(root, 'examples/images', name))).pipe(
        classify(image.model),
        lift(map(({ labels }) => `他有${labels[0]!.label === '2' ? '两' : '几'}个孩子。`)),
        tokenize(text.tokenizer),
        generate(text.model, { numBeams: 4 }),
        collect(text.tokenizer),
        toArray(),
      ),
    );
    await image.model.dispose();
    expect(record!.source).to.equal('他有两个孩子。');
    expect(record!.text).to.match(/two|child/i);
  });

  it('translate the same alone and in any company', async () => {
    const translate = (sentences: string[]): Promise<string[]> =>
      lastValueFrom(
        fromIterable(sentences).pipe(
          tokenize(text.tokenizer),
          generate(text.model),
          collect(text.tokenizer),
          map((record) => record.text),
          toArray(),
        ),
      );
    const sentences = ['我喜欢猫。', '你叫什么名字？', '他每天早上喝咖啡。'];
    const alone = await Promise.all(sentences.map(async (sentence) => (await translate([sentence]))[0]));
    expect(await translate([...sentences].reverse())).to.deep.equal(alone.reverse());
  });

  it('sample every item anew, and the same in every run', async () => {
    const sample = (): Promise<string[]> =>
      lastValueFrom(
        fromIterable(Array<string>(6).fill('他每天早上喝咖啡。')).pipe(
          tokenize(text.tokenizer),
          generate(text.model, { doSample: true, temperature: 1.5, seed: 5, maxNewTokens: 12 }),
          collect(text.tokenizer),
          map((record) => record.text),
          toArray(),
        ),
      );
    const first = await sample();
    expect(new Set(first).size).to.be.greaterThan(3);
    expect(await sample()).to.deep.equal(first);
  });

  it('stop within a step of unsubscribing, and pull no further sentence', async () => {
    let pulled = 0;
    const endless = fromPull(async function* () {
      for (;;) {
        pulled++;
        yield '他每天早上喝咖啡。';
      }
    });
    let tokens = 0;
    await new Promise<void>((resolve) => {
      const subscription = endless
        .pipe(
          tokenize(text.tokenizer),
          generate(text.model),
          tap((event) => event.type === 'token' && tokens++),
        )
        .subscribe(() => {
          if (tokens < 12) return;
          subscription.unsubscribe();
          resolve();
        });
    });
    const [seen, sentences] = [tokens, pulled];
    await sleep(50);
    expect(tokens).to.equal(seen);
    expect(pulled).to.equal(sentences);
    expect(pulled).to.be.at.most(4);
  });
});
