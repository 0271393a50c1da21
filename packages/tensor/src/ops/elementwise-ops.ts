import { activations } from './activations.ts';
import { elementwise } from './elementwise.ts';
import { functions } from './functions.ts';

/** The operations that work element by element, on broadcast operands. */
export const elementwiseOps: ReadonlySet<string> = new Set(
  [elementwise, functions, activations].flatMap((rules) => Object.keys(rules)),
);
