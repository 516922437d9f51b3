import Foundation
internal import SSFTransmitterFFI

/// What ``Transmitter/doctor(_:about:to:configurationURL:send:)`` checked, with the outcomes.
public struct Diagnosis: Hashable, Sendable {
    /// The outcome of a check.
    public enum Outcome: String, Hashable, Sendable, CaseIterable {
        /// All is well.
        case passed
        /// It may work, or not with every receiver.
        case warning
        /// It does not work.
        case failed
        /// It was not checked; the message says why.
        case skipped
    }

    /// One check.
    public struct Check: Hashable, Sendable {
        /// A stable name, such as `jwks-reachable`.
        public let id: String
        /// The outcome.
        public let outcome: Outcome
        /// The result, in one sentence.
        public let message: String
        /// How to fix it; empty if no action is needed.
        public let remedy: String
        /// How many seconds it took: zero for what needs no answer from elsewhere.
        public let duration: TimeInterval
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
                remedy: check.remedy, duration: check.duration)
        }
    }
}
