import Foundation
import SSFTransmitter
import SSFTransmitterTesting
import Testing

/// Input that nobody should give: it is refused with an error of ours, and the process goes on.
@Suite struct HostileTests {
    private let texts = [
        "", " ", "\0", "null", "[]", "{", "{}", "\u{FEFF}{}", String(repeating: "[", count: 100_000), "🔥", "\u{202E}",
        "{\"a\":1e999}", String(repeating: "x", count: 1_000_000), "a.b.c", "\"eyJ\"", "../../etc/passwd",
        "{\"urn:x\":null}", "{\"urn:x\":{}, \"urn:y\":{}}",
    ]

    @Test func textsThatAreNotWhatTheyShouldBe() async throws {
        for text in texts {
            for work: () throws -> Void in [
                { _ = try SigningKey(pem: text) }, { _ = try SigningKey(der: Data(text.utf8)) },
                { _ = try SigningKey(jwk: text) }, { _ = try SigningKey(jwks: text, kid: text) },
                { _ = try SignedSET(compact: text) }, { _ = try DecodedSET(compact: text) },
                { _ = try JWKS(publicKeyDER: Data(text.utf8)) }, { _ = try Dialect(text) },
                { _ = try TransmitterConfiguration(json: text) },
                { _ = try TransmitterConfiguration.wellKnownURL(issuer: text) },
                { _ = try Receiver(endpoint: text, audience: "a") }, { _ = try Receiver.okta(text) },
                { _ = try CAEP.SessionRevoked(json: text) },
            ] {
                let error = try await failure { try work() }
                #expect(!error.message.isEmpty && !error.remedy.isEmpty)
                #expect(text.count < 3 || text == "null" || text == "a.b.c" || !"\(error)".contains(text))
            }
            _ = Linter.lintJWKS(text)
            _ = try Linter().lint(text)
            _ = Conformance.check(configuration: text, at: text)
            _ = Conformance.check(tokenAnswer: text)
            _ = try Linter().explain(Answer(status: 400, body: Data(text.utf8)), of: text)
        }
    }

    @Test func numbersThatAreNoSpansAndNoTimes() async throws {
        let key = try await SigningKey.generate(.p256)
        let keys = KeySet(key)
        let next = try await SigningKey.generate(.p256)
        for number in [Double.nan, .infinity, -.infinity, -1, 1e300] {
            for options in [Transmitter.Options(deadline: number), .init(retry: RetryPolicy(base: number))] {
                let error = try await failure { try Transmitter(issuer: issuer, key: key, options: options) }
                #expect(error.kind == .config)
            }
            let rotated = try await failure { try keys.rotate(published: number) }
            #expect(rotated.kind == .config || rotated.kind == .key)
            guard number != -1 else { continue }
            let date = Date(timeIntervalSince1970: number)
            let staged = try await failure { try keys.stage(next, now: date) }
            #expect(staged.kind == .config)
            var parts = parts(CAEP.SessionRevoked(), .opaque("1"))
            parts.eventTime = date
            let built = try await failure { try parts.claimsBuilt }
            #expect(built.kind == .config)
        }
        for attempts in [0, -1, Int.min, Int.max] {
            let error = try await failure {
                try Transmitter(issuer: issuer, key: key, options: .init(retry: RetryPolicy(maxAttempts: attempts)))
            }
            #expect(error.kind == .config)
        }
        for concurrency in [0, -1, Int.min, Int.max] {
            let options = Receiver.Options(concurrency: concurrency)
            let error = try await failure {
                try Receiver(endpoint: "https://r.example", audience: "a", options: options)
            }
            #expect(error.kind == .config)
        }
        for rate in [0, -1, Double.nan, .infinity] {
            let error = try await failure {
                try Receiver(endpoint: "https://r.example", audience: "a", options: .init(rateLimit: rate))
            }
            #expect(error.kind == .config)
        }
        let transmitter = try Transmitter(issuer: issuer, key: key)
        for concurrency in [Int.min, 0, Int.max] {
            for try await _ in transmitter.emitAll([], concurrency: concurrency) {}
        }
        for status in [Int.min, -1, 65_536, Int.max] {
            let error = try await failure { try Linter().explain(Answer(status: status)) }
            #expect(error.kind == .config)
        }
    }

    @Test func membersThatJSONCannotCarry() async throws {
        let event = CustomEvent(uri: "urn:x", claims: ["n": .number(.nan)])
        #expect(try await failure { try event.validate() }.pointer == "/events/urn:x/n")
        let subject = Subject.custom(format: "own", members: ["n": .number(.infinity)])
        #expect(try await failure { try subject.validate() }.kind == .validation)
        var parts = parts(CAEP.SessionRevoked(), .opaque("1"))
        parts.claims = ["n": .number(-.infinity)]
        #expect(try await failure { try parts.claimsBuilt }.kind == .validation)
    }

    @Test func deepAndLargeEvents() async throws {
        var deep = JSONValue.string("x")
        for _ in 0..<200 { deep = .array([deep]) }
        let error = try await failure { try CustomEvent(uri: "urn:x", claims: ["d": deep]).validate() }
        #expect(error.code == .valueTooDeep)
        let large = CustomEvent(uri: "urn:x", claims: ["d": .string(String(repeating: "ä", count: 1_000_000))])
        try large.validate()
    }

    @Test func subjectsWithinSubjects() throws {
        let own = Subject.custom(format: "catalog_item", members: ["catalog_id": "c0384"])
        try own.validate()
        try Subject.complex(user: .email("ada@example.com"), otherMembers: ["item": own]).validate()
        #expect(throws: SSFError.self) { try Subject.aliases([]).validate() }
        #expect(throws: SSFError.self) { try Subject.email("").validate() }
        let nested = Subject.complex(user: .complex(user: .opaque("1")))
        #expect(throws: SSFError.self) { try nested.validate() }
    }

    @Test func destinationsThatAreNotForSETs() async throws {
        for endpoint in [
            "http://receiver.example.net", "https://user:pass@receiver.example.net", "ftp://r.example", "https://",
            "file:///etc/passwd", "https://r.example/#f",
        ] {
            let error = try await failure { try Receiver(endpoint: endpoint, audience: "a") }
            #expect(error.kind == .config && !"\(error)".contains("pass@"))
        }
        let transmitter = try Transmitter(issuer: issuer, key: try await SigningKey.generate(.p256))
        for address in ["127.0.0.1", "169.254.169.254", "10.0.0.1", "[::1]"] {
            let error = try await failure {
                let receiver = try Receiver(endpoint: "https://\(address)/events", audience: "a")
                try await transmitter.emit(CAEP.SessionRevoked(), about: .opaque("1"), to: receiver)
            }
            #expect(error.kind == .config || error.kind == .transport)
        }
    }

    /// What is written to such a connection is answered by a signal on Linux, which is not to end the process.
    @Test func receiversThatAreGone() async throws {
        let key = try await SigningKey.generate(.p256)
        for _ in 0..<40 {
            let emulator = try await Emulator(keys: KeySet(key).jwks(), tls: true)
            let network = Network(caBundles: [try #require(emulator.caPEM)])
            let transmitter = try Transmitter(issuer: issuer, key: key, options: .init(network: network))
            try await transmitter.emit(CAEP.SessionRevoked(), about: .opaque("1"), to: emulator.receiver())
            // Both end here, the one killed, the other with a word of farewell.
        }
    }

    @Test func anEmptyIssuerOrAudience() async throws {
        let key = try await SigningKey.generate(.p256)
        #expect(try await failure { try Transmitter(issuer: "", key: key) }.code == .issuerInvalid)
        #expect(
            try await failure { try Receiver(endpoint: "https://r.example", audience: "") }.code == .audienceMissing)
        #expect(
            try await failure { try Receiver(endpoint: "https://r.example", audience: []) }.code == .audienceMissing)
    }
}
