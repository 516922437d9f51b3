import Foundation
internal import SSFTransmitterFFI

/// An unsigned SET whose `jti`, `iat` and header are fixed.
///
/// Pass ``signingInput`` to your signer, and its result to ``attach(_:)``.
public struct UnsignedSET: Sendable {
    let native: SSFTransmitterFFI.UnsignedSet

    /// The bytes to sign: header and claims, encoded (RFC 7515 §5.1).
    public var signingInput: Data { native.signingInput() }
    /// The digest of the bytes to sign, for key services that sign digests; `nil` for Ed25519.
    public var digest: Data? { native.digest() }
    /// The algorithm that the header names.
    public var algorithm: Algorithm { Algorithm(rawValue: native.algorithm()) }
    /// The id of the SET.
    public var jti: String { native.jti() }
    /// The reported findings.
    public var findings: [Finding] { native.findings().map(Finding.init) }

    /// Header and claims, for inspection.
    public func decoded() throws -> DecodedSET {
        let decoded = try SSFTransmitter.native { try native.decode() }
        return try DecodedSET(decoded, compact: nil)
    }

    /// Attaches a signature over ``signingInput``. Its form and length are checked.
    public func attach(_ signature: Signature) throws -> SignedSET {
        SignedSET(
            native: try SSFTransmitter.native {
                try native.attach(signature: signature.bytes, der: signature.isDER)
            })
    }

    /// Signs with a key of this process.
    public func sign(with key: SigningKey) throws -> SignedSET {
        SignedSET(native: try SSFTransmitter.native { try native.sign(key: key.native) })
    }
}

/// A signed SET, ready to be sent. Its bytes are the same for every delivery.
public struct SignedSET: Sendable {
    let native: SSFTransmitterFFI.SignedSet

    init(native: SSFTransmitterFFI.SignedSet) { self.native = native }

    /// Reads a SET signed by other software. Checks its structure, not its signature.
    public init(compact: String) throws {
        native = try SSFTransmitter.native { try .parse(compact: compact) }
    }

    /// The SET in compact form: the body of a push request.
    public var compact: String { native.compact() }
    /// The id of the SET.
    public var jti: String { native.jti() }
    /// The id of its event, such as `caep.session-revoked`, or the URI of one that the catalogue does not know.
    public var event: String { native.event() }
    /// The reported findings from its preparation.
    public var findings: [Finding] { native.findings().map(Finding.init) }

    /// Header and claims, for inspection.
    public func decoded() throws -> DecodedSET { try DecodedSET(compact: compact) }
}

extension UnsignedSET: CustomStringConvertible, CustomReflectable {
    public var description: String { "UnsignedSET(\(jti))" }
    public var customMirror: Mirror { Mirror(self, children: ["jti": jti]) }
}

extension SignedSET: CustomStringConvertible, CustomReflectable {
    public var description: String { "SignedSET(\(jti))" }
    public var customMirror: Mirror { Mirror(self, children: ["jti": jti]) }
}

/// A decoded SET: header and claims. Decoding does not verify the signature; ``verify(with:)`` does.
public struct DecodedSET: Sendable {
    /// The JOSE header.
    public let header: [String: JSONValue]
    /// The claims.
    public let claims: [String: JSONValue]
    private let compact: String?

    /// Decodes a compact SET. Does not check the signature.
    public init(compact: String) throws {
        try self.init(SSFTransmitter.native { try decodeSet(compact: compact) }, compact: compact)
    }

    init(_ native: SSFTransmitterFFI.DecodedSet, compact: String?) throws {
        header = try object(native.header)
        claims = try object(native.claims)
        self.compact = compact
    }

    /// Verifies the signature with the key that the header's `kid` names, or, without `kid`, with any matching key.
    ///
    /// - Returns: That key.
    @discardableResult
    public func verify(with keys: JWKS) throws -> PublicKey {
        guard let compact else { throw SSFError(.signatureInvalid, "the SET is not signed yet") }
        return PublicKey(try SSFTransmitter.native { try verifySet(compact: compact, jwks: keys.json) })
    }
}

extension DecodedSET: CustomStringConvertible, CustomReflectable {
    public var description: String { "DecodedSET(…)" }
    public var customMirror: Mirror { Mirror(self, children: ["header": header]) }
}

/// A JSON object that the core wrote.
func object(_ json: String) throws -> [String: JSONValue] {
    do {
        return try JSONDecoder().decode([String: JSONValue].self, from: Data(json.utf8))
    } catch {
        throw SSFError(.jsonInvalid, "not a JSON object that Swift can represent")
    }
}

/// Confirms that a receiver accepted a SET.
public struct Receipt: Sendable {
    /// Anything unusual about the answer to a delivered SET. It does not change the verdict (RFC 8935 §2.2).
    public struct Note: RawRepresentable, Codable, Hashable, Sendable, CustomStringConvertible {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }
        public var description: String { rawValue }
    }

    /// The SET as it was sent.
    public let set: SignedSET
    /// The id of the SET.
    public let jti: String
    /// The HTTP status of the answer.
    public let status: Int
    /// How many attempts it took.
    public let attempts: Int
    /// When the answer arrived, by the local clock.
    public let answeredAt: Date
    /// Whether it is the status that this receiver documents for success.
    public let isExpected: Bool
    /// Anything unusual about the answer, such as ``Note/alreadyReceived`` or ``Note/bodyBroken``. A note is about the
    /// answer, a finding about the SET; neither changes that it is delivered.
    public let notes: [Note]
    /// The reported findings.
    public let findings: [Finding]

    init(_ native: SSFTransmitterFFI.Receipt) {
        set = SignedSET(native: native.set)
        jti = native.jti
        status = Int(native.status)
        attempts = Int(native.attempts)
        answeredAt = Date(timeIntervalSince1970: native.answeredAt)
        isExpected = native.expected
        notes = native.notes.map(Note.init(rawValue:))
        findings = native.findings.map(Finding.init)
    }
}

/// The parts of a SET, for one that is built without a transmitter.
///
/// ```swift
/// var parts = SETParts(issuer: "https://edr.example.com", audience: "https://receiver.example.net")
/// parts.events = [CAEP.SessionRevoked()]
/// parts.subject = .opaque("session-1")
/// let set = try parts.prepare(algorithm: key.algorithm, kid: key.kid).sign(with: key)
/// ```
public struct SETParts: Sendable {
    /// `iss`.
    public var issuer: String
    /// `aud`.
    public var audience: Audience
    /// The event, and its companions.
    public var events: [any SecurityEvent] = []
    /// The subject of the events.
    public var subject: Subject?
    /// `txn`.
    public var txn: String?
    /// `toe`, the time of the event.
    public var eventTime: Date?
    /// `jti`; drawn at random if it is `nil`.
    public var jti: String?
    /// `iat`; now if it is `nil`.
    public var issuedAt: Date?
    /// Further claims.
    public var claims: [String: JSONValue] = [:]
    /// The dialect of the receiver; `ssf-1.0` if it is `nil`.
    public var dialect: Dialect?
    /// How findings are handled.
    public var lint: LintPolicy?

    public init(issuer: String, audience: Audience) {
        self.issuer = issuer
        self.audience = audience
    }

    /// The unsigned SET, for a key with this algorithm and `kid`.
    public func prepare(algorithm: Algorithm, kid: String?) throws -> UnsignedSET {
        let claims: String?
        do {
            claims = self.claims.isEmpty ? nil : try encoded(self.claims)
        } catch let error as EncodingError {
            throw SSFError(error, at: "")
        }
        let parts = SetParts(
            issuer: issuer, audience: audience.native, events: try events.map { try $0.json() },
            subject: try subject?.crossing(), txn: txn, toe: eventTime?.timeIntervalSince1970, jti: jti,
            issuedAt: issuedAt?.timeIntervalSince1970, claims: claims, dialect: dialect?.native,
            algorithm: algorithm.rawValue, kid: kid, lint: lint?.native)
        return UnsignedSET(native: try native { try prepareSet(parts: parts) })
    }
}

extension SETParts: CustomStringConvertible, CustomReflectable {
    public var description: String { "SETParts(\(issuer), …)" }
    public var customMirror: Mirror { Mirror(self, children: ["issuer": issuer]) }
}
