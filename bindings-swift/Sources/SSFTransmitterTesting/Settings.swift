import Foundation
import SSFTransmitter

extension ReceiverEmulator {
    /// The receivers that it can be like.
    public enum Like: String, Hashable, Sendable, CaseIterable, Codable {
        case okta
        case govUKOneLogin = "govuk-one-login"
        case rfc8935
    }

    /// Where the keys of the issuer are.
    public enum Keys: Hashable, Sendable {
        /// Here.
        case jwks(JWKS)
        /// At this URL.
        case url(String)
    }

    /// A client that the token endpoint of ``Like/govUKOneLogin`` knows.
    public struct Client: Hashable, Sendable, Codable {
        public var id: String
        public var secret: String

        public init(id: String, secret: String) {
            self.id = id
            self.secret = secret
        }
    }

    /// How the System Log behaves that a receiver like Okta has beside its API.
    public struct Log: Hashable, Sendable, Codable {
        /// How long after a SET was taken its entries are there.
        public var delay: TimeInterval
        /// The most entries on a page, whatever the request says.
        public var page: Int
        /// Whether an entry names the `jti` of its SET, which Okta does not document.
        public var jti: Bool

        public init(delay: TimeInterval = 0, page: Int = 1000, jti: Bool = false) {
            self.delay = delay
            self.page = page
            self.jti = jti
        }
    }
}

/// The settings as the command reads them.
struct Settings: Encodable {
    let like: ReceiverEmulator.Like
    let audience: String
    let issuer: String?
    let jwks: JSONValue?
    let jwksURI: String?
    let users: [String]
    let client: ReceiverEmulator.Client?
    let tokenLifetime: TimeInterval
    let apiToken: String?
    let log: ReceiverEmulator.Log
    let script: JSONValue?
    let tls: Bool

    private enum CodingKeys: String, CodingKey {
        case like, audience, issuer, jwks, users, client, log, script, tls
        case jwksURI = "jwks_uri"
        case tokenLifetime = "token_lifetime"
        case apiToken = "api_token"
    }
}
