import Foundation
internal import SSFTransmitterFFI

/// A key outside the process: in the Secure Enclave, the keychain, a key management service.
///
/// ```swift
/// struct Enclave: Signer {
///     let key: SecureEnclave.P256.Signing.PrivateKey
///     let algorithm = Algorithm.es256
///     let kid: String? = "laptop-7"
///     var publicKey: PublicKey? { try? PublicKey(der: key.publicKey.derRepresentation) }
///
///     func signature(for signingInput: Data) async throws -> Signature {
///         .raw(try key.signature(for: signingInput).rawRepresentation)
///     }
/// }
/// ```
///
/// The function is called once for each SET, and has the time that the deadline leaves. An `actor` may be a signer, with
/// `algorithm` and `kid` as `nonisolated let`.
public protocol Signer: Sendable {
    /// The algorithm of the key. A transmitter asks for it when it is made.
    var algorithm: Algorithm { get }
    /// The key id under which the public key is published. A transmitter asks for it when it is made.
    var kid: String? { get }
    /// The public half of the key. ``Transmitter/jwks()`` publishes it, and lint and doctor compare it with what is published.
    /// A transmitter asks for it when it is made. `nil` unless a signer says something else.
    var publicKey: PublicKey? { get }
    /// Signs these bytes: header and claims, encoded. For ES256 the signature is over their SHA-256, as CryptoKit makes it.
    func signature(for signingInput: Data) async throws -> Signature
}

/// A signer for a key service that signs digests: most accept few bytes, but the digest of any SET. Ed25519 has no digest.
public protocol DigestSigner: Signer {
    /// Signs the digest of the signing input.
    func signature(forDigest digest: Data) async throws -> Signature
}

extension DigestSigner {
    public func signature(for signingInput: Data) async throws -> Signature {
        try await signature(forDigest: algorithm.digest(of: signingInput) ?? Data())
    }
}

extension Algorithm {
    /// The digest that this algorithm signs; `nil` for Ed25519, which signs the bytes themselves.
    public func digest(of signingInput: Data) throws -> Data? {
        try SSFTransmitter.native { try digestOf(algorithm: rawValue, signingInput: signingInput) }
    }
}

/// A signature, in one of the two forms that there are of elliptic curves.
public enum Signature: Hashable, Sendable {
    /// As JWS has it; for elliptic curves both numbers, one after the other (`rawRepresentation`).
    case raw(Data)
    /// For elliptic curves, in DER (`derRepresentation`, and what `SecKeyCreateSignature` gives).
    case der(Data)

    var bytes: Data {
        switch self {
        case .raw(let bytes), .der(let bytes): bytes
        }
    }

    var isDER: Bool {
        if case .der = self { true } else { false }
    }
}

extension Signer {
    public var publicKey: PublicKey? { nil }

    /// What is known of the key.
    var key: NewKey {
        .external(
            algorithm: algorithm.rawValue, kid: kid, publicKey: publicKey?.jwk, signsDigest: self is any DigestSigner)
    }

    /// The signature, if it is there in time.
    func signature(for request: SigningRequest) async throws -> Signature {
        let (answers, answer) = AsyncThrowingStream<Signature, any Error>.makeStream()
        let signing = Task {
            do {
                answer.yield(try await signature(for: request.signingInput))
                answer.finish()
            } catch {
                // What a signer says of itself may hold anything: only its kind is told.
                let cause = String(describing: type(of: error))
                answer.finish(throwing: SSFError(.signerFailed, "the signer failed", causes: [cause]))
            }
        }
        let timer = Task {
            try await Task.sleep(nanoseconds: UInt64(min(request.timeLeft, 1e9) * 1e9))
            answer.finish(
                throwing: SSFError(.deadlineExceeded, "the deadline passed while waiting for a signature"))
        }
        defer {
            signing.cancel()
            timer.cancel()
        }
        for try await signature in answers { return signature }
        try Task.checkCancellation()
        throw SSFError(.signerFailed, "the signer returned no signature")
    }
}
