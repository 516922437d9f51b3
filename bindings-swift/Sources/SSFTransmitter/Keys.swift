import Foundation
internal import SSFTransmitterFFI

/// A signature algorithm (RFC 7518, RFC 8037).
public struct Algorithm: OpenValue {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    public static let rs256: Self = "RS256"
    public static let rs384: Self = "RS384"
    public static let rs512: Self = "RS512"
    public static let ps256: Self = "PS256"
    public static let ps384: Self = "PS384"
    public static let ps512: Self = "PS512"
    public static let es256: Self = "ES256"
    public static let es384: Self = "ES384"
    public static let es512: Self = "ES512"
    public static let edDSA: Self = "EdDSA"
}

/// A private key that signs SETs, with its algorithm and `kid`. Printed, it shows no more than these.
///
/// ```swift
/// let key = try SigningKey(pem: Data(contentsOf: file))
/// print(key.algorithm, key.kid)
/// ```
///
/// It is parsed and checked once, here. The core wipes its own copy when the last one goes; protect the text and data
/// that you pass in and get out. For a key that never leaves the Secure Enclave see ``Signer``.
public struct SigningKey: Sendable {
    let native: SSFTransmitterFFI.SigningKey

    /// What kind of key to generate.
    public enum Kind: Hashable, Sendable, CaseIterable {
        /// RSA with 2048 bits: what most receivers require.
        case rsa2048
        /// RSA with 3072 bits.
        case rsa3072
        /// RSA with 4096 bits.
        case rsa4096
        /// The elliptic curve P-256.
        case p256
        /// The elliptic curve P-384.
        case p384
        /// The elliptic curve P-521.
        case p521
        /// Ed25519.
        case ed25519
    }

    /// Generates a key. An RSA key takes from a tenth of a second (2048 bits) to seconds (4096 bits).
    public static func generate(_ kind: Kind) async throws -> Self {
        let kind: KeyType =
            switch kind {
            case .rsa2048: .rsa2048
            case .rsa3072: .rsa3072
            case .rsa4096: .rsa4096
            case .p256: .p256
            case .p384: .p384
            case .p521: .p521
            case .ed25519: .ed25519
            }
        return Self(native: try await SSFTransmitter.native { try await generateKey(kind: kind, cancellation: $0) })
    }

    /// Reads a key in PEM: PKCS#8, PKCS#1 or SEC1, encrypted if there is a password.
    public init(pem: Data, password: String? = nil) throws {
        native = try SSFTransmitter.native { try .fromPem(pem: pem, password: password) }
    }

    /// Reads a key in PEM: PKCS#8, PKCS#1 or SEC1, encrypted if there is a password.
    public init(pem: String, password: String? = nil) throws {
        try self.init(pem: Data(pem.utf8), password: password)
    }

    /// Reads a key in DER: PKCS#8, PKCS#1 or SEC1, encrypted (PKCS#8) if there is a password.
    public init(der: Data, password: String? = nil) throws {
        native = try SSFTransmitter.native { try .fromDer(der: der, password: password) }
    }

    /// Reads a private JWK, or the one private key of a JWK Set, with its `alg` and `kid` if it has them.
    public init(jwk: String) throws {
        native = try SSFTransmitter.native { try .fromJwk(json: jwk, kid: nil) }
    }

    /// Reads the key with this `kid` from a private JWK Set.
    public init(jwks: String, kid: String) throws {
        native = try SSFTransmitter.native { try .fromJwk(json: jwks, kid: kid) }
    }

    init(native: SSFTransmitterFFI.SigningKey) { self.native = native }

    /// The same key with another `kid`. Without this it is the RFC 7638 thumbprint.
    public func withKid(_ kid: String) throws -> Self {
        Self(native: try SSFTransmitter.native { try native.withKid(kid: kid) })
    }

    /// The same key for another of its algorithms: PS256 instead of RS256, for example.
    public func withAlgorithm(_ algorithm: Algorithm) throws -> Self {
        Self(native: try SSFTransmitter.native { try native.withAlgorithm(algorithm: algorithm.rawValue) })
    }

    /// The algorithm that it signs with.
    public var algorithm: Algorithm { publicKey.algorithm }
    /// The key id, published in the JWKS and named in the header of SETs.
    public var kid: String { publicKey.kid }
    /// The public half.
    public var publicKey: PublicKey { PublicKey(native.publicKey()) }

    /// The public half in PEM.
    public func publicPEM() throws -> String {
        try SSFTransmitter.native { try native.publicPem() }
    }

    /// The private key as a JWK. Whoever has it can sign in your name.
    public func exportPrivateJWK() throws -> String {
        try SSFTransmitter.native { try native.privateJwk() }
    }

    /// The private key as PEM (PKCS#8), encrypted if there is a password. Whoever has it can sign in your name.
    public func exportPrivatePEM(password: String? = nil) throws -> String {
        try SSFTransmitter.native { try native.privatePem(password: password) }
    }
}

extension SigningKey: CustomStringConvertible, CustomReflectable {
    public var description: String { "SigningKey(\(algorithm.rawValue), \(kid))" }
    public var customMirror: Mirror { Mirror(self, children: ["algorithm": algorithm.rawValue, "kid": kid]) }
}

/// A public key as it is published.
public struct PublicKey: Hashable, Sendable {
    /// The key id.
    public let kid: String
    /// The algorithm that it is for.
    public let algorithm: Algorithm
    /// The RFC 7638 thumbprint.
    public let thumbprint: String
    /// The key as a JWK.
    public let jwk: String

    /// Reads a public key in PEM (`PUBLIC KEY`). Without `kid` it is the thumbprint.
    public init(pem: String, kid: String? = nil) throws {
        try self.init(.pem, Data(pem.utf8), kid)
    }

    /// Reads a public key in DER (`SubjectPublicKeyInfo`), as `publicKey.derRepresentation` of CryptoKit gives it. Without
    /// `kid` it is the thumbprint.
    public init(der: Data, kid: String? = nil) throws {
        try self.init(.der, der, kid)
    }

    /// Reads the public members of a JWK. Without `kid` it is its own, or the thumbprint.
    public init(jwk: String, kid: String? = nil) throws {
        try self.init(.jwk, Data(jwk.utf8), kid)
    }

    private init(_ form: PublicForm, _ key: Data, _ kid: String?) throws {
        self.init(try SSFTransmitter.native { try readPublicKey(form: form, key: key, kid: kid) })
    }

    init(_ native: SSFTransmitterFFI.PublicKey) {
        kid = native.kid
        algorithm = Algorithm(rawValue: native.algorithm)
        thumbprint = native.thumbprint
        jwk = native.jwk
    }
}

/// Public keys, as they are published (RFC 7517): serve ``json`` as `application/json`.
public struct JWKS: Hashable, Sendable {
    /// The document.
    public let json: String
    /// The keys in it.
    public let keys: [PublicKey]

    /// Reads a document. Keys that cannot sign SETs are omitted, and so are private members.
    public init(json: String) throws {
        let read = try native { try readJwks(json: json) }
        self.json = read.json
        keys = read.keys.map(PublicKey.init)
    }

    /// The document for these keys. Two different keys with the same `kid` are an error.
    public init(keys: [PublicKey]) throws {
        try self.init(json: native { try jwksOf(keys: keys.map(\.jwk)) })
    }

    /// The document for a public key in DER (`SubjectPublicKeyInfo`), whose private half is outside the process: for
    /// the key of a ``Signer``, as `publicKey.derRepresentation` of CryptoKit gives it. Without `kid` it is the
    /// thumbprint.
    public init(publicKeyDER der: Data, kid: String? = nil) throws {
        try self.init(keys: [PublicKey(der: der, kid: kid)])
    }
}

/// The keys of a transmitter, shared by its copies: one signs, all are published.
///
/// Receivers cache the JWKS. So stage the next key, wait a day, rotate, wait, and remove the retired one:
///
/// ```swift
/// let keys = KeySet(try await SigningKey.generate(.p256))
/// try keys.stage(try await SigningKey.generate(.p256))  // published, but does not sign yet
/// let retired = try keys.rotate(published: 0)  // in production, wait a day: `published: .seconds(86_400)`
/// try keys.remove(kid: retired)
/// ```
public struct KeySet: Sendable {
    let native: SSFTransmitterFFI.KeySet
    let signers = Signers()

    init(native: SSFTransmitterFFI.KeySet) { self.native = native }

    /// A set with one key, which signs.
    public init(_ active: SigningKey) { native = SSFTransmitterFFI.KeySet(active: active.native) }

    /// A set with one external key, which signs.
    ///
    /// - Throws: ``SSFError`` if the public key of the signer does not match its algorithm.
    public init(_ active: any Signer) throws {
        let key = active.key
        native = try signers.admit(active) {
            try SSFTransmitter.native { try SSFTransmitterFFI.KeySet.of(active: key) }
        }
    }

    /// The key that signs now.
    public var active: TransmitterKey { shown(native.active()) }
    /// The key that is published but does not sign yet.
    public var next: TransmitterKey? { native.next().map(shown) }
    /// The keys that signed before and are still published.
    public var retired: [TransmitterKey] { native.retired().map(shown) }

    func shown(_ key: KeptKey) -> TransmitterKey {
        switch key {
        case .local(let key): .signingKey(SigningKey(native: key))
        case .external(let kid): .signer(signers[kid])
        }
    }

    /// The keys to publish: active, next and retired.
    public func jwks() throws -> JWKS {
        try JWKS(json: SSFTransmitter.native { try native.jwks() })
    }

    /// Publishes the next key. It replaces a next key that was staged before.
    public func stage(_ next: SigningKey, now: Date = Date()) throws {
        try SSFTransmitter.native {
            try native.stage(next: .local(key: next.native), now: now.timeIntervalSince1970)
        }
    }

    /// Publishes an external key as the next one. Its public key must be known.
    public func stage(_ next: any Signer, now: Date = Date()) throws {
        let key = next.key
        try signers.admit(next) {
            try SSFTransmitter.native { try native.stage(next: key, now: now.timeIntervalSince1970) }
        }
    }

    /// Lets the next key sign, if it has been published for this many seconds, and retires the active one.
    ///
    /// - Returns: The `kid` of the retired key.
    @discardableResult
    public func rotate(published: TimeInterval, now: Date = Date()) throws -> String {
        try SSFTransmitter.native { try native.rotate(now: now.timeIntervalSince1970, published: published) }
    }

    /// Lets the next key sign, if it has been published for this long, and retires the active one.
    ///
    /// - Returns: The `kid` of the retired key.
    @available(macOS 13, *)
    @discardableResult
    public func rotate(published: Duration, now: Date = Date()) throws -> String {
        try rotate(published: published.timeInterval, now: now)
    }

    /// Removes a next or retired key from the set.
    public func remove(kid: String) throws {
        try SSFTransmitter.native { try native.remove(kid: kid) }
    }
}

/// A key of a ``KeySet``.
public enum TransmitterKey: Sendable {
    /// A key of this process.
    case signingKey(SigningKey)
    /// An external key.
    case signer(any Signer)

    /// The key id under which the public key is published. A signer may not know it.
    public var kid: String? {
        switch self {
        case .signingKey(let key): key.publicKey.kid
        case .signer(let signer): signer.kid ?? signer.publicKey?.kid
        }
    }

    /// The public key. A signer may not know it.
    public var publicKey: PublicKey? {
        switch self {
        case .signingKey(let key): key.publicKey
        case .signer(let signer): signer.publicKey
        }
    }
}

/// The signers of a set of keys, by `kid`. A signer stays when its key is removed, as a SET may still wait for it.
final class Signers: @unchecked Sendable {
    private let lock = NSLock()
    private var byKid: [String: any Signer] = [:]

    var isEmpty: Bool { lock.withLock { byKid.isEmpty } }

    /// Gives a signer to the library, and remembers it if the library takes it. One that the library refuses does not take the
    /// place of another with the same `kid`.
    func admit<Given>(_ signer: any Signer, _ give: () throws -> Given) throws -> Given {
        let kid = TransmitterKey.signer(signer).kid ?? ""
        // Held until the signer is there: once the library has the key, another thread may ask for it.
        return try lock.withLock {
            let given = try give()
            byKid[kid] = signer
            return given
        }
    }

    subscript(kid: String) -> any Signer { lock.withLock { byKid[kid] } ?? Unknown() }

    private struct Unknown: Signer {
        let algorithm = Algorithm.es256
        let kid: String? = nil

        func signature(for signingInput: Data) async throws -> Signature {
            throw SSFError(.internal, "the set has no signer with this kid")
        }
    }
}
