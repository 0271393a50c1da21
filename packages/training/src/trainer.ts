import { isPartOf, type Module, storageOf } from '@rivulet/nn';
import {
  type CompiledStep,
  compileStep,
  type Feeds,
  type HostTensor,
  type InputSpecs,
  type Inputs,
  type Tensor,
} from '@rivulet/tensor';
import { type Anomaly, AnomalyError, findAnomaly } from './anomaly.ts';
import type { Optimizer } from './optimizers/optimizer.ts';
import {
  type Averaged,
  type Clipping,
  like,
  type StepKind,
  type StepOutputs,
  stepInputs,
  stepProgram,
  type Trained,
} from './step-program.ts';

/** Parameters that are trained in their own way. */
export interface ParameterGroup {
  /** Which: the path of a module or tensor ('classifier'), a pattern, or a test of the name. */
  readonly parameters: string | RegExp | ((name: string) => boolean);
  readonly optimizer: Optimizer;
}

export interface TrainerOptions<I extends InputSpecs> extends Clipping {
  readonly model: Module;
  /** For all parameters that no group takes. */
  readonly optimizer: Optimizer;
  /** The first group that a parameter belongs to decides how it is trained: other rates, no decay, another optimizer. */
  readonly groups?: readonly ParameterGroup[];
  /** The batches' tensors. Symbolic sizes let one session serve every batch. */
  readonly inputs: I;
  /** The loss to minimize, a scalar. Traced once, for training. */
  readonly loss: (inputs: Inputs<I>) => Tensor;
  /**
   * The decay of a moving average of the weights, kept beside them; none by default. The running statistics of batch norm are averaged
   * with them, those of the weights themselves would not fit (as timm's ModelEmaV2, or torch's AveragedModel with `use_buffers`).
   */
  readonly ema?: number;
  /** See `StepOptions.winograd` of @rivulet/tensor. Default 0. */
  readonly winograd?: 0 | 2 | 4;
  /** What dropout draws from; together with the step's number it decides every mask. Default 0. */
  readonly seed?: number;
  /**
   * For finding mistakes: keeps a copy of the state before every step. Where the loss or the gradients' norm is not finite, the
   * copy comes back, and the error (`AnomalyError`) names the operation that made the first such value. Default false.
   */
  readonly anomaly?: boolean;
}

export interface StepResult {
  readonly loss: number;
  /** Before clipping. */
  readonly gradientNorm: number;
  readonly learningRate: number;
}

/** Owns what training adds to a model: the compiled steps, the optimizers' memory, the step's number. */
export class Trainer<I extends InputSpecs> {
  /** Steps done. */
  step = 0;
  readonly model: Module;
  readonly #options: TrainerOptions<I>;
  readonly #optimizers: readonly Optimizer[];
  readonly #trained: readonly Trained[];
  readonly #averages: readonly Averaged[];
  readonly #compiled = new Map<StepKind, Promise<CompiledStep<I & InputSpecs, StepOutputs>>>();
  #gathered: readonly Tensor[] | null = null;

  /** @throws Error where a group has no parameter. */
  constructor(options: TrainerOptions<I>) {
    const { model, optimizer, groups = [], ema } = options;
    this.model = model;
    this.#options = options;
    const parameters = [...model.parameters()];
    const choice = parameters.map(([name]) => groups.findIndex((group) => belongs(name, group.parameters)));
    groups.forEach((group, i) => {
      if (!choice.includes(i)) throw new Error(`the model has no parameter for the group ${group.parameters}`);
    });
    this.#optimizers = [optimizer, ...groups.map((group) => group.optimizer)];
    this.#trained = parameters.map(([name, parameter], i) => {
      const chosen = this.#optimizers[choice[i]! + 1]!;
      const slots = chosen.slots.map(() => filled(like(parameter), chosen.initial ?? 0));
      return { name, parameter, optimizer: chosen, slots };
    });
    const averaged = ema === undefined ? [] : [...parameters, ...statistics(model)];
    this.#averages = averaged.map(([name, of]) => ({ name, of, average: copyOf(of) }));
  }

  /**
   * One update. Of several batches the gradients are averaged first (gradient accumulation): what fits no memory at once.
   * @throws Error when the loss is not finite; the parameters have been updated with it by then. With the option `anomaly`
   * AnomalyError, and they have not.
   * @throws RangeError for a batch without rows, and for a class or an index outside of what it points into; nothing has changed then.
   */
  async train(...batches: readonly Feeds<I>[]): Promise<StepResult> {
    if (batches.length === 0) throw new RangeError('train: needs a batch');
    batches.forEach(wantRows);
    const scalars = this.#optimizers.map((optimizer) => optimizer.scalars(this.step + 1));
    const values = scalars.flatMap((list, i) =>
      list.map((value, j) => [`scalar_${i}_${j}`, scalarTensor(value)] as const),
    );
    const common = Object.fromEntries([...values, ['share', scalarTensor(1 / batches.length)]]);
    const result = { loss: 0, gradientNorm: 0, learningRate: scalars[0]![0]! };
    const before = this.#options.anomaly ? this.#snapshot() : null;
    const seedOf = (i: number): number => mixSeed(this.#options.seed ?? 0, this.step + i * 0x10001);
    for (const [i, feeds] of batches.entries()) {
      const kind = batches.length === 1 ? 'step' : i + 1 < batches.length ? 'gather' : 'finish';
      const compiled = await this.#step(kind);
      const { loss, norm } = await compiled.run({ ...feeds, ...common } as Feeds<I & InputSpecs>, seedOf(i));
      result.loss += (loss.data[0] as number) / batches.length;
      result.gradientNorm = norm.data[0] as number;
    }
    if (before && !(Number.isFinite(result.loss) && Number.isFinite(result.gradientNorm)))
      throw await this.#explain(
        before,
        result,
        (i) => findAnomaly(this.#options, batches[i]!, seedOf(i)),
        batches.length,
      );
    this.step++;
    if (!Number.isFinite(result.loss))
      throw new Error(`the loss is ${result.loss} at step ${this.step}; lower the learning rate or clip the gradients`);
    return result;
  }

  /** The state before a step, to go back to. */
  #snapshot(): Snapshot {
    return { model: copies(this.modelState()), optimizer: copies(this.optimizerState()) };
  }

  async #explain(
    { model, optimizer }: Snapshot,
    { loss, gradientNorm }: StepResult,
    find: (batch: number) => Promise<Anomaly | null>,
    batches: number,
  ): Promise<AnomalyError> {
    const what = Number.isFinite(loss) ? `the gradients' norm is ${gradientNorm}` : `the loss is ${loss}`;
    const goBack = (): void => this.restore(this.step, model, optimizer);
    let anomaly: Anomaly | null = null;
    for (let i = 0; i < batches && anomaly === null; i++) {
      goBack();
      anomaly = await find(i);
    }
    goBack(); // looking updates running statistics
    return new AnomalyError(`${what} at step ${this.step + 1}`, anomaly);
  }

  #step(kind: StepKind): Promise<CompiledStep<I & InputSpecs, StepOutputs>> {
    const known = this.#compiled.get(kind) ?? this.#compile(kind);
    this.#compiled.set(kind, known);
    return known;
  }

  #compile(kind: StepKind): Promise<CompiledStep<I & InputSpecs, StepOutputs>> {
    const { inputs, loss, clipNorm, clipValue, ema = 0, winograd = 0 } = this.#options;
    if (kind !== 'step') this.#gathered ??= this.#trained.map(({ parameter }) => like(parameter));
    const specs = { ...inputs, ...stepInputs(this.#optimizers) } as I & InputSpecs;
    const build = (given: Inputs<I & InputSpecs>): ReturnType<typeof stepProgram> =>
      stepProgram(kind, given, {
        loss: loss(given),
        trained: this.#trained,
        optimizers: this.#optimizers,
        gathered: this.#gathered ?? [],
        clipping: { clipNorm, clipValue },
        averages: this.#averages,
        ema,
      });
    return compileStep<I & InputSpecs, StepOutputs>(specs, build, { winograd });
  }

  /** The model's tensors as training has them. */
  modelState(): Map<string, HostTensor> {
    return new Map([...this.model.stateDict()].map(([name, t]) => [name, storageOf(t)]));
  }

  /** The weights to use, with what batch norm goes by: the moving averages where there are any, else the model's own. */
  weights(): Map<string, HostTensor> {
    const weights = this.modelState();
    for (const { name, average } of this.#averages) weights.set(name, storageOf(average));
    return weights;
  }

  /** Everything that a later run needs beside the model's own tensors, by name. */
  optimizerState(): Map<string, HostTensor> {
    return new Map([...this.#stateTensors()].map(([name, t]) => [name, storageOf(t)]));
  }

  /** Takes a saved state over. @throws Error naming what is missing or does not fit. */
  restore(step: number, model: ReadonlyMap<string, HostTensor>, optimizer: ReadonlyMap<string, HostTensor>): void {
    const tensors = this.#stateTensors();
    for (const [name, target] of tensors) {
      const saved = optimizer.get(name);
      if (saved?.data.length !== storageOf(target).data.length)
        throw new Error(`the optimizer's state has no fitting '${name}'; it was saved by another model or optimizer`);
    }
    this.model.loadStateDict(model);
    for (const [name, target] of tensors) storageOf(target).data.set(optimizer.get(name)!.data as never);
    this.step = step;
  }

  #stateTensors(): Map<string, Tensor> {
    const slots = this.#trained.flatMap(({ name, optimizer, slots }) =>
      optimizer.slots.map((slot, j) => [`${name}.${slot}`, slots[j]!] as const),
    );
    return new Map([...slots, ...this.#averages.map(({ name, average }) => [`${name}.ema`, average] as const)]);
  }

  async dispose(): Promise<void> {
    const compiled = [...this.#compiled.values()];
    this.#compiled.clear();
    for (const step of compiled) await (await step).dispose();
  }
}

interface Snapshot {
  readonly model: Map<string, HostTensor>;
  readonly optimizer: Map<string, HostTensor>;
}

const copies = (tensors: ReadonlyMap<string, HostTensor>): Map<string, HostTensor> =>
  new Map([...tensors].map(([name, t]) => [name, { ...t, data: t.data.slice() }]));

function belongs(name: string, group: ParameterGroup['parameters']): boolean {
  if (typeof group === 'function') return group(name);
  return typeof group === 'string' ? isPartOf(name, group) : group.test(name);
}

/** What a step changes beside the parameters and an average makes sense of: numbers, such as batch norm's statistics, and no counts. */
function statistics(model: Module): [name: string, buffer: Tensor][] {
  return [...model.stateDict()].filter(
    ([, { node, dtype }]) => node.kind === 'parameter' && node.isBuffer && dtype === 'float32',
  );
}

function filled(tensor: Tensor, value: number): Tensor {
  storageOf(tensor).data.fill(value as never);
  return tensor;
}

function copyOf(p: Tensor): Tensor {
  const copy = like(p);
  storageOf(copy).data.set(storageOf(p).data as never);
  return copy;
}

const scalarTensor = (value: number): HostTensor => ({ dtype: 'float32', dims: [], data: Float32Array.of(value) });

/** A seed for one step: neighbouring steps share no pattern (the finalizer of MurmurHash3). */
function mixSeed(seed: number, step: number): number {
  let h = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(step + 1, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) | 0;
}

/** A mean over no rows is no number, and a step would still decay the weights. */
function wantRows(feeds: Readonly<Record<string, HostTensor>>): void {
  for (const [name, { dtype, dims }] of Object.entries(feeds))
    if (dims.includes(0))
      throw new RangeError(
        `train: the batch is empty: '${name}' is ${dtype} [${dims.join(', ')}], expected one row or more`,
      );
}
