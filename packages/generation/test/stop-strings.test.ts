import { expect } from 'chai';
import fc from 'fast-check';
import { type GenerateOptions, type GenerationEvent, generate, type StreamingDecoder } from '../src/index.ts';
import { collect, summary } from './support/collect.ts';
import { tableModel } from './support/table-model.ts';

/** Each token is a piece of UTF-8; a character comes once it is complete. */
function byteDecoder(tokens: readonly (string | readonly number[])[]): StreamingDecoder {
  return {
    decodeStream() {
      const decoder = new TextDecoder();
      return {
        push: (id) => {
          const token = tokens[id] ?? '';
          const bytes = typeof token === 'string' ? new TextEncoder().encode(token) : Uint8Array.from(token);
          return decoder.decode(bytes, { stream: true });
        },
        end: () => decoder.decode(),
      };
    },
  };
}

/** Says these tokens one after the other, then token 0, the end. */
async function say(
  tokens: readonly (string | readonly number[])[],
  said: readonly number[],
  options: GenerateOptions,
): Promise<GenerationEvent[]> {
  const model = tableModel({ vocabSize: tokens.length }, (made) =>
    tokens.map((_, id) => (id === (said[made.length] ?? 0) ? 20 : 0)),
  );
  return collect(generate(model, [1], { ...options, decoder: byteDecoder(tokens) }));
}

const textOf = (events: readonly GenerationEvent[]): string =>
  events.map((event) => ('piece' in event ? (event.piece ?? '') : '')).join('');

describe('stop strings', () => {
  it('end the text before them where they span tokens, and nothing of them comes out', async () => {
    const events = await say(['', 'one', ' t', 'wo', ' th', 'ree'], [1, 2, 3, 4, 5], { stopStrings: ['two'] });
    const { ids, end } = summary(events);
    expect(ids).to.deep.equal([1]);
    expect(end).to.include({ reason: 'stop', stopString: 'two', generatedText: 'one ', piece: ' ' });
    expect(textOf(events)).to.equal('one ');
  });

  it('that begin and do not go on hold their text back and then give it out', async () => {
    const tokens = ['', 'a', '\n', 'b', '#'];
    const events = await say(tokens, [1, 2, 3, 2, 4, 1], { stopStrings: ['\n#'] });
    expect(events.flatMap((event) => (event.type === 'token' ? [event.piece] : []))).to.deep.equal(['a', '\n', 'b']);
    expect(summary(events).end.generatedText).to.equal('a\nb');
  });

  it('that only begin come out at the end', async () => {
    const events = await say(['', 'a', 'END'], [1, 2], { stopStrings: ['ENDING'] });
    expect(summary(events).end).to.deep.include({ reason: 'eos', tokens: [1, 2], generatedText: 'aEND' });
    expect(textOf(events)).to.equal('aEND');
  });

  it('are found within characters of several tokens', async () => {
    const tokens = ['', 'x', [0xc3], [0xa9]];
    const { end } = summary(await say(tokens, [1, 2, 3, 1], { stopStrings: ['é'] }));
    expect(end).to.deep.include({ tokens: [1], generatedText: 'x', reason: 'stop' });
  });

  it('give the same text as a search in the whole, however it is cut into tokens', async () => {
    const tokens = ['', 'a', 'b', 'ab', 'ba', 'aab', 'c', 'bc'];
    const said = fc.array(fc.integer({ min: 1, max: 7 }), { maxLength: 12 });
    const stops = fc.array(fc.stringMatching(/^[abc]{1,4}$/), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(said, stops, async (ids, stopStrings) => {
        const whole = ids.map((id) => tokens[id]).join('');
        // The text ends with the first token that completes a stop string, at the earliest place of any.
        let shown = whole;
        for (let upTo = 1; upTo <= ids.length; upTo++) {
          const text = ids.slice(0, upTo).map((id) => tokens[id]).join(''); // biome-ignore format: one thought
          const places = stopStrings.map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
          if (places.length === 0) continue;
          shown = text.slice(0, Math.min(...places));
          break;
        }
        const events = await say(tokens, ids, { stopStrings });
        expect(textOf(events)).to.equal(shown);
        expect(summary(events).end.generatedText).to.equal(shown);
      }),
    );
  });
});
