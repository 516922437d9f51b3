/** Abort signals, of which one may serve thousands of calls: each gets one listener of ours, as long as it is needed. */

/**
 * Whether something is an abort signal. Signals of another realm are none by `instanceof`, and jsdom's are not Node's.
 */
export function isAbortSignal(value: unknown): value is AbortSignal {
  const { aborted, addEventListener } = Object(value) as Partial<AbortSignal>;
  return typeof aborted === 'boolean' && typeof addEventListener === 'function';
}

const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls `abandon` when the signal speaks; returns what ends that. */
export function onAbort(signal: AbortSignal, abandon: () => void): () => void {
  const all = waiting.get(signal) ?? begin(signal);
  all.add(abandon);
  return () => {
    all.delete(abandon);
    if (all.size === 0 && waiting.get(signal) === all) {
      waiting.delete(signal);
      signal.removeEventListener('abort', spoken);
    }
  };
}

function begin(signal: AbortSignal): Set<() => void> {
  const all = new Set<() => void>();
  waiting.set(signal, all);
  signal.addEventListener('abort', spoken, { once: true });
  return all;
}

function spoken(this: AbortSignal): void {
  const all = waiting.get(this);
  waiting.delete(this);
  for (const abandon of all ?? []) abandon();
}
