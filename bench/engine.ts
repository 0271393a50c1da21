import { compare } from './compare/compare.ts';
import { inferences } from './engine/inference.ts';
import { workloads } from './engine/workloads.ts';
import type { Figure } from './main.ts';
import { findPython } from './side.ts';

/**
 * Training steps and inference runs of every workload beside PyTorch's. The part 'inference' is all of the latter.
 * @throws RangeError for a name that no workload has.
 */
export async function engine(names: readonly string[]): Promise<Figure[]> {
  const all = [...Object.keys(workloads), ...Object.keys(inferences)];
  const wanted = names.flatMap((name) => (name === 'inference' ? Object.keys(inferences) : [name]));
  for (const name of wanted)
    if (!all.includes(name))
      throw new RangeError(`engine has no part '${name}'; there are: inference, ${all.join(', ')}`);
  const python = findPython('torch');
  const figures: Figure[] = [];
  for (const name of wanted.length > 0 ? wanted : all) {
    const kind = Object.hasOwn(inferences, name) ? 'run' : 'training step';
    figures.push(...(await compare({ name, kind, peer: 'engine.py', python })));
  }
  return figures;
}
