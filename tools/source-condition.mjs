/** Resolve hook: packages of this repository resolve to their TypeScript source. */
export function resolve(specifier, context, nextResolve) {
  const ours = specifier === 'rivulet' || specifier.startsWith('@rivulet/');
  return nextResolve(specifier, ours ? { ...context, conditions: ['source', ...context.conditions] } : context);
}
