/** What was changed, for an audit log. */

import type { NativeAudit } from '../native.js';
import { told } from '../report.js';

/** A change of a stream, or an attempt to make one. It holds no token, subject or payload. */
export interface Audit {
  /** When it happened. */
  readonly when: Date;
  /** The id of the receiver that did it; absent if the transmitter did it by itself. */
  readonly caller?: string;
  /**
   * What it did: `stream.create`, `stream.update`, `stream.replace`, `stream.delete`, `stream.verify`, `status.update`,
   * `subject.add` or `subject.remove`; the transmitter itself, `stream.pause`, `stream.disable` or `stream.enable`.
   */
  readonly action: string;
  /** The id of the stream, if the request named one that could exist. */
  readonly stream?: string;
  /** How it ended: `done`, or the `err` of the answer. */
  readonly outcome: string;
}

/** Tells the host of each. */
export function toldOf(audits: readonly NativeAudit[], onAudit: ((audit: Audit) => unknown) | undefined): void {
  if (onAudit === undefined) return;
  for (const audit of audits) told(() => onAudit({ ...audit, when: new Date(audit.when) }));
}
