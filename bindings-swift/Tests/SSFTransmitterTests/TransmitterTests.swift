import Foundation
import SSFTransmitter
import SSFTransmitterTesting
import Testing

/// Sending, against the receiver emulator.
@Suite struct TransmitterTests {
    let key: SigningKey
    let transmitter: Transmitter

    init() async throws {
        key = try await SigningKey.generate(.p256)
        transmitter = try Transmitter(issuer: issuer, key: key)
    }

    private var jwks: JWKS { get throws { try KeySet(key).jwks() } }
    private let event = CAEP.SessionRevoked(reasonAdmin: ["en": "Laptop lost"])
    private let ada = Subject.email("ada@example.com")

    @Test func anEventArrives() async throws {
        let emulator = try await Emulator(keys: jwks)
        let time = Date(timeIntervalSince1970: 1_767_225_600)
        let receipt = try await transmitter.emit(
            event, about: ada, to: emulator.receiver(),
            options: .init(txn: "incident-4711", eventTime: time, jti: "jti-1"))
        #expect(receipt.jti == "jti-1" && receipt.status == 202 && receipt.attempts == 1 && receipt.isExpected)
        #expect(receipt.notes.isEmpty)
        #expect(receipt.set.event == "caep.session-revoked" && receipt.set.jti == "jti-1")
        let claims = try #require(try await emulator.received().first)
        #expect(claims["iss"] == .string(issuer) && claims["aud"] == .string(audience))
        #expect(claims["txn"] == "incident-4711" && claims["toe"] == 1_767_225_600)
        #expect(claims["sub_id"] == ["format": "email", "email": "ada@example.com"])
        #expect(claims["events"]?[CAEP.SessionRevoked.uri]?["reason_admin"] == ["en": "Laptop lost"])
        #expect(transmitter.counters.delivered == 1 && transmitter.counters.attempts == 1)
    }

    @Test func whatIsRemarkableAboutTheAnswerIsNoted() async throws {
        let cases: [(String, [Receipt.Note])] = [
            (#"{ "fault": { "huge_body": { "bytes": 200000 } } }"#, [.bodyTooLong]),
            (
                #"{ "fault": { "status": { "status": 200, "body": "half", "after": true, "ends": "cut" } } }"#,
                [.unexpectedStatus, .bodyBroken]
            ),
            (
                #"{ "nth": 1, "fault": "lost_answer" }, { "nth": 2, "fault": { "status": { "status": 409 } } }"#,
                [.alreadyReceived]
            ),
        ]
        for (rules, notes) in cases {
            let emulator = try await Emulator(keys: jwks, faults: #"{ "rules": [\#(rules)] }"#)
            let receipt = try await transmitter.emit(event, about: ada, to: emulator.receiver())
            #expect(receipt.notes == notes)
            #expect(try await emulator.accepted().count == 1)
        }
    }

    @Test func oktaGetsItsOwnForm() async throws {
        let rsa = try await SigningKey.generate(.rsa2048)
        let transmitter = try Transmitter(issuer: issuer, key: rsa)
        let emulator = try await Emulator(like: .okta, keys: KeySet(rsa).jwks(), users: ["ada@example.com"])
        let acme = try Receiver.okta(
            emulator.baseURL, audience: .one(audience), options: .init(allowsLoopback: true))
        #expect(acme.dialect.id == "okta" && acme.audience == .one(audience) && "\(acme)".contains(acme.host))
        let risk = Okta.UserRiskChange(
            currentLevel: .high, previousLevel: .low, eventTimestamp: Date(), reasonAdmin: ["en": "Impossible travel"])
        try await transmitter.emit(risk, about: ada, to: acme)
        let claims = try #require(try await emulator.received().first)
        let members = claims["events"]?[risk.uri]
        #expect(members?["subject"]?["user"] == ["format": "email", "email": "ada@example.com"])
        #expect(claims["sub_id"] == nil)
    }

    @Test func govUKOneLoginGetsATokenFirst() async throws {
        let rsa = try await SigningKey.generate(.rsa2048)
        let transmitter = try Transmitter(issuer: issuer, key: rsa)
        let emulator = try await Emulator(
            like: .govUKOneLogin, keys: KeySet(rsa).jwks(), client: .init(id: "client", secret: "s3cret"))
        let credentials = ClientCredentials(
            tokenURL: try #require(emulator.tokenURL), clientID: "client", .basic(secret: "s3cret"))
        let receiver = try Receiver.govUKOneLogin(
            emulator.url, audience: .one(audience), credentials: credentials,
            options: .init(allowsLoopback: true))
        try await transmitter.emit(RISC.AccountPurged(), about: .uri("urn:fdc:gov.uk:2022:abc"), to: receiver)
        #expect(try await emulator.accepted().count == 1)

        let wrong = ClientCredentials(
            tokenURL: try #require(emulator.tokenURL), clientID: "client", .body(secret: "wr0ng"))
        let refusing = try Receiver.govUKOneLogin(
            emulator.url, audience: .one(audience), credentials: wrong, options: .init(allowsLoopback: true))
        let error = try await failure {
            try await transmitter.emit(RISC.AccountPurged(), about: .uri("urn:x"), to: refusing)
        }
        #expect(error.kind == .token && error.receiverError == "invalid_client")
        #expect(!"\(error) \(wrong)".contains("wr0ng"))
    }

    @Test func theSameBytesAreSentAgainAfterAFailure() async throws {
        let faults = """
            { "rules": [{ "nth": 1, "fault": "lost_answer" }, { "nth": 2, "fault": { "status": { "status": 503 } } }] }
            """
        let emulator = try await Emulator(keys: jwks, faults: faults)
        let receipt = try await transmitter.emit(event, about: ada, to: emulator.receiver())
        #expect(receipt.attempts == 3)
        let tried = try await emulator.pushes()
        #expect(tried.count == 3 && Set(tried.map { $0.claims?["jti"] }).count == 1)
    }

    @Test func theStepsAreThoseOfAnEmit() async throws {
        let emulator = try await Emulator(keys: jwks)
        let unsigned = try transmitter.prepare(event, about: ada, to: emulator.receiver(), options: .init(txn: "t"))
        #expect(unsigned.algorithm == .es256 && !unsigned.signingInput.isEmpty)
        #expect(try unsigned.decoded().claims["txn"] == "t")
        let set = try unsigned.sign(with: key)
        #expect(try set.decoded().verify(with: jwks).kid == key.kid)
        let receipt = try await transmitter.deliver(set, to: emulator.receiver(), deadline: 5)
        #expect(receipt.jti == unsigned.jti)
        #expect(try await emulator.received().first?["jti"] == .string(unsigned.jti))
    }

    @Test func companionsTravelBeside() async throws {
        let receiver = try Receiver(
            endpoint: "https://receiver.example.net", audience: "a", dialect: Dialect("govuk-one-login"),
            authorization: .bearer("t"))
        let metadata = GOVUK.EventMetadata(eventTimestampMs: Date())
        let set = try await Transmitter(issuer: issuer, key: SigningKey.generate(.rsa2048)).prepare(
            RISC.AccountPurged(), about: .uri("urn:x"), to: receiver, options: .init(companions: [metadata]))
        let events = try set.decoded().claims["events"]
        #expect(events?.object.count == 2 && events?[metadata.uri] != nil)
    }

    @Test func TLSIsChecked() async throws {
        let emulator = try await Emulator(keys: jwks, tls: true)
        let untrusting = try await failure {
            try await transmitter.emit(
                event, about: ada, to: emulator.receiver(), options: .init(retry: RetryPolicy.once))
        }
        #expect(untrusting.kind == .transport && !untrusting.remedy.isEmpty)
        let network = Network(caBundles: [try #require(emulator.caPEM)])
        let trusting = try Transmitter(issuer: issuer, key: key, options: .init(network: network))
        #expect(try await trusting.emit(event, about: ada, to: emulator.receiver()).status == 202)
    }

    @Test func aRotatedKeySignsWhatComesAfter() async throws {
        let keys = KeySet(key)
        let transmitter = try Transmitter(issuer: issuer, keys: keys)
        let next = try await SigningKey.generate(.p256)
        try keys.stage(next)
        #expect(keys.next?.kid == next.kid && keys.active.kid == key.kid)
        let emulator = try await Emulator(keys: keys.jwks())
        try await transmitter.emit(event, about: ada, to: emulator.receiver())
        let early = try await failure { try keys.rotate(published: 86_400) }
        #expect(early.code == .keySetTooEarly)
        #expect(try keys.rotate(published: 0) == key.kid)
        try await transmitter.emit(event, about: ada, to: emulator.receiver())
        let kids = try await emulator.pushes().map { $0.header?["kid"].text }
        #expect(kids == [key.kid, next.kid])
        try keys.remove(kid: key.kid)
        let published = try transmitter.jwks().keys.map(\.kid)
        #expect(keys.retired.isEmpty && published == [next.kid])
    }

    @Test func lintTellsWhatOktaWouldMiss() throws {
        let okta = try Receiver.okta("https://acme.okta.com")
        let rules = try transmitter.lint(CAEP.SessionRevoked(), about: ada, to: okta).map(\.rule)
        #expect(Set(rules).isSuperset(of: [.eventReasonMissing, .eventMemberMissing]))
        #expect(throws: SSFError.self) { try transmitter.prepare(CAEP.SessionRevoked(), about: ada, to: okta) }
    }

    @Test func findingsKeepASETFromBeingSentUnlessTheyAreAllowed() async throws {
        let emulator = try await Emulator(keys: jwks)
        let receiver = try emulator.receiver(dialect: "okta")
        let refused = try await failure { try await transmitter.emit(CAEP.SessionRevoked(), about: ada, to: receiver) }
        #expect(refused.kind == .validation || refused.kind == .signing || refused.kind == .key)
        #expect(refused.findings.contains { $0.rule == .eventReasonMissing })
        let allowing = LintPolicy(refuse: nil, report: .note)
        let receipt = try await transmitter.emit(
            CAEP.SessionRevoked(eventTimestamp: Date(), reasonAdmin: ["en": "Lost"]), about: ada,
            to: emulator.receiver(), options: .init(lint: allowing))
        #expect(receipt.status == 202)
        let unknown = try await failure {
            try await transmitter.emit(
                event, about: ada, to: receiver, options: .init(lint: LintPolicy(allow: ["no-such-rule"])))
        }
        #expect(unknown.kind == .config)
    }

    @Test func anAnswerIsExplained() async throws {
        let fault = """
            { "rules": [{ "fault": { "status": { "status": 400, "err": "invalid_audience", "description": "aud" } } }] }
            """
        let emulator = try await Emulator(keys: jwks, faults: fault)
        let error = try await failure { try await transmitter.emit(event, about: ada, to: emulator.receiver()) }
        #expect(error.kind == .delivery && error.status == 400)
        #expect(error.receiverError == "invalid_audience" && error.receiverDescription == "aud")
        let told = try transmitter.explain(error, from: emulator.receiver())
        #expect(!told.isDelivered && told.reason == "invalid_audience" && !told.remedy.isEmpty)
    }

    @Test func aDoctorLooksAtAllOfIt() async throws {
        let rsa = try await SigningKey.generate(.rsa2048)
        let documents = try Documents(KeySet(rsa).jwks())
        let emulator = try await Emulator(keys: KeySet(rsa).jwks(), from: documents.issuer)
        let transmitter = try Transmitter(issuer: documents.issuer, key: rsa)
        let told = try await transmitter.doctor(
            event, about: ada, to: emulator.receiver(), configurationURL: URL(string: documents.configuration),
            send: true)
        #expect(told["jwks-reachable"]?.outcome == .passed, "\(told.checks)")
        #expect(told.checks.allSatisfy { !$0.id.isEmpty && !$0.message.isEmpty })
        #expect(told.checks.allSatisfy { (0..<10).contains($0.duration) })
        #expect(try await emulator.accepted().count == 1)
    }

    @Test func nothingIsPrintedThatIsSecret() async throws {
        let pem = try key.exportPrivatePEM()
        var dumped = ""
        dump(key, to: &dumped)
        dump(transmitter, to: &dumped)
        dump(try Receiver(endpoint: "https://r.example", audience: "a", authorization: .bearer("s3cret")), to: &dumped)
        dump(Authorization.bearer("s3cret"), to: &dumped)
        dump(OktaProviders.Credentials.apiToken("s3cret"), to: &dumped)
        dump(ClientCredentials(tokenURL: "https://t.example", clientID: "c", .basic(secret: "s3cret")), to: &dumped)
        dump(ClientCredentials.Authentication.basic(secret: "s3cret"), to: &dumped)
        dump(Network(proxy: "http://user:s3cret@proxy.example"), to: &dumped)
        dump(Answer(status: 400, headers: [("a", "s3cret")], body: Data("s3cret".utf8)), to: &dumped)
        let said = Data(#"{ "err": "invalid_request", "description": "s3cret" }"#.utf8)
        let told = try Linter(dialect: Dialect("okta")).explain(Answer(status: 400, body: said))
        dump(told, to: &dumped)
        dumped += "\(told)"
        var parts = SETParts(issuer: issuer, audience: "a")
        parts.events = [CustomEvent(uri: "urn:example:event", claims: ["a": "s3cret"])]
        parts.subject = .opaque("s3cret")
        parts.claims = ["note": "s3cret"]
        let set = try parts.prepare(algorithm: key.algorithm, kid: key.kid).sign(with: key)
        let decoded = try set.decoded()
        dump([parts], to: &dumped)
        dump(set, to: &dumped)
        dump(decoded, to: &dumped)
        dumped += "\(parts) \(set) \(decoded) \(String(reflecting: decoded))"
        #expect(!dumped.contains(set.compact))
        #expect(!dumped.contains("s3cret") && !dumped.contains(pem.split(separator: "\n")[1]))
        #expect("\(key)" == "SigningKey(ES256, \(key.kid))")
    }
}
