import Foundation
internal import SSFTransmitterFFI

/// The security events providers of an Okta org: who may send it SETs.
///
/// ```swift
/// let providers = try OktaProviders(org: "https://acme.okta.com", .apiToken(token))
/// let provider = try await providers.ensure(
///     OktaProvider.Draft(name: "Example EDR", type: "example-edr", .wellKnown(configuration.url.absoluteString)))
/// ```
///
/// Each call ends within the deadline, and is retried if that is safe.
public struct OktaProviders: Sendable {
    /// How to authorize at an org.
    public enum Credentials: Sendable {
        /// With an API token of the org: `SSWS`.
        case apiToken(String)
        /// With an access token that has the scope `okta.securityEventsProviders.manage`, and for the log `okta.logs.read`.
        case bearer(String)
        /// With access tokens for an API services app of the org.
        case clientCredentials(ClientCredentials)

        var native: OrgCredentials {
            switch self {
            case .apiToken(let token): .ssws(token: token)
            case .bearer(let token): .bearer(token: token)
            case .clientCredentials(let credentials): .client(credentials: credentials.native)
            }
        }
    }

    let native: SSFTransmitterFFI.Providers

    /// The providers of an org, by the URL where its users sign in. A call has 30 seconds unless `deadline` is set.
    /// `allowsLoopback` is for tests.
    public init(
        org: String, _ credentials: Credentials, deadline: TimeInterval? = nil, retry: RetryPolicy = RetryPolicy(),
        network: Network = Network(), allowsLoopback: Bool = false
    ) throws {
        let settings = OrgSettings(
            org: org, credentials: credentials.native, policy: policy(deadline: deadline, retry: retry),
            network: network.native, allowLoopback: allowsLoopback)
        native = try SSFTransmitter.native { try .build(settings: settings) }
    }

    /// Registers a provider. Okta makes it active.
    public func create(_ draft: OktaProvider.Draft) async throws -> OktaProvider {
        try await one { try await native.create(wanted: draft.native, cancellation: $0) }
    }

    /// Makes sure that there is a provider with these settings. Calling it repeatedly is safe.
    public func ensure(_ draft: OktaProvider.Draft) async throws -> OktaProvider {
        try await one { try await native.ensure(wanted: draft.native, cancellation: $0) }
    }

    /// Replaces name, type and settings of a provider.
    public func replace(id: String, with draft: OktaProvider.Draft) async throws -> OktaProvider {
        try await one { try await native.replace(id: id, wanted: draft.native, cancellation: $0) }
    }

    /// Changes some settings of a provider: reads it, and replaces it if they differ. Okta has no conditional
    /// replacement: of two concurrent changes, the later one wins.
    public func update(
        id: String, name: String? = nil, type: String? = nil, settings: OktaProvider.Draft.Settings? = nil
    ) async throws -> OktaProvider {
        let change = Change(name: name, kind: type, settings: settings?.native)
        return try await one { try await native.update(id: id, change: change, cancellation: $0) }
    }

    /// Reads a provider.
    public func read(id: String) async throws -> OktaProvider {
        try await one { try await native.read(id: id, cancellation: $0) }
    }

    /// Activates a provider, so that its SETs are accepted.
    public func activate(id: String) async throws -> OktaProvider {
        try await one { try await native.activate(id: id, cancellation: $0) }
    }

    /// Deactivates a provider, so that its SETs are rejected.
    public func deactivate(id: String) async throws -> OktaProvider {
        try await one { try await native.deactivate(id: id, cancellation: $0) }
    }

    /// Deletes a provider.
    public func delete(id: String) async throws {
        try await SSFTransmitter.native { try await native.delete(id: id, cancellation: $0) }
    }

    /// Lists all providers.
    public func list() async throws -> [OktaProvider] {
        try await SSFTransmitter.native { try await native.list(cancellation: $0) }.map(OktaProvider.init)
    }

    private func one(
        _ call: (SSFTransmitterFFI.Cancellation) async throws -> SSFTransmitterFFI.Provider
    ) async throws -> OktaProvider {
        OktaProvider(try await SSFTransmitter.native(call))
    }
}

extension OktaProviders.Credentials: CustomStringConvertible, CustomReflectable {
    public var description: String { "Credentials(…)" }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// A security events provider as Okta shows it.
public struct OktaProvider: Hashable, Sendable {
    /// The settings of a provider.
    public struct Draft: Hashable, Sendable {
        /// Where Okta finds issuer and keys.
        public enum Settings: Hashable, Sendable {
            /// By the URL of the transmitter configuration.
            case wellKnown(String)
            /// By the exact `iss` of the SETs, and the URL of the JWKS.
            case issuer(String, jwksURL: String)

            var native: ProviderLocation {
                switch self {
                case .wellKnown(let url): .wellKnown(url: url)
                case .issuer(let issuer, let jwksURL): .issuer(issuer: issuer, jwksUrl: jwksURL)
                }
            }
        }

        /// The name that admins see.
        public var name: String
        /// A string of your choice, such as the name of your product.
        public var type: String
        /// Where Okta finds issuer and keys.
        public var settings: Settings

        public init(name: String, type: String, _ settings: Settings) {
            self.name = name
            self.type = type
            self.settings = settings
        }

        var native: ProviderInput { ProviderInput(name: name, kind: type, settings: settings.native) }
    }

    /// Whether SETs of a provider are accepted.
    public struct Status: OpenValue {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }

        public static let active: Self = "ACTIVE"
        public static let inactive: Self = "INACTIVE"
    }

    /// The id that Okta gave it.
    public let id: String
    /// The name that admins see.
    public let name: String
    /// The type, a string that the transmitter chose.
    public let type: String
    /// Whether its SETs are accepted.
    public let status: Status
    /// The URL of its transmitter configuration, if it is registered by that.
    public let wellKnownURL: String?
    /// The `iss` of its SETs, as it was set or as the configuration names it.
    public let issuer: String?
    /// The URL of its JWKS, as it was set or as the configuration names it.
    public let jwksURL: String?

    init(_ native: SSFTransmitterFFI.Provider) {
        id = native.id
        name = native.name
        type = native.kind
        status = Status(rawValue: native.status)
        wellKnownURL = native.wellKnownUrl
        issuer = native.issuer
        jwksURL = native.jwksUrl
    }
}
