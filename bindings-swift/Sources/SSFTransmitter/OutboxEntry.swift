import Foundation
internal import SSFTransmitterFFI

/// An event for receivers that are named: one of those that ``Outbox/enqueueMany(_:)`` accepts.
///
/// ```swift
/// let entry = OutboxEntry(
///     CAEP.SessionRevoked(), about: .email("ada@example.com"), to: ["acme", "globex"],
///     options: .init(txn: "incident-4711", priority: .high))
/// let enqueued = try await outbox.enqueueMany([entry])
/// ```
///
/// Printed, it shows the type of its event and its receivers, but not its content.
public struct OutboxEntry: Sendable {
    /// Which deliveries to a receiver go first. Those of equal priority go in the order in which they were enqueued.
    public enum Priority: String, Hashable, Sendable, CaseIterable {
        /// Before all others.
        case high
        /// The default.
        case normal
        /// After all others: backfills, for example.
        case low
    }

    /// What can be set of an entry.
    public struct Options: Sendable {
        /// The transaction: the same value in all SETs with the same cause.
        public var txn: String?
        /// The time of the event, `toe`.
        public var eventTime: Date?
        /// The id of the SET, for an entry with a single receiver; random if it is `nil`.
        public var jti: String?
        /// Additional events in the same SET, for receivers that accept companions.
        public var companions: [any SecurityEvent]
        /// Makes a second enqueue with the same key return the first entry.
        public var idempotencyKey: String?
        /// Nothing is sent before this time.
        public var notBefore: Date?
        /// How many seconds a delivery may wait before it expires: 24 hours by default, 14 days at most.
        public var maxAge: TimeInterval?
        /// Which deliveries to a receiver go first.
        public var priority: Priority
        /// Discards deliveries to the same receiver with the same key that are not sent yet.
        public var supersedes: String?
        /// Whether it is sent after the earlier ordered entries about the same subject, receiver by receiver.
        public var isOrdered: Bool

        public init(
            txn: String? = nil, eventTime: Date? = nil, jti: String? = nil, companions: [any SecurityEvent] = [],
            idempotencyKey: String? = nil, notBefore: Date? = nil, maxAge: TimeInterval? = nil,
            priority: Priority = .normal, supersedes: String? = nil, isOrdered: Bool = false
        ) {
            self.txn = txn
            self.eventTime = eventTime
            self.jti = jti
            self.companions = companions
            self.idempotencyKey = idempotencyKey
            self.notBefore = notBefore
            self.maxAge = maxAge
            self.priority = priority
            self.supersedes = supersedes
            self.isOrdered = isOrdered
        }
    }

    /// The event.
    public var event: any SecurityEvent
    /// The subject; `nil` if the event contains it, or has no subject.
    public var subject: Subject?
    /// The names of the receivers. The worker looks them up when it sends.
    public var receivers: [String]
    /// The other settings.
    public var options: Options

    public init(
        _ event: any SecurityEvent, about subject: Subject?, to receivers: [String], options: Options = Options()
    ) {
        self.event = event
        self.subject = subject
        self.receivers = receivers
        self.options = options
    }

    /// The entry as JSON, to keep it in a table of your own until ``Outbox/enqueueJSON(_:)`` accepts it.
    ///
    /// An entry without an idempotency key gets a random one, so an entry that is enqueued twice is delivered once. The text
    /// contains the subject in clear.
    ///
    /// - Throws: ``SSFError``: of the kind `validation` if event or subject violate a rule, or with the code
    ///   `outbox_entry_invalid`.
    public func json() throws -> String {
        let entry = try crossing()
        return try SSFTransmitter.native { try outboxEntryJson(entry: entry) }
    }

    /// As it crosses to the core.
    func crossing() throws -> SSFTransmitterFFI.OutboxEntry {
        let native = EntryOptions(
            txn: options.txn, toe: options.eventTime?.timeIntervalSince1970, jti: options.jti,
            companions: try options.companions.map { try $0.json() }, idempotencyKey: options.idempotencyKey,
            notBefore: options.notBefore?.timeIntervalSince1970, maxAge: options.maxAge,
            priority: options.priority.rawValue, supersedes: options.supersedes, ordered: options.isOrdered)
        return .init(event: try event.json(), subject: try subject?.crossing(), to: receivers, options: native)
    }
}

extension OutboxEntry: CustomStringConvertible, CustomReflectable {
    public var description: String { "OutboxEntry(\(event), to: \(receivers))" }
    public var customMirror: Mirror { Mirror(self, children: ["event": event, "receivers": receivers]) }
}

extension OutboxEntry.Options: CustomStringConvertible, CustomReflectable {
    public var description: String { "Options(…)" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// What an outbox accepted.
public struct Enqueued: Hashable, Sendable {
    /// The ids of the SETs, in the order of the receivers.
    public let jtis: [String]
    /// Whether an earlier entry with the same idempotency key is meant.
    public let isRepeated: Bool
    /// What lint reports, if the outbox has an issuer and receivers.
    public let findings: [Finding]

    init(_ native: SSFTransmitterFFI.Enqueued) {
        (jtis, isRepeated) = (native.jtis, native.repeated)
        findings = native.findings.map(Finding.init)
    }
}
