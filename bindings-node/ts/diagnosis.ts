/** The results of a doctor run. */

/** One check. */
export interface Check {
  /** A stable name, such as `jwks-reachable`. */
  readonly id: string;
  /** The outcome. `skipped`: it was not checked; the message says why. */
  readonly outcome: 'passed' | 'warning' | 'failed' | 'skipped';
  /** The result, in one sentence. It contains no token, key, subject or payload. */
  readonly message: string;
  /** How to fix it; empty if no action is needed. */
  readonly remedy: string;
  /** How long it took, in milliseconds: 0 for what needs no answer from elsewhere. */
  readonly duration: number;
}

/** The checks and their outcomes. */
export interface Diagnosis {
  /** Whether nothing failed. */
  readonly isHealthy: boolean;
  /** All checks, in the order in which things are needed. */
  readonly checks: readonly Check[];
}

export function diagnosisOf(checks: readonly Check[]): Diagnosis {
  return { isHealthy: checks.every(({ outcome }) => outcome !== 'failed'), checks };
}
