import Foundation
internal import SSFTransmitterFFI

/// The ledger of an outbox in numbers. Those of the past include deliveries that were removed since.
///
/// `enqueued` is always `waiting + inFlight + delivered + dead + expired + superseded + removed`.
public struct OutboxCounts: Hashable, Sendable {
    /// Deliveries that were accepted.
    public let enqueued: Int
    /// Those that wait.
    public let waiting: Int
    /// Those that a worker has.
    public let inFlight: Int
    /// Those that receivers have.
    public let delivered: Int
    /// Those that failed for good.
    public let dead: Int
    /// Discarded because they waited too long.
    public let expired: Int
    /// Discarded because a newer one replaced them.
    public let superseded: Int
    /// Discarded by a person.
    public let removed: Int

    init(_ native: SSFTransmitterFFI.OutboxCounts) {
        enqueued = Int(native.enqueued)
        waiting = Int(native.waiting)
        inFlight = Int(native.inFlight)
        delivered = Int(native.delivered)
        dead = Int(native.dead)
        expired = Int(native.expired)
        superseded = Int(native.superseded)
        removed = Int(native.removed)
    }
}

/// How an outbox is: what to watch, and to alert on. ``OutboxReceiver`` tells of one receiver, with its last failure.
public struct OutboxHealth: Hashable, Sendable {
    /// When the oldest of the deliveries that wait was enqueued.
    public let oldestWaiting: Date?
    /// Deliveries that ended as delivered in the last minute, as far as the outbox still has them.
    public let deliveredInLastMinute: Int
    /// Receivers that are paused.
    public let paused: Int
    /// The length of the file; `nil` in memory.
    public let fileBytes: Int?
    /// The length of the write-ahead log beside it; `nil` in memory.
    public let logBytes: Int?

    init(_ native: SSFTransmitterFFI.OutboxHealth) {
        oldestWaiting = native.oldestWaiting.map(Date.init(timeIntervalSince1970:))
        deliveredInLastMinute = Int(native.deliveredInLastMinute)
        paused = Int(native.paused)
        fileBytes = native.fileBytes.map(Int.init)
        logBytes = native.logBytes.map(Int.init)
    }
}

/// Why a delivery failed. Printed, it shows its code, and not the receiver's words.
public struct OutboxFailure: Hashable, Sendable {
    /// The stable code.
    public let code: SSFError.Code
    /// What went wrong, in one sentence.
    public let message: String
    /// The HTTP status of the answer, if there was one.
    public let status: Int?
    /// The error code that the receiver gave.
    public let receiverError: String?
    /// The receiver's words, with everything redacted that it quoted from the request.
    public let receiverDescription: String?

    /// How to fix it, in one sentence.
    public var remedy: String { code.remedy }

    init(_ native: SSFTransmitterFFI.OutboxFailure) {
        code = SSFError.Code(rawValue: native.code)
        message = native.message
        status = native.status.map(Int.init)
        receiverError = native.receiverError
        receiverDescription = native.receiverDescription
    }
}

extension OutboxFailure: CustomStringConvertible, CustomReflectable {
    public var description: String { "\(message) [\(code)]" }
    public var customMirror: Mirror { Mirror(self, children: ["code": code.rawValue, "message": message]) }
}

/// One attempt to deliver a SET.
public struct OutboxAttempt: Hashable, Sendable {
    /// When it began.
    public let at: Date
    /// How many seconds it took.
    public let duration: TimeInterval
    /// The key that signed, by its `kid`.
    public let kid: String?
    /// The HTTP status of the answer, if there was one.
    public let status: Int?
    /// Why it failed, if it did.
    public let failure: OutboxFailure?

    init(_ native: SSFTransmitterFFI.OutboxAttempt) {
        at = Date(timeIntervalSince1970: native.at)
        duration = native.duration
        kid = native.kid
        status = native.status.map(Int.init)
        failure = native.failure.map(OutboxFailure.init)
    }
}

/// A delivery in an outbox: one event to one receiver.
public struct OutboxDelivery: Hashable, Sendable {
    /// Where a delivery is.
    public struct State: OpenValue {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }

        /// It waits to be sent.
        public static let waiting: Self = "waiting"
        /// A worker has it.
        public static let inFlight: Self = "in_flight"
        /// The receiver has it.
        public static let delivered: Self = "delivered"
        /// It failed for good.
        public static let dead: Self = "dead"
        /// It was given up before it was sent.
        public static let discarded: Self = "discarded"
    }

    /// Why a delivery was discarded.
    public enum Discard: Hashable, Sendable {
        /// It waited longer than its maximum age.
        case expired
        /// A newer delivery with the same key replaced it, the one with this `jti`.
        case superseded(by: String)
        /// A person removed it.
        case removed

        init?(_ reason: String?, by jti: String?) {
            switch reason {
            case nil: return nil
            case "expired": self = .expired
            case "superseded": self = .superseded(by: jti ?? "")
            default: self = .removed
            }
        }
    }

    /// The id of its SET.
    public let jti: String
    /// The name of its receiver.
    public let receiver: String
    /// The event, by its id in the catalogue or its URI.
    public let event: String
    /// Where it is.
    public let state: State
    /// When it was enqueued, which is the `iat` of its SET.
    public let enqueuedAt: Date
    /// Its priority.
    public let priority: OutboxEntry.Priority
    /// How many attempts it has spent.
    public let attempts: Int
    /// Not sent before this time, if it waits for one.
    public let dueAt: Date?
    /// Discarded at this time if it has not been sent.
    public let expiresAt: Date
    /// When it ended.
    public let endedAt: Date?
    /// Why the last attempt failed, or why it is dead.
    public let failure: OutboxFailure?
    /// Why it was discarded.
    public let discard: Discard?

    init(_ native: SSFTransmitterFFI.OutboxDelivery) {
        jti = native.jti
        receiver = native.receiver
        event = native.event
        state = State(rawValue: native.state)
        enqueuedAt = Date(timeIntervalSince1970: native.enqueuedAt)
        priority = OutboxEntry.Priority(rawValue: native.priority) ?? .normal
        attempts = Int(native.attempts)
        dueAt = native.dueAt.map(Date.init(timeIntervalSince1970:))
        expiresAt = Date(timeIntervalSince1970: native.expiresAt)
        endedAt = native.endedAt.map(Date.init(timeIntervalSince1970:))
        failure = native.failure.map(OutboxFailure.init)
        discard = Discard(native.discard, by: native.supersededBy)
    }
}

/// A delivery and all its attempts.
public struct OutboxHistory: Hashable, Sendable {
    /// The delivery.
    public let delivery: OutboxDelivery
    /// Its attempts, the first one first.
    public let attempts: [OutboxAttempt]

    init(_ native: SSFTransmitterFFI.OutboxHistory) {
        delivery = OutboxDelivery(native.delivery)
        attempts = native.attempts.map(OutboxAttempt.init)
    }
}

/// A receiver of an outbox.
public struct OutboxReceiver: Hashable, Sendable {
    /// Whether deliveries to a receiver go.
    public struct Status: OpenValue {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }

        /// They go.
        public static let active: Self = "active"
        /// They wait, and one at a time is sent as a probe.
        public static let paused: Self = "paused"
        /// They wait until a person releases the receiver.
        public static let held: Self = "held"
    }

    /// Its name.
    public let name: String
    /// Whether deliveries to it go.
    public let status: Status
    /// Since when it has its status; `nil` if that never changed.
    public let since: Date?
    /// Nothing is sent before this time: the next probe, or the time that the receiver asked for.
    public let resumeAt: Date?
    /// Why the last delivery failed, since the last success.
    public let failure: OutboxFailure?
    /// When a delivery succeeded last.
    public let deliveredAt: Date?
    /// When a delivery failed last.
    public let failedAt: Date?
    /// When the oldest delivery that waits was enqueued.
    public let oldestWaiting: Date?
    /// Deliveries that were accepted.
    public let enqueued: Int
    /// Those that wait.
    public let waiting: Int
    /// Those that a worker has.
    public let inFlight: Int
    /// Those that the receiver has.
    public let delivered: Int
    /// Those that failed for good.
    public let dead: Int
    /// Those that were discarded.
    public let discarded: Int

    init(_ native: SSFTransmitterFFI.OutboxReceiver) {
        name = native.name
        status = Status(rawValue: native.status)
        since = native.since.map(Date.init(timeIntervalSince1970:))
        resumeAt = native.resumeAt.map(Date.init(timeIntervalSince1970:))
        failure = native.failure.map(OutboxFailure.init)
        deliveredAt = native.deliveredAt.map(Date.init(timeIntervalSince1970:))
        failedAt = native.failedAt.map(Date.init(timeIntervalSince1970:))
        oldestWaiting = native.oldestWaiting.map(Date.init(timeIntervalSince1970:))
        enqueued = Int(native.enqueued)
        waiting = Int(native.waiting)
        inFlight = Int(native.inFlight)
        delivered = Int(native.delivered)
        dead = Int(native.dead)
        discarded = Int(native.discarded)
    }
}
