import Foundation
internal import SSFTransmitterFFI

/// An error about SETs, keys and receivers, with its place and remedy.
///
/// ```swift
/// do {
///     try await transmitter.emit(event, about: subject, to: acme)
/// } catch let error as SSFError where error.isRetryable {
///     print("later: \(error.code)")
/// } catch let error as SSFError where error.kind == .delivery {
///     print(error.code, error.receiverError ?? "-", error.remedy)
/// }
/// ```
///
/// Its texts are safe to log: they contain no key, token, subject or payload. A cancelled task throws `CancellationError`.
public struct SSFError: Error, Hashable, Sendable {
    /// The stable code.
    public let code: Code
    /// The group of the code.
    public let kind: Kind
    /// What went wrong, in one sentence.
    public let message: String
    /// What to do about it, in one sentence.
    public let remedy: String
    /// The place in the input: a JSON pointer (RFC 6901).
    public internal(set) var pointer: String?
    /// The HTTP status of the answer, if there was one.
    public internal(set) var status: Int?
    /// How many seconds the receiver asks to wait before the next attempt.
    public internal(set) var retryAfter: TimeInterval?
    /// The error code from the receiver, the token endpoint or the API.
    public internal(set) var receiverError: String?
    /// The explanation from the receiver, the token endpoint or the API, from any of the usual error objects, plain text, or
    /// the title of an HTML page. The other side wrote it, so no other text contains it; where it quotes the SET, its subject
    /// or a credential, it says `[redacted]`.
    public internal(set) var receiverDescription: String?
    /// Whether the same call may succeed later without changes.
    public let isRetryable: Bool
    /// All findings of lint in a SET that was not sent because of them.
    public internal(set) var findings: [Finding] = []
    /// The texts of the underlying errors, the nearest first.
    public internal(set) var causes: [String] = []

    /// A stable code, such as `event_member_missing`: match on it, log it, raise alerts by it.
    public struct Code: RawRepresentable, Codable, Hashable, Sendable, CustomStringConvertible {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }
        public var description: String { rawValue }

        struct Facts {
            let kind: Kind
            let isRetryable: Bool
            let remedy: String

            init(_ kind: Kind, _ isRetryable: Bool, _ remedy: String) {
                (self.kind, self.isRetryable, self.remedy) = (kind, isRetryable, remedy)
            }
        }
    }

    /// A group of codes. Later versions may add groups.
    public struct Kind: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }
        public var description: String { rawValue }

        /// A setting is wrong.
        public static let config = Self(rawValue: "config")
        /// A key cannot be used.
        public static let key = Self(rawValue: "key")
        /// An event, a subject, a SET or a provider breaks a rule.
        public static let validation = Self(rawValue: "validation")
        /// A signature could not be made or verified.
        public static let signing = Self(rawValue: "signing")
        /// No access token is available.
        public static let token = Self(rawValue: "token")
        /// The receiver answered, and did not accept the SET.
        public static let delivery = Self(rawValue: "delivery")
        /// The network to the receiver failed.
        public static let transport = Self(rawValue: "transport")
        /// A call to a receiver's management API failed.
        public static let api = Self(rawValue: "api")
        /// The outbox refused an entry, or cannot use what it has stored.
        public static let outbox = Self(rawValue: "outbox")
        /// The deadline passed.
        public static let deadline = Self(rawValue: "deadline")
        /// A defect of this package.
        public static let `internal` = Self(rawValue: "internal")
    }
}

extension SSFError {
    /// An error that is found here, before the core sees anything.
    init(_ code: Code, _ message: String, pointer: String? = nil, causes: [String] = []) {
        let facts = Code.facts[code] ?? Code.Facts(.internal, false, "")
        self.init(
            code: code, kind: facts.kind, message: message, remedy: facts.remedy, pointer: pointer,
            isRetryable: facts.isRetryable, causes: causes)
    }

    /// A value that JSON cannot represent.
    init(_ error: EncodingError, at prefix: String) {
        guard case .invalidValue(_, let context) = error else {
            self.init(.jsonInvalid, "JSON cannot represent this value", pointer: prefix)
            return
        }
        let place = prefix + jsonPointer(context.codingPath)
        if let refusal = context.underlyingError as? Refusal {
            self.init(refusal.code, refusal.message, pointer: place)
            return
        }
        self.init(.eventMemberType, "JSON cannot represent this value, or it is not a valid date", pointer: place)
    }

    /// Valid JSON of an unexpected type.
    init(_ error: DecodingError) {
        let path =
            switch error {
            case .keyNotFound(let name, let context): context.codingPath + [name]
            case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
                context.codingPath
            @unknown default: [any CodingKey]()
            }
        self.init(
            .eventMemberType, "not an event of the requested type", pointer: "/events" + jsonPointer(path))
    }
}

private func jsonPointer(_ path: [any CodingKey]) -> String {
    path.map { name in
        let step = name.intValue.map(String.init) ?? name.stringValue
        return "/" + step.replacingOccurrences(of: "~", with: "~0").replacingOccurrences(of: "/", with: "~1")
    }.joined()
}

extension SSFError: LocalizedError, CustomStringConvertible {
    public var errorDescription: String? { description }
    public var failureReason: String? { message }
    public var recoverySuggestion: String? { remedy }

    public var description: String {
        let place = pointer.map { " (at \($0))" } ?? ""
        return "\(message)\(place) [\(code)]"
    }
}

extension SSFError: CustomReflectable {
    public var customMirror: Mirror {
        Mirror(self, children: ["code": code.rawValue, "message": message])
    }
}

extension SSFError.Code {
    /// The group of the code.
    public var kind: SSFError.Kind { Self.facts[self]?.kind ?? .internal }
    /// Whether the same call may succeed later without changes.
    public var isRetryable: Bool { Self.facts[self]?.isRetryable ?? false }
    /// How to fix it, in one sentence.
    public var remedy: String { Self.facts[self]?.remedy ?? "" }
}

extension SSFError {
    init(_ native: SSFTransmitterFFI.Details) {
        let code = Code(rawValue: native.code)
        self.init(
            code: code, kind: Kind(rawValue: native.kind), message: native.message,
            remedy: code.remedy, pointer: native.pointer, status: native.status.map(Int.init),
            retryAfter: native.retryAfter, receiverError: native.receiverError,
            receiverDescription: native.receiverDescription, isRetryable: native.retryable,
            findings: native.findings.map(Finding.init), causes: native.causes)
    }
}
