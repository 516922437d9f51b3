/** Retries, timeouts, and how findings are handled. */

import type { Caller, Place } from './errors.js';
import type { NativeFindingsPolicy, NativePolicy } from './native.js';
import { checked, count, oneOf, span, strings } from './options.js';
import type { LintRuleId } from './rules.js';

/** The retries and timeouts of a delivery. All durations are in milliseconds. */
export interface RetryPolicy {
  /** Maximum number of attempts, at least one; 6 by default. */
  readonly maxAttempts?: number | undefined;
  /** How long one attempt may take. 10 seconds by default. */
  readonly attemptTimeout?: number | undefined;
  /** Maximum delay before the second attempt; it doubles with each further one. Half a second by default. */
  readonly base?: number | undefined;
  /** Maximum backoff delay. 30 seconds by default. */
  readonly maxBackoff?: number | undefined;
  /** Maximum delay that a receiver may request. 24 hours by default; the deadline bounds it too. */
  readonly maxRetryAfter?: number | undefined;
}

/** The bounds of a call. */
export interface Bounds {
  /** How many milliseconds it may take, from the call to its result; 30,000 by default. */
  readonly deadline?: number | undefined;
  /** The retry policy. */
  readonly retry?: RetryPolicy | undefined;
}

/** How findings are handled when a SET is prepared: by default, errors block the send, and warnings are reported. */
export interface LintPolicy {
  /** Minimum severity that blocks the send. A SET that violates a definition is always rejected. */
  readonly refuse?: 'note' | 'warning' | 'error' | 'never' | undefined;
  /** Minimum severity of findings on the receipt. */
  readonly report?: 'note' | 'warning' | 'error' | 'never' | undefined;
  /** Rules whose findings neither block the send nor are reported. */
  readonly allow?: readonly LintRuleId[] | undefined;
}

const RETRY = { maxAttempts: count, attemptTimeout: span, base: span, maxBackoff: span, maxRetryAfter: span };
const SEVERITY = oneOf('note', 'warning', 'error', 'never');
const LINT = { refuse: SEVERITY, report: SEVERITY, allow: strings };

/** Bounds as the native module takes them. */
export function policyOf({ deadline, retry = {} }: Bounds, at: Caller | Place): NativePolicy {
  checked(retry, RETRY, [], at);
  const { maxAttempts, attemptTimeout, base, maxBackoff, maxRetryAfter } = retry;
  return { deadline, maxAttempts, attemptTimeout, base, maxBackoff, maxRetryAfter };
}

/** The same, or nothing where nothing is said. */
export function policyIf(bounds: Bounds, at: Caller | Place): NativePolicy | undefined {
  return bounds.deadline === undefined && bounds.retry === undefined ? undefined : policyOf(bounds, at);
}

/** A lint policy as the native module takes it. */
export function lintPolicyOf(lint: LintPolicy | undefined, at: Caller | Place): NativeFindingsPolicy | undefined {
  if (lint === undefined) return undefined;
  checked(lint, LINT, [], at);
  return { refuse: lint.refuse, report: lint.report, allow: [...(lint.allow ?? [])] };
}
