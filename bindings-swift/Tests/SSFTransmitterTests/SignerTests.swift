import Foundation
import SSFTransmitter
import SSFTransmitterTesting
import Testing

/// A key in another process, as it would be in the Secure Enclave.
actor Enclave: Signer {
    nonisolated let algorithm = Algorithm.es256
    nonisolated let kid: String?
    nonisolated let publicKey: PublicKey?
    nonisolated let jwks: JWKS
    private let child: Child
    private(set) var signatures = 0

    init(kid name: String = "enclave-1") throws {
        child = try Child("SSF_ENCLAVE")
        let key = try PublicKey(der: Data(base64Encoded: child.announcement) ?? Data(), kid: name)
        (publicKey, kid, jwks) = (key, key.kid, try JWKS(keys: [key]))
    }

    func signature(for signingInput: Data) throws -> Signature {
        signatures += 1
        return .der(Data(base64Encoded: try child.ask(signingInput.base64EncodedString())) ?? Data())
    }
}

/// A signer that does what a test wants.
struct Odd: Signer {
    let algorithm = Algorithm.es256
    let kid: String? = "odd"
    let sign: @Sendable () async throws -> Signature
    func signature(for signingInput: Data) async throws -> Signature { try await sign() }
}

struct Refusal: Error { let text = "s3cret" }

@Suite struct SignerTests {
    private let event = CAEP.SessionRevoked(reasonAdmin: ["en": "Lost"])
    private let ada = Subject.email("ada@example.com")

    @Test func aKeyThatIsSomewhereElseSigns() async throws {
        let enclave = try Enclave()
        let emulator = try await Emulator(keys: enclave.jwks)
        let transmitter = try Transmitter(issuer: issuer, signer: enclave)
        #expect(try transmitter.jwks() == enclave.jwks)
        let receipt = try await transmitter.emit(event, about: ada, to: emulator.receiver())
        #expect(try receipt.set.decoded().header["kid"] == "enclave-1")
        #expect(try receipt.set.decoded().verify(with: enclave.jwks).kid == "enclave-1")
        #expect(try await emulator.accepted().count == 1)
        #expect(await enclave.signatures == 1)
    }

    @Test func theStepsDoWithoutASigner() async throws {
        let enclave = try Enclave()
        let emulator = try await Emulator(keys: enclave.jwks)
        let transmitter = try Transmitter(issuer: issuer, signer: enclave)
        let unsigned = try transmitter.prepare(event, about: ada, to: emulator.receiver())
        let set = try unsigned.attach(await enclave.signature(for: unsigned.signingInput))
        try await transmitter.deliver(set, to: emulator.receiver())
        #expect(try await emulator.received().first?["jti"] == .string(unsigned.jti))
    }

    @Test func manyAreSignedElsewhere() async throws {
        let enclave = try Enclave()
        let emulator = try await Emulator(keys: enclave.jwks)
        let transmitter = try Transmitter(issuer: issuer, signer: enclave)
        let receiver = try emulator.receiver()
        let emissions = (0..<50).map { Emission(event, about: .opaque("s-\($0)"), to: receiver) }
        for try await emitted in transmitter.emitAll(emissions) { _ = try emitted.result.get() }
        #expect(try await emulator.accepted().count == 50)
    }

    @Test func aSignerThatFailsIsTold() async throws {
        let receiver = try Receiver(endpoint: "https://r.example", audience: "a")
        let failing = try Transmitter(issuer: issuer, signer: Odd { throw Refusal() })
        let error = try await failure { try await failing.emit(event, about: ada, to: receiver) }
        #expect(error.code == .signerFailed && error.kind == .signing && error.causes == ["Refusal"])
        #expect(!"\(error)".contains("s3cret"))
    }

    @Test(arguments: [Data(), Data(repeating: 1, count: 63), Data(repeating: 255, count: 64), Data([0x30, 1, 2])])
    func aSignatureThatIsNoneIsRefusedByForm(bytes: Data) async throws {
        let receiver = try Receiver(endpoint: "https://r.example", audience: "a")
        for signature in [Signature.raw(bytes), .der(bytes)] where bytes.count != 64 || signature == .der(bytes) {
            let odd = try Transmitter(issuer: issuer, signer: Odd { signature })
            let error = try await failure { try await odd.emit(event, about: ada, to: receiver) }
            #expect(error.kind == .signing)
        }
    }

    @Test func aSignerHasTheTimeOfTheDeadline() async throws {
        let receiver = try Receiver(endpoint: "https://r.example", audience: "a")
        // It does not heed that it is cancelled.
        let slow = Odd {
            await withCheckedContinuation { continuation in
                DispatchQueue.global().asyncAfter(deadline: .now() + 300) { continuation.resume() }
            }
            return .raw(Data())
        }
        let transmitter = try Transmitter(issuer: issuer, signer: slow)
        let began = Date()
        let error = try await failure {
            try await transmitter.emit(event, about: ada, to: receiver, options: .init(deadline: 0.1))
        }
        #expect(error.code == .deadlineExceeded && -began.timeIntervalSinceNow < 250)
    }

    @Test func anAlgorithmThatIsNoneIsRefused() async throws {
        struct Wrong: Signer {
            let algorithm: Algorithm
            let kid: String? = nil
            func signature(for signingInput: Data) async throws -> Signature { .raw(Data()) }
        }
        for name in ["none", "HS256", "", "es256"] {
            let error = try await failure {
                try Transmitter(issuer: issuer, signer: Wrong(algorithm: Algorithm(rawValue: name)))
            }
            #expect(error.code == .keyAlgorithmUnknown)
        }
    }
}
