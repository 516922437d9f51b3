import Foundation
internal import SSFTransmitterFFI

/// The settings of one emit.
public struct EmitOptions: Sendable {
    /// The transaction: the same value in all SETs with the same cause.
    public var txn: String?
    /// The time of the event, `toe`.
    public var eventTime: Date?
    /// The id of the SET, for callers that keep their own.
    public var jti: String?
    /// Additional events in the same SET, for receivers that accept companions.
    public var companions: [any SecurityEvent]
    /// How long it may take, in seconds.
    public var deadline: TimeInterval?
    /// The retry policy; a member that is not set keeps the value of the transmitter.
    public var retry: RetryPolicy?
    /// How findings are handled.
    public var lint: LintPolicy?

    public init(
        txn: String? = nil, eventTime: Date? = nil, jti: String? = nil, companions: [any SecurityEvent] = [],
        deadline: TimeInterval? = nil, retry: RetryPolicy? = nil, lint: LintPolicy? = nil
    ) {
        self.txn = txn
        self.eventTime = eventTime
        self.jti = jti
        self.companions = companions
        self.deadline = deadline
        self.retry = retry
        self.lint = lint
    }

    /// Options with a deadline, and nothing else set.
    @available(macOS 13, *)
    public static func deadline(_ deadline: Duration) -> Self {
        Self(deadline: deadline.timeInterval)
    }
}

/// One of many: an event for a subject to a receiver.
public struct Emission: Sendable {
    /// The event.
    public var event: any SecurityEvent
    /// The subject; `nil` if the event contains it, or has no subject.
    public var subject: Subject?
    /// The receiver.
    public var receiver: Receiver
    /// The other settings.
    public var options: EmitOptions

    public init(
        _ event: any SecurityEvent, about subject: Subject?, to receiver: Receiver,
        options: EmitOptions = EmitOptions()
    ) {
        self.event = event
        self.subject = subject
        self.receiver = receiver
        self.options = options
    }

    /// As it crosses to the core.
    func crossing(limit: RequestLimit?) throws -> SSFTransmitterFFI.Emission {
        let native = SSFTransmitterFFI.EmitOptions(
            txn: options.txn, toe: options.eventTime?.timeIntervalSince1970, jti: options.jti,
            companions: try options.companions.map { try $0.json() },
            policy: policy(deadline: options.deadline, retry: options.retry), lint: options.lint?.native,
            limit: limit)
        return .init(
            event: try event.json(), subject: try subject?.crossing(), to: receiver.native, options: native)
    }
}
