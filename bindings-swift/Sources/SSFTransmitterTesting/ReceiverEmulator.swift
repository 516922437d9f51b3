import Foundation
import SSFTransmitter

/// A receiver to test against: a real HTTP server on the loopback interface that judges SETs as Okta, GOV.UK One Login or any
/// RFC 8935 receiver does, with a JOSE library of its own.
///
/// ```swift
/// let key = try await SigningKey.generate(.p256)
/// let emulator = try await ReceiverEmulator(issuer: "https://edr.example.com", keys: .jwks(KeySet(key).jwks()))
/// let transmitter = try Transmitter(issuer: "https://edr.example.com", key: key)
/// try await transmitter.emit(CAEP.SessionRevoked(), about: .email("ada@example.com"), to: emulator.receiver())
/// try await emulator.assertReceived(CAEP.SessionRevoked.self, about: .email("ada@example.com"))
/// ```
///
/// It is a process of the command `ssf` (`pip install ssf-transmitter-cli`, or `npm install --global ssf-transmitter-cli`), which
/// is found by the variable `SSF_COMMAND` or on the path. It ends with this object, and at the latest with this process.
public final class ReceiverEmulator: Sendable {
    /// The receiver that it is like.
    public let like: Like
    /// The `aud` every SET must have.
    public let audience: String
    /// The URL that SETs are pushed to.
    public let url: String
    /// The URL of the server: what the URL of the org is at Okta.
    public let baseURL: String
    /// The URL of the token endpoint, if the receiver has one.
    public let tokenURL: String?
    /// The authority to trust, if it speaks TLS: one of the `caBundles` of a ``Network``.
    public let caPEM: Data?
    private let client: Client
    private let process: EmulatorProcess

    /// Starts one.
    ///
    /// - Parameters:
    ///   - like: The receiver to answer like.
    ///   - issuer: The `iss` every SET must have. Needed, with `keys`, unless transmitters are registered by the API.
    ///   - keys: The keys of the transmitter.
    ///   - audience: The `aud` every SET must have.
    ///   - users: The users the receiver knows, by email address. Without any, it knows everybody.
    ///   - client: The client that the token endpoint of ``Like/govUKOneLogin`` knows.
    ///   - tokenLifetime: How long an access token is good for.
    ///   - script: What goes wrong, and when: rules as in `docs/emulator.md`.
    ///   - tls: Whether to speak TLS, with a certificate of its own authority, ``caPEM``.
    ///   - apiToken: The token of the API by which transmitters are registered (``Like/okta``), and of its System Log.
    ///   - log: How that log behaves.
    /// - Throws: ``EmulatorError`` if a setting is wrong, or the command is not there.
    public init(
        like: Like = .rfc8935, issuer: String? = nil, keys: Keys? = nil,
        audience: String = "https://receiver.example.net", users: [String] = [],
        client: Client = Client(id: "client", secret: "secret"), tokenLifetime: TimeInterval = 3600,
        script: JSONValue? = nil, tls: Bool = false, apiToken: String? = nil, log: Log = Log()
    ) async throws {
        var (jwks, uri): (JSONValue?, String?)
        switch keys {
        case .jwks(let keys): jwks = try JSONDecoder().decode(JSONValue.self, from: Data(keys.json.utf8))
        case .url(let url): uri = url
        case nil: break
        }
        let settings = Settings(
            like: like, audience: audience, issuer: issuer, jwks: jwks, jwksURI: uri, users: users,
            client: like == .govUKOneLogin ? client : nil, tokenLifetime: tokenLifetime, apiToken: apiToken, log: log,
            script: script, tls: tls)
        let (process, ready) = try await EmulatorProcess.start(settings)
        self.like = like
        self.audience = audience
        self.client = client
        self.process = process
        url = ready.push ?? ""
        baseURL = ready.base ?? ""
        tokenURL = ready.token
        caPEM = ready.authority.map { Data($0.utf8) }
    }

    /// This emulator as a receiver to send to.
    public func receiver() throws -> Receiver {
        let options = Receiver.Options(allowsLoopback: true)
        switch (like, tokenURL) {
        case (.okta, _):
            return try Receiver.okta(baseURL, audience: .one(audience), options: options)
        case (_, let tokenURL?):
            let credentials = ClientCredentials(
                tokenURL: tokenURL, clientID: client.id, .basic(secret: client.secret))
            return try Receiver.govUKOneLogin(
                url, audience: .one(audience), credentials: credentials, options: options)
        default:
            return try Receiver(endpoint: url, audience: .one(audience), options: options)
        }
    }

    /// What it saw, oldest first, refused and misdirected requests too.
    public func requests() async throws -> [Request] { try await process.ask("requests") ?? [] }

    /// The claims of the SETs that it took and that had an effect, oldest first; a `jti` has it once.
    public func received() async throws -> [[String: JSONValue]] {
        var seen: Set<String> = []
        return try await requests().compactMap { request in
            guard request.accepted, request.dropped == nil, let claims = request.claims else { return nil }
            return seen.insert(claims["jti"]?.string ?? "").inserted ? claims : nil
        }
    }

    /// How often each `jti` was accepted.
    public func accepted() async throws -> [String: Int] { try await process.ask("accepted") ?? [:] }

    /// Forgets what it saw.
    public func clear() async throws { _ = try await process.ask("clear", for: JSONValue.self) }

    /// Stops it once pending requests are answered.
    public func stop() async throws { try await process.stop() }

    /// Asserts that just one SET with this event had an effect, and returns its claims.
    ///
    /// - Parameters:
    ///   - event: A type of the catalogue.
    ///   - subject: The subject, wherever the receiver wants it; any if it is not given.
    /// - Throws: ``EmulatorError``, with what was seen instead.
    @discardableResult
    public func assertReceived(
        _ event: (some CatalogueEvent).Type, about subject: Subject? = nil
    ) async throws -> [String: JSONValue] {
        try await assertReceived(event.uri, about: subject)
    }

    /// Asserts that just one SET with the event of this type URI had an effect, and returns its claims.
    @discardableResult
    public func assertReceived(
        _ uri: String, about subject: Subject? = nil
    ) async throws -> [String: JSONValue] {
        let found = try await received().filter { claims in
            guard let event = claims["events"]?[uri] else { return false }
            guard let subject else { return true }
            return [claims["sub_id"], event["subject"]].contains { isAbout($0, .object(subject.members)) }
        }
        if let only = found.first, found.count == 1 { return only }
        let seen = try await requests().map { request in
            let outcome = request.err ?? request.dropped ?? request.fault ?? "taken"
            return "  \(request.status) \(outcome) \(request.events.joined(separator: ", "))"
        }
        throw EmulatorError(
            (["expected one SET with \(uri), found \(found.count) among:"] + seen).joined(separator: "\n"))
    }

    /// Whether a subject is that one, or is complex and has it as a member.
    private func isAbout(_ subject: JSONValue?, _ wanted: JSONValue) -> Bool {
        guard let subject else { return false }
        guard case .object(let members) = subject else { return false }
        return subject == wanted || members.values.contains(wanted)
    }
}

extension ReceiverEmulator {
    /// A request, and its answer.
    public struct Request: Hashable, Sendable, Decodable {
        /// The path, without query.
        public let path: String
        /// The status of the answer, 0 if there was none.
        public let status: Int
        /// Whether the SET was taken.
        public let accepted: Bool
        /// Why an accepted SET had no effect: `repeated jti`, `unknown user`, or `scripted`.
        public let dropped: String?
        /// The error code.
        public let err: String?
        /// What was wrong.
        public let description: String?
        /// What went wrong, if something was to.
        public let fault: String?
        /// The JOSE header, as far as it could be decoded.
        public let header: [String: JSONValue]?
        /// The claims, as far as they could be decoded.
        public let claims: [String: JSONValue]?

        /// The URIs of its events, or else its path.
        fileprivate var events: [String] {
            guard case .object(let events) = claims?["events"] else { return [path] }
            return events.keys.sorted()
        }
    }
}
