import type { GenerationEnd, GenerationEvent } from '../../src/index.ts';

export async function collect(events: AsyncIterable<GenerationEvent>): Promise<GenerationEvent[]> {
  const all: GenerationEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

/** The ids given one by one, and the closing event. */
export function summary(events: readonly GenerationEvent[]): { ids: number[]; end: GenerationEnd } {
  const end = events.at(-1);
  if (end?.type !== 'generation-end') throw new Error(`the last event is ${end?.type}`);
  return { ids: events.flatMap((event) => (event.type === 'token' ? [event.id] : [])), end };
}
