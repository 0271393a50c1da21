/** An error of one item of a stream. */
export class ItemError extends Error {
  /** The item's number, from 0. */
  readonly index: number;
  /** The item, as text. */
  readonly text: string;

  constructor(index: number, text: string, cause: unknown) {
    const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
    super(`item ${index} (${JSON.stringify(shown)}): ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
    this.name = 'ItemError';
    this.index = index;
    this.text = text;
  }
}

/** What to do with an item that failed: by default the stream ends with the error. */
export interface ItemErrorOptions {
  /** Called with the error instead; the stream goes on with the next item. */
  readonly onItemError?: (error: ItemError) => void;
}

/** Hands the error to the handler, or throws it. */
export function settleItemError(error: ItemError, { onItemError }: ItemErrorOptions): void {
  if (!onItemError) throw error;
  onItemError(error);
}
