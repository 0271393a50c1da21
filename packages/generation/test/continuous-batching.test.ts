import { expect } from 'chai';
import { ContinuousBatching, generate, type RowDecoder } from '../src/index.ts';
import { collect, summary } from './support/collect.ts';
import { hashedLogits } from './support/table-model.ts';

const VOCAB = 11;

interface Fake extends RowDecoder {
  /** What was run: the lengths of texts read in one row, or how many rows were stepped. */
  readonly runs: string[];
  readonly rows: Map<number, number[]>;
  /** Logits that somebody may still read. */
  readonly lent: Set<Float32Array>;
  /** Awaited in every run. */
  onRun: () => void | Promise<void>;
}

/** A decoder whose logits depend on every token of a row. */
function fakeDecoder(contextLength = 1000): Fake {
  const logitsOf = hashedLogits(7, VOCAB);
  const rows = new Map<number, number[]>();
  let next = 0;
  let busy = false;
  const during = async <T>(run: string, work: () => T): Promise<T> => {
    if (busy) throw new Error('runs overlap');
    busy = true;
    fake.runs.push(run);
    try {
      await fake.onRun();
      await Promise.resolve();
      return work();
    } finally {
      busy = false;
    }
  };
  const textOf = (row: number): number[] => {
    const text = rows.get(row);
    if (!text) throw new Error(`no row ${row}`);
    return text;
  };
  const flat = (all: readonly number[][]): Float32Array => {
    const logits = Float32Array.from(all.flat());
    fake.lent.add(logits);
    return logits;
  };
  const fake: Fake = {
    vocabSize: VOCAB,
    contextLength,
    eosTokenIds: [],
    runs: [],
    rows,
    lent: new Set(),
    onRun: () => {},
    recycle(logits) {
      if (!fake.lent.delete(logits)) throw new Error('logits that were not lent, or are back already');
      logits.fill(Number.NaN); // whoever reads them now is found out
    },
    add(from, length) {
      if (busy) throw new Error('rows change under a run');
      rows.set(next, from === undefined ? [] : textOf(from).slice(0, length));
      return next++;
    },
    remove(row) {
      if (busy) throw new Error('rows change under a run');
      textOf(row);
      rows.delete(row);
    },
    truncate(row, length) {
      if (busy) throw new Error('rows change under a run');
      textOf(row).length = length;
    },
    step: (ids, tokens) =>
      during(`step ${ids.length}`, () => {
        ids.forEach((id, i) => {
          textOf(id).push(tokens[i]!);
        });
        return flat(ids.map((id) => logitsOf(textOf(id))));
      }),
    read: (id, tokens, wanted) =>
      during(`read ${tokens.length}`, () => {
        const text = textOf(id);
        const all = tokens.map((token) => {
          text.push(token);
          return logitsOf(text);
        });
        return flat(all.slice(all.length - wanted));
      }),
  };
  return fake;
}

const prompts = Array.from({ length: 40 }, (_, i) =>
  Array.from({ length: 1 + ((i * 7) % 20) }, (_, j) => (i + 3 * j) % VOCAB),
);

/** Lets everything that waits run. */
const turns = async (count = 20): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
};

describe('ContinuousBatching', () => {
  it('tells a session that goes past the context, and only that one', async () => {
    const model = new ContinuousBatching(fakeDecoder(4));
    const [long, short] = [await model.open([1, 2, 3]), await model.open([1])];
    await Promise.all([long.step([3], [0]), short.step([1], [0])]);
    await long.step([4], [0]);
    const both = await Promise.allSettled([long.step([5], [0]), short.step([2], [0])]);
    expect(both.map(({ status }) => status)).to.deep.equal(['rejected', 'fulfilled']);
    const [{ reason }] = both as [PromiseRejectedResult, unknown];
    expect(reason)
      .to.be.instanceOf(RangeError)
      .with.property('message', 'the text has 5 tokens; this model reads at most 4');
    const error = await long.stepMany!([5, 6]).catch((e: unknown) => e);
    expect(error).to.be.instanceOf(RangeError);
    long.rewind!(1);
    expect(await long.step([5], [0])).to.have.length(VOCAB); // there is room again
    long.dispose();
    short.dispose();
  });

  it('gives every text what it has alone, whoever is in the batch, and batches', async () => {
    const options = (i: number) =>
      [
        { maxNewTokens: 5 + (i % 9) },
        { maxNewTokens: 6, numBeams: 3 },
        { maxNewTokens: 7, doSample: true, seed: i, numReturnSequences: 2 },
        { maxNewTokens: 12, promptLookupNumTokens: 3 },
      ][i % 4]!;
    const alone: unknown[] = [];
    for (const [i, prompt] of prompts.entries()) {
      const model = new ContinuousBatching(fakeDecoder(), { keptPrefixes: 0 });
      alone.push(await collect(generate(model, prompt, options(i))));
    }
    const fake = fakeDecoder();
    const model = new ContinuousBatching(fake, { maxRows: 9, prefillChunk: 4 });
    const together = await Promise.all(prompts.map((prompt, i) => collect(generate(model, prompt, options(i)))));
    expect(together).to.deep.equal(alone);
    expect(fake.runs).to.include('step 9');
    expect(Math.max(...fake.runs.map((run) => Number(run.match(/^read (\d+)/)?.[1] ?? 0)))).to.equal(4);
    expect(model.load).to.deep.equal({ running: 0, waiting: 0, rows: 0 });
    expect([...fake.lent]).to.deep.equal([]);
  });

  it('holds to its bounds on rows and cached tokens', async () => {
    const fake = fakeDecoder();
    const model = new ContinuousBatching(fake, { maxRows: 8, maxCachedTokens: 60, keptPrefixes: 2 });
    let most = 0;
    fake.onRun = () => {
      most = Math.max(most, fake.rows.size * Math.max(...[...fake.rows.values()].map((text) => text.length)));
      expect(model.load.rows).to.be.at.most(8);
    };
    const all = prompts.map((prompt) => collect(generate(model, prompt.slice(0, 9), { maxNewTokens: 6 })));
    await Promise.all(all);
    expect(most).to.be.within(30, 60);
  });

  it('lets in a text that is larger than the bounds once it is alone', async () => {
    const model = new ContinuousBatching(fakeDecoder(), { maxRows: 2, maxCachedTokens: 8 });
    const events = await collect(generate(model, prompts[3]!, { maxNewTokens: 9, numBeams: 4 }));
    expect(summary(events).end.tokens).to.have.length(9);
  });

  it('frees the rows of what ended or was given up at once', async () => {
    const fake = fakeDecoder();
    fake.onRun = () => turns(1);
    const model = new ContinuousBatching(fake, { keptPrefixes: 0 });
    const controller = new AbortController();
    const long = collect(generate(model, [1, 2], { maxNewTokens: 500 }, controller.signal));
    const short = collect(generate(model, [3], { maxNewTokens: 2 }));
    await short;
    await turns(3);
    expect(fake.rows.size).to.equal(1);
    controller.abort();
    await long;
    const { length } = fake.runs;
    await turns();
    expect(fake.rows.size).to.equal(0);
    expect(fake.runs).to.have.length(length);
    expect([...fake.lent]).to.deep.equal([]); // the run that nobody waited for any more gave some, too
  });

  it('drops what waits when it is aborted', async () => {
    const fake = fakeDecoder();
    const model = new ContinuousBatching(fake, { maxRows: 1 });
    const first = await model.open([1]);
    await first.step([1], [0]);
    const controller = new AbortController();
    const second = collect(generate(model, [2], {}, controller.signal));
    await turns();
    expect(model.load).to.deep.equal({ running: 1, waiting: 1, rows: 1 });
    controller.abort();
    expect((await second).map(({ type }) => type)).to.deep.equal(['generation-start']);
    expect(model.load.waiting).to.equal(0);
    first.dispose();
  });

  it('serves a higher priority first, then in order', async () => {
    const model = new ContinuousBatching(fakeDecoder(), { maxRows: 1 });
    const order: string[] = [];
    const run = async (name: string, priority: number): Promise<void> => {
      await collect(generate(model, [1], { maxNewTokens: 3, priority }));
      order.push(name);
    };
    await Promise.all([run('first', 0), run('a', 0), run('b', 2), run('c', 1), run('d', 2)]);
    expect(order).to.deep.equal(['first', 'b', 'd', 'c', 'a']);
  });

  it('steps between the parts of a long prompt, and takes a short one within one run', async () => {
    const fake = fakeDecoder();
    fake.onRun = () => turns(1);
    const model = new ContinuousBatching(fake, { prefillChunk: 10 });
    const running = collect(generate(model, [1], { maxNewTokens: 8 }));
    await turns(1);
    await Promise.all([running, collect(generate(model, new Array<number>(45).fill(2), { maxNewTokens: 1 }))]);
    const reads = fake.runs.flatMap((run, i) => (run === 'read 10' ? [i] : []));
    expect(reads).to.have.length(4);
    for (const at of reads) expect(fake.runs[at + 1]).to.equal('step 1');
  });

  it('goes on from the text that begins alike', async () => {
    const fake = fakeDecoder();
    const model = new ContinuousBatching(fake);
    const history = Array.from({ length: 30 }, (_, i) => i % VOCAB);
    const { end } = summary(await collect(generate(model, history, { maxNewTokens: 5 })));
    fake.runs.length = 0;
    const more = [...history, ...end.tokens, 1, 2, 3];
    const again = summary(await collect(generate(model, more, { maxNewTokens: 4 }))).end;
    expect(fake.runs[0]).to.equal('read 4'); // the last token made was never read, and three are new
    const fresh = new ContinuousBatching(fakeDecoder());
    expect(again.tokens).to.deep.equal(summary(await collect(generate(fresh, more, { maxNewTokens: 4 }))).end.tokens);
    for (let i = 0; i < 12; i++) await collect(generate(model, [i % VOCAB, ...history], { maxNewTokens: 2 }));
    expect(fake.rows.size).to.equal(4);
  });

  it('tells an error to those whose run failed, and serves the others', async () => {
    const fake = fakeDecoder();
    const model = new ContinuousBatching(fake, { keptPrefixes: 0 });
    let count = 0;
    fake.onRun = () => {
      if (++count === 2) throw new Error('the device is gone');
    };
    const results = await Promise.allSettled([
      collect(generate(model, [1, 2, 3], { maxNewTokens: 3 })),
      collect(generate(model, [4, 5, 6], { maxNewTokens: 3 })),
      collect(generate(model, [7, 8, 9], { maxNewTokens: 3 })),
    ]);
    const failed = results.filter(({ status }) => status === 'rejected');
    expect(failed).to.have.length(1);
    expect(fake.rows.size).to.equal(0);
    expect(summary(await collect(generate(model, [1], { maxNewTokens: 3 }))).ids).to.have.length(3);
  });

  it('refuses options out of range', () => {
    expect(() => new ContinuousBatching(fakeDecoder(), { maxRows: 0 })).to.throw(RangeError, 'maxRows');
    expect(() => new ContinuousBatching(fakeDecoder(), { keptPrefixes: -1 })).to.throw(RangeError, 'keptPrefixes');
    expect(() => new ContinuousBatching(fakeDecoder(), { prefillChunk: 0.5 })).to.throw(RangeError, 'prefillChunk');
  });

  it('ends at the end of the context, and refuses a prompt that fills it', async () => {
    const model = new ContinuousBatching(fakeDecoder(20));
    const { end } = summary(await collect(generate(model, new Array<number>(15).fill(1), { maxNewTokens: 50 })));
    expect(end).to.include({ reason: 'length' });
    expect(end.tokens).to.have.length(5);
    const error = await collect(generate(model, new Array<number>(20).fill(1))).catch((e: unknown) => e);
    expect(error)
      .to.be.instanceOf(RangeError)
      .with.property('message', 'the prompt has 20 tokens; this model reads and writes at most 20 together');
  });
});
