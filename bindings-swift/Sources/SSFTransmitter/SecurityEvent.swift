import Foundation
internal import SSFTransmitterFFI

/// A text in one or more languages, by BCP 47 tag: `["en": "Laptop lost"]`.
public typealias LocalizedText = [String: String]

/// An event. Those of the catalogue are ``CAEP``, ``RISC``, ``SSF``, ``Okta``, ``GOVUK``, ``LoginGov``,
/// ``SCIM`` and ``OAuth``; any other is a ``CustomEvent``.
///
/// Encoded, an event is its members as they are sent. Printed, it shows its type and no content: events hold personal data.
public protocol SecurityEvent: Codable, Hashable, Sendable, CustomStringConvertible, CustomReflectable {
    /// The event type URI.
    var uri: String { get }
}

/// An event of the catalogue.
public protocol CatalogueEvent: SecurityEvent {
    /// The catalogue's id, such as `caep.session-revoked`.
    static var id: String { get }
    /// The event type URI. Variable parts are in braces.
    static var uri: String { get }
    /// Members that the definition does not name, as they are sent.
    var otherMembers: [String: JSONValue] { get set }
}

extension CatalogueEvent {
    public var uri: String { Self.uri }
}

extension SecurityEvent {
    /// Reads an event from the form that it has in a SET, `{ URI: members }`, and checks it by its definition.
    ///
    /// ```swift
    /// let event = try CAEP.SessionRevoked(json: """
    ///     { "https://schemas.openid.net/secevent/caep/event-type/session-revoked": { "event_timestamp": 1767225600 } }
    ///     """)
    /// ```
    ///
    /// - Throws: ``SSFError`` if it is another event, or not well formed.
    public init(json: String) throws {
        try native { try checkEvent(json: json) }
        do {
            self = try JSONDecoder().decode(Enveloped<Self>.self, from: Data(json.utf8)).event
        } catch let error as DecodingError {
            throw SSFError(error)
        }
    }

    /// The event in the form that it has in a SET: `{ URI: members }`.
    ///
    /// - Throws: ``SSFError`` if a date or a number in it is none that JSON has.
    public func json() throws -> String {
        do {
            return try encoded(Enveloped(event: self), outer: 1)
        } catch let error as EncodingError {
            throw SSFError(error, at: "/events")
        }
    }

    /// Checks the event against its definition: required members, types, values, units. Sending does this too.
    ///
    /// - Throws: ``SSFError`` with a pointer into the SET: `/events/<URI>/<member>`.
    public func validate() throws {
        let json = try json()
        try native { try checkEvent(json: json) }
    }

    public var description: String { "\(Self.self)(…)" }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// An event under its URI.
struct Enveloped<Event: SecurityEvent>: Codable {
    let event: Event

    init(event: Event) { self.event = event }

    init(from decoder: any Decoder) throws {
        let events = try decoder.container(keyedBy: MemberName.self)
        guard let uri = events.allKeys.first, events.allKeys.count == 1 else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: [], debugDescription: "an event is an object with one member, named by its URI"))
        }
        event = try events.decode(Event.self, forKey: uri)
        guard event.uri == uri.stringValue else {
            throw DecodingError.typeMismatch(
                Event.self, .init(codingPath: [uri], debugDescription: "not an event of this type"))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var events = encoder.container(keyedBy: MemberName.self)
        try events.encode(event, forKey: MemberName(event.uri))
    }
}

/// The JSON text of a value that is nested in `outer` objects of a SET.
func encoded(_ value: some Encodable, outer: Int = 0) throws -> String {
    let encoder = JSONEncoder()
    encoder.userInfo[.outer] = outer
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
}

/// An event outside the catalogue, or a catalogue event whose members you already have as JSON.
///
/// ```swift
/// let event = CustomEvent(uri: "https://edr.example.com/events/quarantine", claims: ["host": "laptop-7"])
/// ```
///
/// An event of the catalogue is checked by its definition nevertheless.
public struct CustomEvent: SecurityEvent {
    /// The event type URI.
    public var uri: String
    /// The members, as they are sent.
    public var claims: [String: JSONValue]

    public init(uri: String, claims: [String: JSONValue] = [:]) {
        self.uri = uri
        self.claims = claims
    }

    public init(from decoder: any Decoder) throws {
        guard let uri = decoder.codingPath.last?.stringValue else {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath,
                    debugDescription: "a custom event is decoded with its URI above it, by init(json:)"))
        }
        self.init(uri: uri, claims: try [String: JSONValue](from: decoder))
    }

    public func encode(to encoder: any Encoder) throws {
        try claims.encode(to: encoder)
    }
}

/// A value of a list that is open: beside those that are known, the parties may agree on others.
///
/// ```swift
/// let reason: TokenRevokedReason = .inactive
/// let ours: TokenRevokedReason = "stolen"
/// ```
public protocol OpenValue: RawRepresentable, Codable, Hashable, Sendable, ExpressibleByStringLiteral
where RawValue == String {
    init(rawValue: String)
}

extension OpenValue {
    public init(stringLiteral value: String) { self.init(rawValue: value) }
}
