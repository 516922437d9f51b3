import Foundation
import SSFTransmitter
import Testing

/// A key service that signs digests, with an RSA key.
struct DigestService: DigestSigner {
    private let child: Child
    let algorithm = Algorithm.rs256
    let kid: String?
    let publicKey: PublicKey?

    init(kid: String) throws {
        child = try Child("SSF_ENCLAVE", ["digest"])
        (self.kid, publicKey) = (kid, try PublicKey(der: Data(base64Encoded: child.announcement) ?? Data(), kid: kid))
    }

    func signature(forDigest digest: Data) async throws -> Signature {
        .raw(Data(base64Encoded: try child.ask(digest.base64EncodedString())) ?? Data())
    }
}

/// A signer that may not tell its public key.
struct Named: Signer {
    let enclave: Enclave
    let algorithm = Algorithm.es256
    let kid: String?
    let publicKey: PublicKey?

    init(kid: String, told: Bool) throws {
        enclave = try Enclave(kid: kid)
        self.kid = kid
        publicKey = told ? enclave.publicKey : nil
    }

    func signature(for signingInput: Data) async throws -> Signature {
        try await enclave.signature(for: signingInput)
    }
}

/// Keys of this process and signers, rotating in one set: `rotation.json`.
@Suite struct RotationTests {
    private let event = CAEP.SessionRevoked(reasonAdmin: ["en": "Lost"])
    private let ada = Subject.email("ada@example.com")

    private enum Made {
        case own(SigningKey)
        case signer(any Signer, published: PublicKey?)

        init(_ name: String, _ about: JSONValue) async throws {
            let kid = about["kid"]?.string ?? name
            switch about["signs"]?.string {
            case "here": self = .own(try await SigningKey.generate(.p256).withKid(kid))
            case "digest":
                let service = try DigestService(kid: kid)
                self = .signer(service, published: service.publicKey)
            default:
                let named = try Named(kid: kid, told: about["public_key"] != .bool(false))
                self = .signer(named, published: named.enclave.publicKey)
            }
        }

        var publicKey: PublicKey? {
            switch self {
            case .own(let key): key.publicKey
            case .signer(_, let published): published
            }
        }

        func set() throws -> KeySet {
            switch self {
            case .own(let key): KeySet(key)
            case .signer(let signer, _): try KeySet(signer)
            }
        }

        func stage(in keys: KeySet) throws {
            switch self {
            case .own(let key): try keys.stage(key)
            case .signer(let signer, _): try keys.stage(signer)
            }
        }
    }

    private func code(_ work: () throws -> Void) throws -> String? {
        do {
            try work()
            return nil
        } catch let error as SSFError {
            return error.code.rawValue
        }
    }

    private func play(_ one: Case) async throws {
        var all: [String: Made] = [:]
        for (kid, about) in one["keys"]?.object ?? [:] { all[kid] = try await Made(kid, about) }
        let made = { (name: JSONValue?) in try #require(all[name?.string ?? ""]) }
        let keys = try made(one["active"]).set()
        let transmitter = try Transmitter(issuer: issuer, keys: keys)
        let published = all.compactMap { name, made in made.publicKey.flatMap { $0.kid == name ? $0 : nil } }
        let emulator = try await Emulator(keys: JWKS(keys: published))
        var sent: [String?] = []
        for step in one["steps"].list.map(\.object) {
            if let kid = step["emit"]?.string {
                try await transmitter.emit(event, about: ada, to: emulator.receiver())
                _ = try await transmitter.doctor(event, about: ada, to: emulator.receiver(), send: true)
                sent += [kid, kid]
                #expect(try await emulator.pushes().map { $0.header?["kid"].text } == sent)
                #expect(keys.active.kid == kid)
            }
            if let kid = step["stage"] {
                let staged = try made(kid)
                #expect(try code { try staged.stage(in: keys) } == step["code"]?.string)
            }
            if let kid = step["rotate"]?.string {
                let found = try code {
                    let retired = try keys.rotate(published: 0)
                    #expect(retired == kid)
                }
                #expect(found == step["code"]?.string)
            }
            if let kid = step["remove"]?.string {
                #expect(try code { try keys.remove(kid: kid) } == step["code"]?.string)
            }
            if step["published"] != nil {
                let published = try transmitter.jwks().keys.map { JSONValue.string($0.kid) }
                #expect(published == step["published"].list)
            }
            if let next = step["next"]?.string { #expect(keys.next?.kid == next) }
            if step["retired"] != nil {
                #expect(keys.retired.map { JSONValue.string($0.kid ?? "") } == step["retired"].list)
            }
        }
    }

    @Test func signersRotateLikeKeysOfThisProcess() async throws {
        for one in try Vectors.cases("rotation.json", "cases") {
            do {
                try await play(one)
            } catch {
                Issue.record("\(one.name): \(error)")
            }
        }
    }

    @Test func ed25519SignsNoDigest() throws {
        struct Wrong: DigestSigner {
            let algorithm = Algorithm.edDSA
            let kid: String? = "k"
            func signature(forDigest digest: Data) async throws -> Signature { .raw(digest) }
        }
        #expect(try code { _ = try KeySet(Wrong()) } == "configuration_invalid")
        #expect(try Algorithm.edDSA.digest(of: Data("x".utf8)) == nil)
        #expect(try Algorithm.es384.digest(of: Data("x".utf8))?.count == 48)
    }
}
