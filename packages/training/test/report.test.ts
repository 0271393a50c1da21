import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Linear } from '@rivulet/nn';
import { FileError } from '@rivulet/tensor';
import { fit, JsonLinesWriter, logEvents, sgd, Trainer, writeReport } from '@rivulet/training';
import { expect } from 'chai';
import { lastValueFrom } from 'rxjs';
import { temporaryFolder } from '../../../test/support/repository.ts';

const step = (n: number, more: object = {}): string =>
  JSON.stringify({
    type: 'step-end',
    step: n,
    loss: 1 / n,
    learningRate: 0.1,
    gradientNorm: 2,
    items: 10,
    seconds: 0.5,
    ...more,
  });
const epoch = (n: number, metrics: object): string =>
  JSON.stringify({ type: 'epoch-end', epoch: n, step: n * 10 + 10, loss: 0.5, metrics });

describe('writeReport', () => {
  const folder = temporaryFolder();
  const report = async (lines: readonly string[]): Promise<string> => {
    const [events, html] = [join(folder(), 'events.jsonl'), join(folder(), 'report.html')];
    writeFileSync(events, `${lines.join('\n')}\n`);
    await writeReport(events, html, { title: 'a <b> & "c"' });
    return readFileSync(html, 'utf8');
  };
  /** The points of the n-th curve. */
  const pointsOf = (html: string, n: number): number[][] =>
    [...html.matchAll(/<polyline[^>]* points="([^"]*)"/g)][n]![1]!.split(' ').map((p) => p.split(',').map(Number));

  it('draws a run that fit logged, in one file that loads nothing', async () => {
    const model = new Linear(2, 1);
    const inputs = { x: { shape: [1, 2] } } as const;
    const trainer = new Trainer({
      model,
      inputs,
      loss: ({ x }) => model.forward(x).square().mean(),
      optimizer: sgd({ lr: 0.1 }),
    });
    const batch = { feeds: { x: { dtype: 'float32', dims: [1, 2], data: Float32Array.of(1, 2) } }, items: 1 } as const;
    const path = join(folder(), 'run', 'events.jsonl');
    const writer = await JsonLinesWriter.open(path);
    const run = { batches: () => [batch, batch], batchCount: () => 2, epochs: 2, evaluate: async () => ({ bleu: 30 }) };
    await lastValueFrom(fit(trainer, run).pipe(logEvents(writer)));
    await writer.dispose();
    await trainer.dispose();
    const lines = readFileSync(path, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ type }) => type)).to.include.members(['run-start', 'step-end', 'epoch-end', 'run-end']);
    expect(lines.every(({ time }) => !Number.isNaN(Date.parse(time)))).to.equal(true);
    await writeReport(path, join(folder(), 'run.html'));
    const html = readFileSync(join(folder(), 'run.html'), 'utf8');
    expect(html).to.match(/<title>run<\/title>[\s\S]*4 steps, 2 epochs/);
    for (const name of ['Loss', 'Learning rate', 'Gradient norm', 'Throughput', 'bleu'])
      expect(html).to.contain(`<h2>${name}</h2>\n<svg`);
    expect(html).to.not.match(/<script|https?:|src=|href=|@import|url\(/);
  });

  it('draws every step in its place: higher values higher, later steps further right', async () => {
    const html = await report([1, 2, 3, 4].map((n) => step(n)));
    const points = pointsOf(html, 0);
    expect(points).to.have.length(4);
    points.slice(1).forEach(([x, y], i) => {
      expect(x).to.be.greaterThan(points[i]![0]!);
      expect(y).to.be.greaterThan(points[i]![1]!); // the loss falls; SVG counts down
    });
    expect(html).to.contain('last loss 0.25');
    expect(pointsOf(html, 1).every(([, y]) => y === pointsOf(html, 1)[0]![1])).to.equal(true); // the same rate
  });

  it('takes the later of steps that were done twice, and leaves gaps for what is not finite', async () => {
    const html = await report([step(1), step(2, { loss: 'NaN' }), step(2, { loss: 7 }), step(3, { loss: 'Infinity' })]);
    expect(pointsOf(html, 0)).to.have.length(2);
    expect(html).to.contain('3 steps');
    const none = await report([step(1, { loss: 'NaN' })]);
    expect(none).to.contain('<h2>Loss</h2>\n<p>no finite values</p>');
    expect(none).to.not.match(/="[^"]*(NaN|Infinity)/);
  });

  it('stays small for long runs and keeps their peaks', async () => {
    const lines = Array.from({ length: 5000 }, (_, i) => step(i + 1, { loss: i === 3777 ? 100 : 1 }));
    const html = await report(lines);
    expect(html.length).to.be.lessThan(100_000);
    const heights = pointsOf(html, 0).map(([, y]) => y!);
    expect(Math.min(...heights)).to.equal(12); // the top
  });

  it('lists the epochs and escapes names', async () => {
    const html = await report([step(10), epoch(0, { '<img>': 12.5 }), epoch(1, { other: 1 })]);
    expect(html).to.contain('<h1>a &#60;b&#62; &#38; &#34;c&#34;</h1>').and.to.contain('<h2>&#60;img&#62;</h2>');
    expect(html).to.contain('<td>12.5</td>').and.to.not.contain('<img>');
  });

  it('names the line or file that it cannot use', async () => {
    const failure = async (lines: string[]): Promise<string> =>
      report(lines).then(
        () => '',
        (error: unknown) => {
          expect(error).to.be.instanceOf(FileError);
          return (error as Error).message;
        },
      );
    expect(await failure([step(1), '{'])).to.contain('line 2 is no JSON');
    expect(await failure(['null'])).to.contain('line 1 is no object');
    expect(await failure([JSON.stringify({ type: 'step-end', step: 1 })])).to.contain("line 1 has no number 'loss'");
    expect(await failure([epoch(0, {})])).to.contain("no event of type 'step-end'");
    const missing = await writeReport(join(folder(), 'none.jsonl'), join(folder(), 'x.html')).catch((e: unknown) => e);
    expect(missing).to.be.instanceOf(FileError);
  });
});
