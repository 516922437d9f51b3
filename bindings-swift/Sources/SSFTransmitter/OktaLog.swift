import Foundation
internal import SSFTransmitterFFI

extension OktaProviders {
    /// Searches the org's System Log for a SET that it answered with 202.
    ///
    /// Okta accepts SETs that it then drops. The token needs the scope `okta.logs.read`; one that may also read the
    /// providers makes causes certain.
    ///
    /// ```swift
    /// let reception = try await providers.received(receipt, deadline: 60)
    /// for cause in reception.causes { print(reception.outcome, cause.meaning, cause.remedy) }
    /// ```
    ///
    /// - Parameter deadline: How long to search, by default the deadline of any call.
    /// - Throws: ``SSFError`` of the kind `api` if the log could not be read.
    public func received(_ receipt: Receipt, deadline: TimeInterval? = nil) async throws -> Reception {
        try await received(receipt.set, answeredAt: receipt.answeredAt, deadline: deadline)
    }

    /// The same for a SET that another process has sent, and the time of the answer.
    public func received(
        _ set: SignedSET, answeredAt: Date, deadline: TimeInterval? = nil
    ) async throws -> Reception {
        Reception(
            try await SSFTransmitter.native {
                try await native.received(
                    set: set.native, answeredAt: answeredAt.timeIntervalSince1970, deadline: deadline, cancellation: $0)
            })
    }

    /// The org's System Log, the oldest entry first. The token needs the scope `okta.logs.read`.
    ///
    /// ```swift
    /// for try await event in providers.log(since: Date(timeIntervalSinceNow: -3600)) {
    ///     print(event.uuid, event.eventType)
    /// }
    /// ```
    ///
    /// An invalid query throws at the first entry. Each page is read within the deadline.
    ///
    /// - Parameters:
    ///   - since: The start.
    ///   - until: The end. Without it, the log may be followed.
    ///   - eventTypes: The types of entries; by default, those about SETs and user risk; an empty list means
    ///     all types.
    ///   - pageSize: Entries per page, 1 to 1000.
    ///   - follow: Wait at the end for new entries, and poll at this interval in seconds.
    public func log(
        since: Date, until: Date? = nil, eventTypes: [String]? = nil, pageSize: Int = 100, follow: TimeInterval? = nil
    ) -> OktaLog {
        OktaLog(
            native: native,
            options: LogOptions(
                since: since.timeIntervalSince1970, until: until?.timeIntervalSince1970, eventTypes: eventTypes,
                pageSize: Int64(pageSize), follow: follow))
    }
}

/// The entries of a System Log: `log` of ``OktaProviders`` gives it. Each iteration reads it from the beginning.
public struct OktaLog: AsyncSequence, Sendable {
    public typealias Element = LogEvent

    let native: SSFTransmitterFFI.Providers
    let options: LogOptions

    public func makeAsyncIterator() -> Iterator { Iterator(native: native, options: options) }

    public struct Iterator: AsyncIteratorProtocol {
        let native: SSFTransmitterFFI.Providers
        let options: LogOptions
        var pager: SSFTransmitterFFI.LogPager?

        init(native: SSFTransmitterFFI.Providers, options: LogOptions) {
            (self.native, self.options) = (native, options)
        }

        public mutating func next() async throws -> LogEvent? {
            let pager = try self.pager ?? SSFTransmitter.native { try native.log(options: options) }
            self.pager = pager
            return try await SSFTransmitter.native { try await pager.next(cancellation: $0) }.map(LogEvent.init)
        }
    }
}

/// An entry of Okta's System Log. A member that is missing, or has an undocumented type, is `nil`.
///
/// An entry contains personal data, which `description` does not show.
public struct LogEvent: Hashable, Sendable {
    /// An actor or a target.
    public struct Entity: Hashable, Sendable {
        /// The id.
        public let id: String?
        /// What it is, such as `User`.
        public let type: String?
        /// The alternate id; for a user, the sign-in name.
        public let alternateID: String?
        /// The name for people.
        public let displayName: String?
    }

    /// The id of the entry, empty if it has none.
    public let uuid: String
    /// The time of the entry.
    public let published: Date?
    /// What happened, such as `security.events.provider.receive_event`; empty if it does not say.
    public let eventType: String
    /// `DEBUG`, `INFO`, `WARN` or `ERROR`.
    public let severity: String?
    /// What happened, for people.
    public let displayMessage: String?
    /// The result, such as `SUCCESS`.
    public let result: String?
    /// The reason for the result.
    public let reason: String?
    /// The actor.
    public let actor: Entity?
    /// The targets.
    public let targets: [Entity]
    /// The complete entry as received, as JSON.
    public let json: String
    private let debugDataJSON: String?

    /// The complete entry, as received.
    ///
    /// - Throws: ``SSFError`` with the code `json_invalid` if it contains a number that Swift cannot represent.
    public func members() throws -> [String: JSONValue] { try object(json) }

    /// Okta's debug data. Its members are not documented.
    ///
    /// - Throws: ``SSFError`` with the code `json_invalid` if it contains a number that Swift cannot represent.
    public func debugData() throws -> [String: JSONValue]? { try debugDataJSON.map(object) }

    init(_ native: SSFTransmitterFFI.LogEvent) {
        uuid = native.uuid
        published = native.published.map(Date.init(timeIntervalSince1970:))
        eventType = native.eventType
        severity = native.severity
        displayMessage = native.displayMessage
        result = native.result
        reason = native.reason
        actor = native.actor.map(Entity.init)
        targets = native.targets.map(Entity.init)
        json = native.json
        debugDataJSON = native.debugData
    }
}

extension LogEvent.Entity {
    init(_ native: SSFTransmitterFFI.LogEntity) {
        self.init(
            id: native.id, type: native.kind, alternateID: native.alternateId, displayName: native.displayName)
    }
}

extension LogEvent: CustomStringConvertible, CustomReflectable {
    public var description: String { "LogEvent(\(uuid) \(eventType))" }
    public var customMirror: Mirror { Mirror(self, children: ["uuid": uuid, "eventType": eventType]) }
}

extension LogEvent.Entity: CustomStringConvertible, CustomReflectable {
    public var description: String { "Entity(\(type ?? "…"))" }
    public var customMirror: Mirror { Mirror(self, children: ["type": type as Any]) }
}

/// The reception of a SET in an org, returned by `received` of ``OktaProviders``.
public struct Reception: Sendable {
    /// The outcome for a SET.
    public struct Outcome: OpenValue {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }

        /// It arrived, and Okta evaluated the risk of its user afterwards.
        public static let judged: Self = "judged"
        /// It arrived.
        public static let arrived: Self = "arrived"
        /// It was not seen, for a certain cause.
        public static let dropped: Self = "dropped"
        /// It was not seen by the deadline.
        public static let notSeen: Self = "not-seen"
    }

    /// The certainty that an entry is about the SET. Okta documents no member for the `jti`.
    public struct Certainty: OpenValue {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }

        /// It names the `jti`.
        public static let exact: Self = "exact"
        /// It names the provider and the user, and the time matches.
        public static let likely: Self = "likely"
        /// The time matches, and the entry names no other user or provider.
        public static let possible: Self = "possible"
    }

    /// Why a SET may not have arrived.
    public struct Cause: Hashable, Sendable {
        /// The id of a cause, such as ``userUnknown``.
        public struct ID: RawRepresentable, Codable, Hashable, Sendable, CustomStringConvertible {
            public let rawValue: String
            public init(rawValue: String) { self.rawValue = rawValue }
            public var description: String { rawValue }
        }

        /// Which one.
        public let id: ID
        /// Whether the cause is certain, not just possible.
        public let isCertain: Bool
        /// What it is, in one sentence or two.
        public let meaning: String
        /// How to fix it.
        public let remedy: String
    }

    /// The outcome.
    public let outcome: Outcome
    /// The certainty that the entries are about the SET; `nil` if there are none.
    public let certainty: Certainty?
    /// The entries about the arrival and the risk evaluation.
    public let events: [LogEvent]
    /// Why it may not have arrived: certain causes first, then likely ones. Empty if it arrived.
    public let causes: [Cause]

    init(_ native: SSFTransmitterFFI.Reception) {
        outcome = Outcome(rawValue: native.outcome)
        certainty = native.certainty.map(Certainty.init(rawValue:))
        events = native.events.map(LogEvent.init)
        causes = native.causes.map { cause in
            Cause(
                id: Cause.ID(rawValue: cause.id), isCertain: cause.certain, meaning: cause.meaning,
                remedy: cause.remedy)
        }
    }
}
