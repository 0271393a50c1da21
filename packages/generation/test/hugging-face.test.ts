import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { type GenerateOptions, generate, type LanguageModel } from '../src/index.ts';
import { collect, summary } from './support/collect.ts';
import { haveStories, plainLlama, storiesDecoder } from './support/plain-llama.ts';

interface Case {
  readonly name: string;
  readonly prompt: readonly number[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly sequences: readonly {
    readonly tokens: readonly number[];
    readonly reason: string;
    readonly logProbs?: readonly number[];
    readonly score?: number;
  }[];
}

const camel = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** Of tools/reference/generation_fixtures.py. */
for (const file of ['hugging-face.json', 'hugging-face-groups.json']) {
  const url = new URL(`./fixtures/${file}`, import.meta.url);
  const { transformers, cases } = JSON.parse(readFileSync(url, 'utf8')) as { transformers: string; cases: Case[] };

  describe(`generate, against transformers ${transformers}`, () => {
    let model: LanguageModel;
    before(async function () {
      if (!haveStories) this.skip();
      model = await plainLlama();
    });

    for (const { name, prompt, options, sequences } of cases)
      it(`${name}: tokens, log-probabilities and scores`, async () => {
        const given = Object.fromEntries(Object.entries(options).map(([key, value]) => [camel(key), value]));
        const events = await collect(generate(model, prompt, { ...given, outputLogprobs: true } as GenerateOptions));
        const { ids, end } = summary(events);
        expect(ids).to.deep.equal(end.tokens);
        const found = end.sequences ?? [end];
        expect(found.map(({ tokens }) => tokens)).to.deep.equal(sequences.map(({ tokens }) => tokens));
        for (const [i, expected] of sequences.entries()) {
          expect(found[i]!.reason).to.equal(expected.reason);
          for (const [j, logProb] of (expected.logProbs ?? []).entries())
            expect(found[i]!.logProbs![j], `token ${j} of sequence ${i}`).to.be.closeTo(logProb, 2e-4);
          if (expected.score !== undefined) expect(found[i]!.score).to.be.closeTo(expected.score, 2e-4);
        }
      });
  });
}

describe('stop strings, against transformers', () => {
  const { cases } = JSON.parse(readFileSync(new URL('./fixtures/stop-strings.json', import.meta.url), 'utf8')) as {
    cases: { prompt: number[]; stopStrings: string[]; text: string; stopString: string }[];
  };
  for (const { prompt, stopStrings, text, stopString } of cases)
    it(`end the story before ${JSON.stringify(stopStrings)}`, async function () {
      if (!haveStories) this.skip();
      const decoder = storiesDecoder();
      const options = { stopStrings, decoder, maxNewTokens: 60 };
      const events = await collect(generate(await plainLlama(), prompt, options));
      const { end } = summary(events);
      expect(end).to.include({ reason: 'stop', generatedText: text, stopString });
      const pieces = events.map((event) => ('piece' in event ? (event.piece ?? '') : ''));
      expect(pieces.join('')).to.equal(text);
    });
});
