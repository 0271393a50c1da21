import { compare } from './compare/compare.ts';
import type { Figure } from './main.ts';
import { findPython } from './side.ts';
import { visionInferences, visionTraining } from './vision/models.ts';

/**
 * Inference and training of the networks of the table beside torchvision's and timm's. The parts 'inference' and 'training' are all
 * of a kind; a model's name is both of its batch sizes.
 * @throws RangeError for a name that is none of them.
 */
export async function vision(names: readonly string[]): Promise<Figure[]> {
  const [runs, trained] = [Object.keys(visionInferences), Object.keys(visionTraining)];
  const all = [...runs, ...trained];
  const wanted = names.flatMap((name) => {
    if (name === 'inference') return runs;
    if (name === 'training') return trained;
    const found = all.filter((part) => part === name || part.startsWith(`${name}-batch`));
    if (found.length === 0)
      throw new RangeError(`vision has no part '${name}'; there are: inference, training, ${all.join(', ')}`);
    return found;
  });
  const python = findPython('torch', 'torchvision', 'timm');
  const figures: Figure[] = [];
  for (const name of wanted.length > 0 ? wanted : all) {
    const kind = runs.includes(name) ? 'run' : 'training step';
    figures.push(...(await compare({ name, kind, peer: 'vision.py', python })));
  }
  return figures;
}
