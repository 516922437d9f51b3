import Foundation
internal import SSFTransmitterFFI

/// The conditions of the OpenID conformance suite, checked without it.
public enum Conformance {
    /// One condition, and whether it is met.
    public struct Condition: Hashable, Sendable {
        /// The id of the condition.
        public let id: String
        /// The condition.
        public let demand: String
        /// Whether it is met.
        public let holds: Bool

        init(_ native: SSFTransmitterFFI.Condition) {
            (id, demand, holds) = (native.id, native.demand, native.holds)
        }
    }

    /// The stream that SETs are checked against.
    public struct Stream: Hashable, Sendable {
        public var issuer: String
        public var audience: String
        public var id: String?
        public var state: String?

        public init(issuer: String, audience: String, id: String? = nil, state: String? = nil) {
            (self.issuer, self.audience, self.id, self.state) = (issuer, audience, id, state)
        }
    }

    /// Checks a SET; `now` is the current time if it is `nil`.
    public static func check(set compact: String, of stream: Stream, now: Date? = nil) throws -> [Condition] {
        let stream = SSFTransmitterFFI.Stream(
            issuer: stream.issuer, audience: stream.audience, id: stream.id, state: stream.state)
        return try native {
            try conformanceOfSet(compact: compact, stream: stream, now: now?.timeIntervalSince1970)
        }.map(Condition.init)
    }

    /// Checks the transmitter configuration at `url`.
    public static func check(configuration document: String, at url: String) -> [Condition] {
        conformanceOfConfiguration(document: document, url: url).map(Condition.init)
    }

    /// Checks the answer of a token endpoint.
    public static func check(tokenAnswer answer: String) -> [Condition] {
        conformanceOfToken(answer: answer).map(Condition.init)
    }
}
