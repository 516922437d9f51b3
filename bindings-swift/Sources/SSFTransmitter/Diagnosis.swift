internal import SSFTransmitterFFI

/// What ``Transmitter/doctor(_:about:to:configurationURL:send:)`` checked, and how it came out.
public struct Diagnosis: Hashable, Sendable {
    /// How a check came out.
    public enum Outcome: String, Hashable, Sendable, CaseIterable {
        /// All is well.
        case passed
        /// It may work, or not with every receiver.
        case warning
        /// It does not work.
        case failed
        /// It was not looked at; the message says why.
        case skipped
    }

    /// One check.
    public struct Check: Hashable, Sendable {
        /// A stable name, such as `jwks-reachable`.
        public let id: String
        /// How it came out.
        public let outcome: Outcome
        /// What was found, in one sentence.
        public let message: String
        /// What to do about it; empty where nothing is to be done.
        public let remedy: String
    }

    /// All checks, in the order in which things are needed.
    public let checks: [Check]

    /// Whether nothing failed.
    public var isHealthy: Bool { checks.allSatisfy { $0.outcome != .failed } }

    /// The check with this id.
    public subscript(id: String) -> Check? { checks.first { $0.id == id } }

    init(_ native: [SSFTransmitterFFI.Check]) {
        checks = native.map { check in
            Check(
                id: check.id, outcome: Outcome(rawValue: check.outcome) ?? .failed, message: check.message,
                remedy: check.remedy)
        }
    }
}
