import Foundation
internal import SSFTransmitterFFI

/// The audience of SETs: one string, or a list of strings.
public enum Audience: Hashable, Sendable, ExpressibleByStringLiteral, ExpressibleByArrayLiteral {
    case one(String)
    case several([String])

    public init(stringLiteral value: String) { self = .one(value) }
    public init(arrayLiteral elements: String...) { self = .several(elements) }

    var native: SSFTransmitterFFI.Audience {
        switch self {
        case .one(let value): .one(value: value)
        case .several(let values): .several(values: values)
        }
    }
}

/// The requirements of one kind of receiver for SETs.
public struct Dialect: Sendable {
    let native: SSFTransmitterFFI.Dialect

    /// The ids of the built-in dialects.
    public static var ids: [String] { dialectIds() }

    /// A built-in dialect, such as `okta`.
    public init(_ id: String) throws {
        native = try SSFTransmitter.native { try .builtIn(id: id) }
    }

    /// A custom dialect, in the format of the built-in ones.
    public init(toml: String) throws {
        native = try SSFTransmitter.native { try .fromToml(text: toml) }
    }

    init(native: SSFTransmitterFFI.Dialect) { self.native = native }

    /// This dialect with some settings changed.
    public func extended(toml: String) throws -> Self {
        Self(native: try SSFTransmitter.native { try native.extended(text: toml) })
    }

    /// Its id.
    public var id: String { native.id() }
    /// Its title.
    public var title: String { native.title() }
    /// Where its rules are documented.
    public var source: String { native.source() }
}

/// The unit of the times of events, such as `event_timestamp`.
public enum TimeUnit: String, Hashable, Sendable, CaseIterable {
    case seconds = "s"
    case milliseconds = "ms"
}

/// The form of the subject inside an event.
public enum SubjectShape: String, Hashable, Sendable, CaseIterable {
    /// As RFC 9493 has it: every object with `format`.
    case modern
    /// A complex subject without `format` on the outer object, as in SSE drafts.
    case bareComplex = "bare-complex"
    /// `subject_type` instead of `format`, and `iss-sub` with a hyphen, as in RISC drafts.
    case legacy
}

/// Client credentials, and the endpoint that issues access tokens for them (RFC 6749 §4.4).
public struct ClientCredentials: Sendable {
    /// How a client names itself.
    public enum Authentication: Sendable {
        /// With its secret, by HTTP Basic: `client_secret_basic`.
        case basic(secret: String)
        /// With its secret, in the form: `client_secret_post`.
        case body(secret: String)
        /// With a JWT that this key signs: `private_key_jwt` (RFC 7523 §2.2).
        case key(SigningKey)
    }

    private let tokenURL: String
    private let clientID: String
    private let authentication: Authentication
    private let parameters: [(name: String, value: String)]

    /// Credentials for the token endpoint at `tokenURL`. Further parameters of the request are such as `resource`.
    public init(
        tokenURL: String, clientID: String, _ authentication: Authentication, scope: String? = nil,
        audience: String? = nil, parameters: [String: String] = [:]
    ) {
        self.tokenURL = tokenURL
        self.clientID = clientID
        self.authentication = authentication
        let named = [("scope", scope), ("audience", audience)].compactMap { name, value in value.map { (name, $0) } }
        self.parameters = named + parameters.sorted(by: <).map { ($0.key, $0.value) }
    }

    /// Credentials for a token endpoint.
    public init(
        tokenURL: URL, clientID: String, _ authentication: Authentication, scope: String? = nil,
        audience: String? = nil, parameters: [String: String] = [:]
    ) {
        self.init(
            tokenURL: tokenURL.absoluteString, clientID: clientID, authentication, scope: scope, audience: audience,
            parameters: parameters)
    }

    var native: SSFTransmitterFFI.ClientCredentials {
        let client: ClientProof =
            switch authentication {
            case .basic(let secret): .basic(secret: secret)
            case .body(let secret): .body(secret: secret)
            case .key(let key): .key(key: key.native)
            }
        return .init(
            tokenUrl: tokenURL, clientId: clientID, client: client,
            parameters: parameters.map { Parameter(name: $0.name, value: $0.value) })
    }
}

extension ClientCredentials: CustomStringConvertible, CustomReflectable {
    public var description: String { "ClientCredentials(\(clientID), …)" }
    public var customMirror: Mirror { Mirror(self, children: ["clientID": clientID]) }
}

extension ClientCredentials.Authentication: CustomStringConvertible, CustomReflectable {
    public var description: String { "Authentication(…)" }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// How the sender authorizes.
public enum Authorization: Sendable {
    /// No authorization: only the SET is signed.
    case none
    /// With a bearer token that does not change.
    case bearer(String)
    /// With this value of the header `Authorization`.
    case header(String)
    /// With access tokens, requested with these credentials.
    case clientCredentials(ClientCredentials)

    var native: SSFTransmitterFFI.Credentials {
        switch self {
        case .none: .none
        case .bearer(let token): .bearer(token: token)
        case .header(let value): .header(value: value)
        case .clientCredentials(let credentials): .client(credentials: credentials.native)
        }
    }
}

extension Authorization: CustomStringConvertible, CustomReflectable {
    public var description: String { "Authorization(…)" }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// The destination of SETs: push endpoint, audience, dialect and authorization. Cheap to copy, even by the thousands.
///
/// ```swift
/// let acme = try Receiver.okta("https://acme.okta.com")
/// let any = try Receiver(endpoint: "https://receiver.example.net/events", audience: "https://receiver.example.net")
/// ```
public struct Receiver: Sendable {
    let native: SSFTransmitterFFI.Receiver

    /// The settings of any receiver.
    public struct Options: Sendable {
        /// Allows loopback addresses, and plain http to them, for tests.
        public var allowsLoopback: Bool
        /// Maximum number of concurrent deliveries; 16 if it is `nil`. Others wait.
        public var concurrency: Int?
        /// Maximum number of requests per second; unlimited if it is `nil`.
        public var rateLimit: Double?
        /// The unit of event times, if it differs from the dialect.
        public var timeUnit: TimeUnit?
        /// The form of the subject inside the event, if it differs from the dialect. A dialect that
        /// leaves the form to each event, such as `ssf-1.0`, does not accept this setting.
        public var subjectShape: SubjectShape?

        public init(
            allowsLoopback: Bool = false, concurrency: Int? = nil, rateLimit: Double? = nil, timeUnit: TimeUnit? = nil,
            subjectShape: SubjectShape? = nil
        ) {
            self.allowsLoopback = allowsLoopback
            self.concurrency = concurrency
            self.rateLimit = rateLimit
            self.timeUnit = timeUnit
            self.subjectShape = subjectShape
        }
    }

    /// A receiver by the https URL of its push endpoint, and its audience exactly as it documents it. Without `dialect` it
    /// is `ssf-1.0`.
    public init(
        endpoint: String, audience: Audience, dialect: Dialect? = nil, authorization: Authorization = .none,
        options: Options = Options()
    ) throws {
        try self.init(
            .any(endpoint: endpoint), audience: audience, dialect: dialect, authorization: authorization,
            options: options)
    }

    /// A receiver by the https URL of its push endpoint.
    public init(
        endpoint: URL, audience: Audience, dialect: Dialect? = nil, authorization: Authorization = .none,
        options: Options = Options()
    ) throws {
        try self.init(
            endpoint: endpoint.absoluteString, audience: audience, dialect: dialect, authorization: authorization,
            options: options)
    }

    /// An Okta org: the URL where its users sign in, such as `https://acme.okta.com`. It is the audience too, unless an
    /// org wants another.
    public static func okta(
        _ org: String, audience: Audience? = nil, options: Options = Options()
    ) throws -> Self {
        try Self(.okta(org: org), audience: audience, dialect: nil, authorization: .none, options: options)
    }

    /// An Okta org: the URL where its users sign in, without a trailing slash.
    public static func okta(_ org: URL, audience: Audience? = nil, options: Options = Options()) throws -> Self {
        try okta(org.absoluteString, audience: audience, options: options)
    }

    /// GOV.UK One Login, with the inbound URL and the audience from its team.
    public static func govUKOneLogin(
        _ inbound: String, audience: Audience, credentials: ClientCredentials, options: Options = Options()
    ) throws -> Self {
        try Self(
            .govUkOneLogin(inbound: inbound), audience: audience, dialect: nil,
            authorization: .clientCredentials(credentials), options: options)
    }

    private init(
        _ address: Address, audience: Audience?, dialect: Dialect?, authorization: Authorization, options: Options
    ) throws {
        let settings = ReceiverSettings(
            address: address, audience: audience?.native, dialect: dialect?.native,
            timeUnit: options.timeUnit?.rawValue, subjectShape: options.subjectShape?.rawValue,
            credentials: authorization.native, allowLoopback: options.allowsLoopback,
            concurrency: options.concurrency.map(Int64.init), rateLimit: options.rateLimit)
        native = try SSFTransmitter.native { try .build(settings: settings) }
    }

    init(native: SSFTransmitterFFI.Receiver) { self.native = native }

    /// The host of its push endpoint.
    public var host: String { native.host() }

    /// Its audience.
    public var audience: Audience {
        let values = native.audience()
        return values.count == 1 ? .one(values[0]) : .several(values)
    }

    /// Its dialect.
    public var dialect: Dialect { Dialect(native: native.dialect()) }
}

extension Receiver: CustomStringConvertible, CustomReflectable {
    public var description: String { "Receiver(\(host))" }
    public var customMirror: Mirror { Mirror(self, children: ["host": host]) }
}
