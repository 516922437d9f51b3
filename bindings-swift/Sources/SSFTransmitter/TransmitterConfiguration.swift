import Foundation
internal import SSFTransmitterFFI

/// The transmitter configuration: the document by which receivers find issuer, keys and endpoints (SSF 1.0 §7).
///
/// ```swift
/// var settings = TransmitterConfiguration.Settings(issuer: "https://edr.example.com")
/// settings.jwksURI = "https://edr.example.com/jwks.json"
/// let configuration = try TransmitterConfiguration(settings)
/// print("serve \(configuration.json) at \(configuration.url)")
/// ```
public struct TransmitterConfiguration: Hashable, Sendable {
    /// What a configuration says.
    public struct Settings: Sendable {
        /// An https URL without query and fragment: the exact `iss` of the SETs.
        public var issuer: String
        /// The URL of the JWKS; required if SETs are signed.
        public var jwksURI: String?
        /// The version of the specification; `1_0` if it is `nil`.
        public var specVersion: String?
        /// The delivery methods; push (`urn:ietf:rfc:8935`) if it is `nil`.
        public var deliveryMethods: [String]?
        public var configurationEndpoint: String?
        public var statusEndpoint: String?
        public var addSubjectEndpoint: String?
        public var removeSubjectEndpoint: String?
        public var verificationEndpoint: String?
        /// Members of complex subjects that receivers must understand (SSF 1.0 §3.6).
        public var criticalSubjectMembers: [String]?
        /// Ways to authorize, by URN: `urn:ietf:rfc:6749` is OAuth 2.0.
        public var authorizationSchemes: [String] = []
        /// Whether a new stream delivers the events of all subjects, or of none.
        public var allSubjects: Bool?
        /// Members of your own.
        public var members: [String: JSONValue] = [:]
        /// Allows http URLs of this machine, for trials.
        public var allowsLoopback = false

        public init(issuer: String) { self.issuer = issuer }
    }

    /// The document, to serve with the content type `application/json`.
    public let json: String
    /// The URL where it belongs.
    public let url: URL

    /// Writes a configuration, checked.
    public init(_ settings: Settings) throws {
        let members: String?
        do {
            members = settings.members.isEmpty ? nil : try encoded(settings.members)
        } catch let error as EncodingError {
            throw SSFError(error, at: "")
        }
        let settings = ConfigurationSettings(
            issuer: settings.issuer, jwksUri: settings.jwksURI, specVersion: settings.specVersion,
            deliveryMethods: settings.deliveryMethods, configurationEndpoint: settings.configurationEndpoint,
            statusEndpoint: settings.statusEndpoint, addSubjectEndpoint: settings.addSubjectEndpoint,
            removeSubjectEndpoint: settings.removeSubjectEndpoint,
            verificationEndpoint: settings.verificationEndpoint,
            criticalSubjectMembers: settings.criticalSubjectMembers,
            authorizationSchemes: settings.authorizationSchemes,
            defaultSubjects: settings.allSubjects.map { $0 ? "ALL" : "NONE" },
            members: members, allowLoopback: settings.allowsLoopback)
        try self.init(native { try writeConfiguration(settings: settings) })
    }

    /// Reads a configuration, and checks it.
    public init(json: String) throws {
        try self.init(native { try readConfiguration(document: json) })
    }

    private init(_ located: Located) throws {
        json = located.document
        url = try web(located.url)
    }

    /// Where the configuration of an issuer is, `/.well-known/ssf-configuration` between host and path (SSF 1.0 §7.2), or,
    /// `legacy`, where older receivers look for it.
    public static func wellKnownURL(issuer: String, legacy: Bool = false) throws -> URL {
        try web(native { try SSFTransmitterFFI.wellKnownUrl(issuer: issuer, legacy: legacy) })
    }
}

/// A URL that the core has checked.
private func web(_ text: String) throws -> URL {
    guard let url = URL(string: text) else { throw SSFError(.issuerInvalid, "not a URL") }
    return url
}
