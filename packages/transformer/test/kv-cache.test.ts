import { expect } from 'chai';
import fc from 'fast-check';
import { KVCache } from '../src/kv-cache.ts';

const sizes = { vocabSize: 9, layers: 2, heads: 4, groups: 2, headWidth: 3, contextLength: 200 };

/** What a row should hold: one number per position. */
type Model = Map<number, number[]>;

/** Writes `values` behind what the rows have, as a run over these slots would. */
function write(cache: KVCache, model: Model, ids: readonly number[], value: number): void {
  for (const id of ids) cache.reserve(id, 1);
  for (const id of ids) {
    const at = cache.lengthOf(id);
    for (const [layer, { data, dims }] of cache.view(cache.slotOf(id), 1).entries())
      for (let group = 0; group < 2; group++)
        for (let d = 0; d < 3; d++) data[(group * dims[2]! + at) * 3 + d] = value + layer + 10 * group;
    cache.advance(id, 1);
    model.get(id)!.push(value);
  }
}

function check(cache: KVCache, model: Model): void {
  const slots = [...model.keys()].map((id) => cache.slotOf(id));
  expect(new Set(slots).size).to.equal(slots.length);
  for (const [id, values] of model) {
    expect(cache.lengthOf(id)).to.equal(values.length);
    if (values.length === 0) continue;
    for (const [layer, { data, dims }] of cache.view(cache.slotOf(id), 1).entries())
      for (let group = 0; group < 2; group++)
        expect(values.map((_, at) => data[(group * dims[2]! + at) * 3 + 2])).to.deep.equal(
          values.map((value) => value + layer + 10 * group),
        );
  }
}

describe('KVCache', () => {
  it('keeps every row whatever is added, copied, shortened, moved and removed', () => {
    const action = fc.tuple(fc.constantFrom('add', 'copy', 'remove', 'cut', 'write', 'gather'), fc.nat(), fc.nat());
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const cache = new KVCache(sizes);
        const model: Model = new Map();
        for (const [index, [what, a, b]] of actions.entries()) {
          const ids = [...model.keys()];
          const id = ids[a % Math.max(1, ids.length)];
          if (what === 'add') model.set(cache.add(), []);
          if (id === undefined) continue;
          const values = model.get(id)!;
          const length = b % (values.length + 1);
          if (what === 'copy') model.set(cache.add(id, length), values.slice(0, length));
          if (what === 'remove') {
            cache.remove(id);
            model.delete(id);
          }
          if (what === 'cut') {
            cache.truncate(id, length);
            values.length = length;
          }
          if (what === 'write')
            for (let n = 0; n < b % 90 && values.length < 200; n++) write(cache, model, [id], 100 * index + n);
          const some = ids.filter((_, i) => (b >> (i % 30)) & 1 || i === a % ids.length);
          if (what === 'gather') {
            cache.gather(some);
            const slots = some.map((each) => cache.slotOf(each));
            expect(Math.max(...slots) - Math.min(...slots) + 1).to.equal(some.length);
          }
          check(cache, model);
        }
      }),
      { seed: 1, numRuns: 150 },
    );
  });

  it('refuses more than the context', () => {
    const cache = new KVCache(sizes);
    const row = cache.add();
    expect(() => cache.reserve(row, 201)).to.throw(RangeError, 'the text has 201 tokens; this model reads at most 200');
    cache.reserve(row, 200);
  });
});
