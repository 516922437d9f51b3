/** Okta's System Log: its entries, and the reception of SETs. */

import type { CauseId } from './causes.js';

const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/** The outcome of a SET. */
export type ReceptionOutcome =
  /** It arrived, and Okta evaluated the risk of its user afterwards. */
  | 'judged'
  /** It arrived. */
  | 'arrived'
  /** It was not seen, for a certain cause. */
  | 'dropped'
  /** It was not seen by the deadline. */
  | 'not-seen';

/** The certainty that an entry is about a SET. Okta documents no member for the `jti`. */
export type Certainty =
  /** It names the `jti`. */
  | 'exact'
  /** It names the provider and the user, and the time matches. */
  | 'likely'
  /** The time matches, and the entry names no other user or provider. */
  | 'possible';

/** An actor or a target of a {@link LogEvent}. */
export interface LogEntity {
  readonly id: string | null;
  /** What it is, such as `User`. */
  readonly type: string | null;
  /** The alternate id; for a user, the sign-in name. */
  readonly alternateId: string | null;
  /** The name for people. */
  readonly displayName: string | null;
}

/** The members of an entry: one that is missing, or has an undocumented type, is `null`. */
interface Entry {
  readonly uuid: string;
  readonly eventType: string;
  readonly severity: string | null;
  readonly displayMessage: string | null;
  readonly result: string | null;
  readonly reason: string | null;
  readonly actor: LogEntity | null;
  readonly targets: readonly LogEntity[];
  readonly debugData: Readonly<Record<string, unknown>> | null;
  readonly members: Readonly<Record<string, unknown>>;
}

type NativeEntry = Entry & { readonly published: number | null };

/** An entry of Okta's System Log. It contains personal data; `console.log` shows only id and type. */
export class LogEvent implements Entry {
  /** The id of the entry, empty if it has none. */
  readonly uuid: string;
  /** The time of the entry. */
  readonly published: Date | null;
  /** What happened, such as `security.events.provider.receive_event`; empty if it does not say. */
  readonly eventType: string;
  /** `DEBUG`, `INFO`, `WARN` or `ERROR`. */
  readonly severity: string | null;
  /** What happened, for people. */
  readonly displayMessage: string | null;
  /** The result, such as `SUCCESS`. */
  readonly result: string | null;
  /** The reason for the result. */
  readonly reason: string | null;
  /** The actor. */
  readonly actor: LogEntity | null;
  /** The targets. */
  readonly targets: readonly LogEntity[];
  /** Okta's debug data. Its members are not documented. */
  readonly debugData: Readonly<Record<string, unknown>> | null;
  /** The complete entry, as received. */
  readonly members: Readonly<Record<string, unknown>>;

  private constructor(entry: NativeEntry) {
    this.uuid = entry.uuid;
    this.published = entry.published === null ? null : new Date(entry.published);
    this.eventType = entry.eventType;
    this.severity = entry.severity;
    this.displayMessage = entry.displayMessage;
    this.result = entry.result;
    this.reason = entry.reason;
    this.actor = entry.actor;
    this.targets = entry.targets;
    this.debugData = entry.debugData;
    this.members = entry.members;
  }

  /** Shows id and type. */
  [INSPECT](): string {
    return `LogEvent { uuid: '${this.uuid}', eventType: '${this.eventType}' }`;
  }

  /** @internal */
  static of(entry: NativeEntry): LogEvent {
    return new LogEvent(entry);
  }
}

/** Why a SET may not have arrived. */
export interface ReceptionCause {
  /** A stable id, such as `user-unknown`. All are in `docs/errors.md`. */
  readonly id: CauseId;
  /** Whether the cause is certain, not just possible. */
  readonly isCertain: boolean;
  /** What it is, in one sentence or two. */
  readonly meaning: string;
  /** How to fix it. */
  readonly remedy: string;
}

/** The reception of a SET in an org. */
export interface Reception {
  /** The outcome. */
  readonly outcome: ReceptionOutcome;
  /** The certainty that the entries are about the SET; `null` if there are none. */
  readonly certainty: Certainty | null;
  /** The entries about the arrival and the risk evaluation. */
  readonly events: readonly LogEvent[];
  /** Why it may not have arrived: certain causes first, then likely ones. Empty if it arrived. */
  readonly causes: readonly ReceptionCause[];
}

export function eventOf(json: string): LogEvent {
  return LogEvent.of(JSON.parse(json));
}

export function receptionOf(json: string): Reception {
  const { events, ...reception } = JSON.parse(json);
  return { ...reception, events: events.map(LogEvent.of) };
}
