import { type BackendName, compile } from '@rivulet/tensor';
import { expect } from 'chai';
import { logitPeaks } from '../src/index.ts';

const V = 301;
/** Row r: V logits, the largest at two places. */
const rows = [0, 1, 2, 3].map((r) => {
  const row = Float32Array.from({ length: V }, (_, i) => 20 * Math.sin(i * (r + 1.7)));
  row[100 + r] = 31;
  row[200 + r] = 31;
  return row;
});
rows[1]![0] = Number.NEGATIVE_INFINITY; // no fault
rows[2]![7] = Number.NaN;
rows[3]![7] = Number.POSITIVE_INFINITY;

describe('logitPeaks', () => {
  for (const backend of ['native', 'node', 'wasm'] as BackendName[])
    it(`finds the first of the largest, the sum, and what is broken (${backend})`, async () => {
      const graph = await compile({ x: { shape: [4, V] } }, ({ x }) => logitPeaks(x), { backend });
      const data = Float32Array.from(rows.flatMap((row) => [...row]));
      const { best, logSum } = await graph.run({ x: { dtype: 'float32', dims: [4, V], data } });
      await graph.dispose();
      expect(best.data).to.be.instanceOf(Int32Array);
      expect([...best.data].slice(0, 2)).to.deep.equal([100, 101]);
      for (const r of [0, 1]) {
        const sum = rows[r]!.reduce((all, x) => all + Math.exp(x - 31), 0);
        expect(logSum.data[r]).to.be.closeTo(Math.log(sum), 1e-6);
      }
      for (const r of [2, 3]) expect(Number.isFinite(logSum.data[r])).to.equal(false);
    });
});
