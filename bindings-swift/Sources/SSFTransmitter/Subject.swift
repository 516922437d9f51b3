import Foundation
internal import SSFTransmitterFFI

/// A subject identifier: whom or what an event is about (RFC 9493, SSF 1.0 §3).
///
/// ```swift
/// let user = Subject.email("ada@example.com")
/// let both = Subject.complex(user: user, device: .opaque("laptop-7"))
/// ```
///
/// Encoded, it is as it is sent. Printed, it shows its format and nothing else.
public struct Subject: Hashable, Sendable {
    /// The members, `format` among them, as they are sent.
    public private(set) var members: [String: JSONValue]
    /// Whether it has, or holds, a format that the parties agreed on.
    let privateFormats: Bool

    /// A subject in a private format that the parties agreed on (SSF 1.0 §3.4). Without this, unknown formats are refused.
    public static func custom(format: String, members: [String: JSONValue]) -> Self {
        Self(members: members.merging(["format": .string(format)]) { _, format in format }, privateFormats: true)
    }

    /// The format, such as `email`.
    public var format: String { members["format"]?.string ?? "" }

    /// Checks the subject: format, members and their values. Sending does this too.
    ///
    /// - Throws: ``SSFError`` with a pointer to the member.
    public func validate() throws {
        let subject = try crossing()
        try native { try checkSubject(subject: subject) }
    }

    /// As it crosses to the core.
    func crossing() throws -> SSFTransmitterFFI.Subject {
        do {
            return .init(json: try encoded(self, outer: 1), privateFormats: privateFormats)
        } catch let error as EncodingError {
            throw SSFError(error, at: "")
        }
    }

    /// For the generated constructors.
    static func of(
        format: String, _ parts: [(name: String, part: Part?)], _ others: [String: Part] = [:]
    ) -> Self {
        let named = parts.compactMap { name, part in part.map { (name, $0) } }
        let all = others.merging(named) { _, named in named }
        let members = all.mapValues(\.value).merging(["format": .string(format)]) { _, format in format }
        return Self(members: members, privateFormats: all.values.contains(where: \.privateFormats))
    }

    /// The value of a member.
    struct Part {
        let value: JSONValue
        var privateFormats = false

        init(_ value: JSONValue) { self.value = value }
        init?(_ text: String?) {
            guard let text else { return nil }
            value = .string(text)
        }
        init(_ texts: [String]) { value = .array(texts.map { .string($0) }) }
        init(_ subjects: [Subject]) {
            value = .array(subjects.map { .object($0.members) })
            privateFormats = subjects.contains(where: \.privateFormats)
        }
        init?(_ subject: Subject?) {
            guard let subject else { return nil }
            self.init(subject)
        }
        init(_ subject: Subject) {
            value = .object(subject.members)
            privateFormats = subject.privateFormats
        }
    }
}

extension Subject: Codable {
    /// Reads a subject as it is sent. Private formats are for ``custom(format:members:)``: what is read is refused when
    /// it is checked or sent, if its format is not known.
    public init(from decoder: any Decoder) throws {
        self.init(members: try [String: JSONValue](from: decoder), privateFormats: false)
    }

    public func encode(to encoder: any Encoder) throws {
        try members.encode(to: encoder)
    }
}

extension Subject: CustomStringConvertible, CustomReflectable {
    public var description: String { "Subject(\(format), …)" }
    public var customMirror: Mirror { Mirror(self, children: ["format": format]) }
}
