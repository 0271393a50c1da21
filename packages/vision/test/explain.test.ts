import { readFileSync } from 'node:fs';
import { attentionRollout, type Explainer, gradCam, type ImageConfig } from '@rivulet/vision';
import { expect } from 'chai';
import { fill, noise } from './support/formula.ts';
import { png } from './support/png.ts';
import { SMALL } from './support/small-models.ts';

interface Case {
  readonly model: string;
  /** The class that was asked for; by default the likeliest. */
  readonly asked?: number;
  readonly level?: number;
  readonly label: number;
  readonly scores: readonly number[];
  readonly size: readonly [rows: number, columns: number];
  readonly map: readonly number[];
}

const SIDE = 64;
const file = new URL('./fixtures/explain.json', import.meta.url);
const cases: Readonly<Record<string, readonly Case[]>> = JSON.parse(readFileSync(file, 'utf8'));
const config: ImageConfig = {
  ...{ size: [SIDE, SIDE], channels: 3, layout: 'center' },
  ...{ mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.4] },
};
const pixels = Uint8Array.from(noise(SIDE * SIDE * 3, 4), (u) => Math.floor((u + 1) * 128));
const image = png(SIDE, SIDE, 8, 2, pixels);

const METHODS: Readonly<Record<string, (test: Case) => Promise<Explainer>>> = {
  'Grad-CAM': ({ model, level }) => gradCam(filled(model), config, level === undefined ? {} : { level }),
  'attention roll-out': ({ model }) => attentionRollout(filled(model), config),
};

function filled(name: string) {
  const model = SMALL[name]!();
  fill(model);
  return model;
}

describe("explanations against PyTorch's hooks", () => {
  for (const [method, list] of Object.entries(cases))
    for (const test of list) {
      const of = [`class ${test.asked ?? 'by default'}`, ...(test.level === undefined ? [] : [`stage ${test.level}`])];
      it(`${method} of a ${test.model}, ${of.join(', ')}`, async () => {
        const explainer = await METHODS[method]!(test);
        const { map, label, scores } = await explainer.explain(image, test.asked);
        await explainer.dispose();
        expect(label).to.equal(test.label);
        expect(scores).to.be.allclose(test.scores, { atol: 1e-4, rtol: 0 });
        expect([map.height, map.width]).to.deep.equal(test.size);
        expect(map.data).to.be.allclose(test.map, { atol: 1e-3, rtol: 0 });
      });
    }
});
