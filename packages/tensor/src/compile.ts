import type { HostTensor, Session } from './backend/backend.ts';
import { type BackendChoice, chooseBackend } from './backend/select.ts';
import { type Feeds, type InputSpecs, type Inputs, orderFeeds, placeholders } from './feeds.ts';
import { HeldWeights } from './held.ts';
import { lowerInParts, type NamedTensor } from './lowering/lower.ts';
import type { WeightFormat } from './lowering/packed-weights.ts';
import { encodeInParts } from './onnx/encode.ts';
import { splitWeights } from './onnx/external-data.ts';
import { OutputPlaces } from './output-places.ts';
import { namingIndices } from './outside.ts';
import type { Calibration } from './quantization/calibration.ts';
import { inSlices } from './slices.ts';
import type { Tensor } from './tensor.ts';
import { inference, within } from './trace.ts';

export type Outputs = Readonly<Record<string, Tensor>>;
export type Results<O> = { readonly [K in keyof O]: HostTensor };

/** A graph compiled for inference: parameters are baked in as they were, so the runtime can pack and fuse them. */
export class Compiled<I extends InputSpecs, O extends Outputs> {
  readonly #specs: I;
  readonly #outputs: OutputPlaces;
  readonly #session: Session;

  constructor(specs: I, outputs: OutputPlaces, session: Session) {
    this.#specs = specs;
    this.#outputs = outputs;
    this.#session = session;
  }

  /**
   * Runs the graph off the event loop.
   * @param into tensors that outputs are written to, of the shape that they will have.
   * @throws ShapeError naming the input that is missing or does not fit; RangeError naming the output whose tensor does not fit, and the
   * inputs of whole numbers where an index points outside.
   */
  async run(feeds: Feeds<I>, into?: { readonly [K in keyof O]?: HostTensor }): Promise<Results<O>> {
    const inputs = orderFeeds(this.#specs, feeds);
    const { places, results } = this.#outputs.of(feeds, into);
    const made = await namingIndices(feeds, () => this.#session.run(inputs, places));
    return Object.fromEntries(results(made)) as Results<O>;
  }

  /** Releases the native session, once running work is done. */
  dispose(): Promise<void> {
    return this.#session.dispose();
  }
}

export interface WeightOptions {
  /**
   * How the weights of linear layers are stored: 'int8' and 'int4' take a quarter and an eighth of the memory. A single row, such as
   * the next token of one text, is then twice as fast, since reading the weights is most of its time; inputs are rounded to 8 bits.
   * For what it costs in accuracy see docs/benchmarks.md. Other layers stay float32. Default 'float32'.
   */
  readonly weights?: WeightFormat;
  /**
   * Convolutions, and what lies between them, work on whole numbers of 8 bits, whose ranges `calibrate` has seen (static quantization):
   * one and a half to twice as fast. Only with weights 'int8'. Default: convolutions stay float32.
   */
  readonly calibration?: Calibration;
}

export interface CompileOptions extends BackendChoice, WeightOptions {}

/**
 * Compiles an inference graph, in slices of a few milliseconds between which the event loop runs. The weights are those of now:
 * training may go on meanwhile.
 * @param specs names, shapes and types of the inputs; a symbolic size (`symbol('B')`) serves every size.
 * @param build computes the outputs from the inputs; it runs once.
 * Models of any size: weights beyond 2 GiB do not go through the model's bytes.
 * @throws TypeError for an unknown backend or weight format, and for a calibration without weights 'int8'; RangeError for a calibration of
 * another network.
 */
export function compile<I extends InputSpecs, O extends Outputs>(
  specs: I,
  build: (inputs: Inputs<I>) => O,
  options: CompileOptions = {},
): Promise<Compiled<I, O>> {
  return compileWithin(specs, build, options);
}

/** As `compile`. @param most bytes of weights that stand in the model; more are given to the session beside it. */
export async function compileWithin<I extends InputSpecs, O extends Outputs>(
  specs: I,
  build: (inputs: Inputs<I>) => O,
  { backend, weights = 'float32', calibration, threads, optimization, inPlace = {} }: CompileOptions = {},
  most?: number,
): Promise<Compiled<I, O>> {
  const { feeds, outputs } = traceInference(specs, build);
  const inner = (name: string): string => `out_${name}`; // an input may have the same name
  const places = new OutputPlaces(specs, outputs, Object.keys(inPlace));
  const renamed = places.computed.map(({ name, tensor }) => ({ name: inner(name), tensor }));
  const own = Object.fromEntries(Object.entries(inPlace).map(([output, place]) => [inner(output), place]));
  const settings = { inPlace: own, ...(threads !== undefined && { threads }), ...(optimization && { optimization }) };
  const held = new HeldWeights(outputs.map(({ tensor }) => tensor)); // those of now, until the session has them
  let session: Session;
  try {
    const lowered = await inSlices(lowerInParts(feeds, renamed, { weights, held, calibration }));
    const { model, external } = splitWeights(lowered, most);
    const bytes = await inSlices(encodeInParts(model));
    const engine = await chooseBackend(backend);
    session = await engine.createSession(bytes, { ...settings, ...(external.size > 0 && { external }) });
  } finally {
    held.release();
  }
  return new Compiled<I, O>(specs, places, session);
}

/** What `build` computes, as it is for inference: the inputs and outputs of a graph. */
export function traceInference<I extends InputSpecs>(
  specs: I,
  build: (inputs: Inputs<I>) => Outputs,
): { feeds: NamedTensor[]; outputs: NamedTensor[] } {
  const inputs = placeholders(specs);
  const outputs = within(inference, () => build(inputs));
  const named = (tensors: Readonly<Record<string, Tensor>>): NamedTensor[] =>
    Object.entries(tensors).map(([name, tensor]) => ({ name, tensor }));
  return { feeds: named(inputs), outputs: named(outputs) };
}
