import Foundation
import SSFTransmitter
import Testing

/// A key elsewhere that does what a case wants.
struct Scripted: Signer {
    let enclave: Enclave
    let does: String
    let algorithm = Algorithm.es256
    let kid: String?
    let publicKey: PublicKey?

    init(_ does: String) throws {
        enclave = try Enclave()
        self.does = does
        (kid, publicKey) = (enclave.kid, enclave.publicKey)
    }

    func signature(for signingInput: Data) async throws -> Signature {
        switch does {
        case "fails": throw Refusal()
        case "malformed": return .raw(Data([1]))
        case "late": try await Task.sleep(nanoseconds: 60_000_000_000)
        default: break
        }
        return try await enclave.signature(for: signingInput)
    }
}

/// Behaviour at the surface that all languages share: `surface.json`.
@Suite(.serialized) struct SurfaceTests {
    /// What a case plays with.
    struct World {
        let transmitter: Transmitter
        /// Where no signer has it.
        let key: SigningKey?
        let emulator: Emulator
        let receiver: Receiver
    }

    private static func retry(_ value: JSONValue) -> RetryPolicy {
        RetryPolicy(
            maxAttempts: value["max_attempts"]?.number.map { Int($0) },
            attemptTimeout: value["attempt_timeout"]?.number, base: value["base"]?.number,
            maxBackoff: value["max_backoff"]?.number, maxRetryAfter: value["max_retry_after"]?.number)
    }

    private static func world(_ one: Case, sender: String? = nil, faults: String? = nil) async throws -> World {
        let policy = one["transmitter"]?["retry"].map(retry)
        let options = Transmitter.Options(
            deadline: one["transmitter"]?["deadline"]?.number,
            retry: policy ?? (one["attempts"] == nil ? .once : RetryPolicy()))
        let issuer = sender ?? SSFTransmitterTests.issuer
        let transmitter: Transmitter
        var own: SigningKey?
        if let does = one["signer"] {
            transmitter = try Transmitter(issuer: issuer, signer: Scripted(does.text), options: options)
        } else {
            let key = try await SigningKey.generate(.p256)
            transmitter = try Transmitter(issuer: issuer, key: key, options: options)
            own = key
        }
        let script = try faults ?? one["fault"].map { "{\"rules\":[{\"fault\":\(try $0.json)}]}" }
        let emulator = try await Emulator(keys: transmitter.jwks(), from: issuer, faults: script)
        let receiver = try emulator.receiver(dialect: one["dialect"]?.string)
        return World(transmitter: transmitter, key: own, emulator: emulator, receiver: receiver)
    }

    private static func event(_ one: Case) throws -> CustomEvent {
        try customEvent(one["event"] ?? Vectors.read("surface.json")["default"]?["event"] ?? .null)
    }

    private static func about(_ one: Case) throws -> Subject {
        try subject(one["subject"] ?? Vectors.read("surface.json")["default"]?["subject"] ?? .null)
    }

    private static func options(_ one: Case) -> EmitOptions {
        EmitOptions(deadline: one["call"]?["deadline"]?.number, retry: one["call"]?["retry"].map(retry))
    }

    private static func emit(_ one: Case, in world: World) async throws -> Receipt {
        try await world.transmitter.emit(event(one), about: about(one), to: world.receiver, options: options(one))
    }

    /// The code of an error, or nothing.
    private static func code<Value>(_ work: () async throws -> Value) async throws -> String? {
        do {
            _ = try await work()
            return nil
        } catch let error as SSFError {
            return error.code.rawValue
        }
    }

    private static func counted(_ counters: Counters) -> JSONValue {
        let failures = counters.failures.map { ($0.rawValue, JSONValue.integer(Int64($1))) }
        return .object([
            "enqueued": .integer(Int64(counters.enqueued)), "delivered": .integer(Int64(counters.delivered)),
            "failed": .integer(Int64(counters.failed)), "in_flight": .integer(Int64(counters.inFlight)),
            "attempts": .integer(Int64(counters.attempts)),
            "failures": .object(Dictionary(uniqueKeysWithValues: failures)),
        ])
    }

    private static func each(_ kind: String, _ check: (Case) async throws -> Void) async throws {
        for one in try Vectors.cases("surface.json", kind) {
            do {
                try await check(one)
            } catch {
                Issue.record("\(one.name): \(error)")
            }
        }
    }

    @Test func aCallOverridesWhatItNamesOfThePolicy() async throws {
        try await Self.each("policies") { one in
            let world = try await Self.world(one)
            #expect(try await Self.code { try await Self.emit(one, in: world) } == one["code"]?.string, "\(one.name)")
            #expect(Double(world.transmitter.counters.attempts) == one["attempts"]?.number, "\(one.name)")
        }
    }

    @Test func whateverEndsAnEmitIsCountedOnce() async throws {
        try await Self.each("counters") { one in
            let world = try await Self.world(one)
            let (event, about) = (try Self.event(one), try Self.about(one))
            for step in one["do"].list {
                switch step.text {
                case "emit":
                    let code = try await Self.code { try await Self.emit(one, in: world) }
                    #expect(code == one["code"]?.string, "\(one.name)")
                case "emit_all":
                    let emissions = try one["emissions"].list.map(\.object).map {
                        Emission(try Self.event($0), about: try Self.about($0), to: world.receiver)
                    }
                    for try await _ in world.transmitter.emitAll(emissions) {}
                case "deliver":
                    let unsigned = try world.transmitter.prepare(event, about: about, to: world.receiver)
                    let set = try unsigned.sign(with: #require(world.key))
                    try await world.transmitter.deliver(set, to: world.receiver)
                case "prepare": _ = try world.transmitter.prepare(event, about: about, to: world.receiver)
                default: _ = try world.transmitter.lint(event, about: about, to: world.receiver)
                }
            }
            #expect(Self.counted(world.transmitter.counters) == one["counters"], "\(one.name)")
        }
    }

    @Test func anEmitThatIsCancelledIsCountedAsAbandoned() async throws {
        for one: Case in [["fault": "never"], ["signer": "late"]] {
            let world = try await Self.world(one)
            let sending = Task { try await Self.emit([:], in: world) }
            while world.transmitter.counters.inFlight == 0 { await Task.yield() }
            sending.cancel()
            await #expect(throws: CancellationError.self) { try await sending.value }
            while world.transmitter.counters.inFlight != 0 { await Task.yield() }
            #expect(world.transmitter.counters.failures == [SSFError.Code(rawValue: "abandoned"): 1])
        }
    }

    @Test func lintFindsWhatIsWrongAndDoesNotThrow() throws {
        // What is no event has no form in Swift.
        let typed = try Vectors.cases("surface.json", "lint").filter { $0["untyped"] == nil }
        SSFTransmitterTests.each(typed) { one in
            let linter = Linter(dialect: try Dialect(one["dialect"]?.string ?? "ssf-1.0"))
            let findings =
                try one["text"].map { try linter.lint($0.text) }
                ?? linter.lint(Self.event(one), about: Self.about(one))
            let found = findings.map { finding in
                JSONValue.object([
                    "rule": .string(finding.rule.rawValue), "severity": .string(finding.severity.rawValue),
                    "pointer": .string(finding.pointer),
                ])
            }
            #expect(found == one["findings"].list, "\(one.name)")
        }
    }

    @Test func aDoctorSaysTheSameOfASignerAsOfAKey() async throws {
        try await Self.each("doctor") { one in
            // The documents tell the issuer, and the keys come before them.
            let does = one["signer"]?.text
            let signer = try does.map { try Scripted($0) }
            let key = try await SigningKey.generate(.p256)
            let own = try signer?.publicKey ?? key.withKid("enclave-1").publicKey
            let published =
                switch one["published"].text {
                case "other_kid": try PublicKey(jwk: own.jwk, kid: "another")
                case "other_key": try await SigningKey.generate(.p256).withKid("enclave-1").publicKey
                default: own
                }
            let documents = try Documents(JWKS(keys: [published]))
            let script = try one["fault"].map { "{\"rules\":[{\"fault\":\(try $0.json)}]}" }
            let emulator = try await Emulator(keys: JWKS(keys: [own]), from: documents.issuer, faults: script)
            let options = Transmitter.Options(retry: .once)
            let transmitter =
                if let signer {
                    try Transmitter(issuer: documents.issuer, signer: signer, options: options)
                } else {
                    try Transmitter(issuer: documents.issuer, key: key.withKid("enclave-1"), options: options)
                }
            let diagnosis = try await transmitter.doctor(
                Self.event(one), about: Self.about(one), to: emulator.receiver(), send: one["send"] == true)
            for expected in one["checks"].list {
                let check = try #require(diagnosis[expected["id"].text])
                #expect(check.outcome.rawValue == expected["outcome"].text, "\(one.name)")
                #expect(check.message.contains(expected["says"].text), "\(one.name): \(check.message)")
                #expect(check.remedy == expected["remedy"].text, "\(one.name)")
            }
        }
    }

    @Test func anErrorIsExplainedInTheSameWords() async throws {
        try await Self.each("explain") { one in
            let world = try await Self.world(one)
            let error = try await failure { try await Self.emit(one, in: world) }
            let told = try world.transmitter.explain(error, from: world.receiver)
            let expected = one["explanation"]
            #expect(told.reason == expected?["reason"].text, "\(one.name)")
            #expect(told.cause == expected?["cause"].text, "\(one.name)")
            #expect(told.remedy == expected?["remedy"].text, "\(one.name)")
            #expect(told.findings.map(\.rule.rawValue) == expected?["findings"].list.map(\.text), "\(one.name)")
        }
    }

    @Test func theKeysToPublishAreThoseOfTheSignerOrAnError() async throws {
        struct Published: Signer {
            let algorithm: Algorithm
            let kid: String?
            let publicKey: PublicKey?
            func signature(for signingInput: Data) async throws -> Signature { .raw(Data()) }
        }
        try await Self.each("jwks") { one in
            var key: PublicKey?
            if let pem = one["pem"] { key = try PublicKey(pem: pem.text) }
            if let der = one["der_base64"] { key = try PublicKey(der: Data(base64Encoded: der.text) ?? Data()) }
            if let jwk = one["jwk"] { key = try PublicKey(jwk: jwk.document) }
            let signer = Published(
                algorithm: Algorithm(rawValue: one["algorithm"].text), kid: one["kid"]?.string, publicKey: key)
            let jwks = { try Transmitter(issuer: issuer, signer: signer).jwks() }
            if let code = one["code"] {
                #expect(try await Self.code(jwks) == code.text, "\(one.name)")
            } else {
                let document = try JSONDecoder().decode(JSONValue.self, from: Data(jwks().json.utf8))
                #expect(document["keys"].list.first == one["published"], "\(one.name)")
            }
        }
    }

    @Test func aCloseWaitsForWhatIsUnderWayAndRefusesWhatIsNew() async throws {
        try await Self.each("close") { one in
            let slow = #"{"rules":[{"fault":{"slow_headers":{"ms":500}}}]}"#
            let world = try await Self.world(one, faults: slow)
            let count = Int(one["in_flight"]?.number ?? 0)
            let sending = (0..<count).map { _ in Task { try await Self.emit(one, in: world) } }
            while world.transmitter.counters.enqueued < count { await Task.yield() }
            try await world.transmitter.close()
            #expect(Self.counted(world.transmitter.counters) == one["counters"], "\(one.name)")
            for one in sending { _ = try await one.value }
            #expect(try await Self.code { try await Self.emit(one, in: world) } == "transmitter_closed")
            for try await emitted in try world.transmitter.emitAll([
                Emission(Self.event(one), about: Self.about(one), to: world.receiver)
            ]) {
                #expect(throws: SSFError.self) { try emitted.result.get() }
            }
            try await world.transmitter.close()
            let diagnosis = try await world.transmitter.doctor(
                Self.event(one), about: Self.about(one), to: world.receiver)
            #expect(diagnosis.checks.map(\.id) == ["transmitter"])
            #expect(try world.transmitter.jwks().keys.count == 1)
        }
    }
}
