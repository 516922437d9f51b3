/** What a doctor says. */

/** One check. */
export interface Check {
  /** A stable name, such as `jwks-reachable`. */
  readonly id: string;
  /** How it came out. `skipped`: it was not looked at; the message says why. */
  readonly outcome: 'passed' | 'warning' | 'failed' | 'skipped';
  /** What was found, in one sentence. It holds no token, key, subject or payload. */
  readonly message: string;
  /** What to do about it; empty where nothing is to be done. */
  readonly remedy: string;
}

/** What was checked, and how it came out. */
export interface Diagnosis {
  /** Whether nothing failed. */
  readonly isHealthy: boolean;
  /** All checks, in the order in which things are needed. */
  readonly checks: readonly Check[];
}

export function diagnosisOf(checks: readonly Check[]): Diagnosis {
  return { isHealthy: checks.every(({ outcome }) => outcome !== 'failed'), checks };
}
