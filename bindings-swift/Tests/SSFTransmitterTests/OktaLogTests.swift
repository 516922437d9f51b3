import Foundation
import SSFTransmitter
import SSFTransmitterTesting
import Testing

/// Whether a SET arrived: Okta's System Log as the emulator plays it.
@Suite struct OktaLogTests {
    private static let events = ["security.events.provider.receive_event", "user.risk.detect"]
    private let ada = Subject.email("ada@example.com")

    /// An org that takes the SETs of a transmitter, and both.
    private struct World {
        let emulator: Emulator
        let transmitter: Transmitter
        let receiver: Receiver
        let providers: OktaProviders

        init(
            deadline: TimeInterval? = nil, faults: String? = nil, users: [String] = [], log: Emulator.Log = .init()
        ) async throws {
            let keys = KeySet(try await SigningKey.generate(.rsa2048))
            emulator = try await Emulator(
                like: .okta, keys: keys.jwks(), users: users, faults: faults, apiToken: "t0ken", log: log)
            transmitter = try Transmitter(issuer: issuer, keys: keys)
            receiver = try emulator.receiver(dialect: "okta")
            var retry = RetryPolicy()
            (retry.base, retry.maxBackoff) = (0.001, 0.02)
            providers = try OktaProviders(
                org: emulator.baseURL, .apiToken("t0ken"), deadline: deadline, retry: retry, allowsLoopback: true)
        }

        func emit(_ subject: Subject) async throws -> Receipt {
            try await transmitter.emit(OktaLogTests.risk, about: subject, to: receiver)
        }
    }

    private static var risk: Okta.UserRiskChange {
        var risk = Okta.UserRiskChange(currentLevel: .high, previousLevel: .low, eventTimestamp: Date())
        risk.reasonAdmin = ["en": "Impossible travel"]
        return risk
    }

    @Test func everySETIsFoundOrItsAbsenceExplained() async throws {
        for one in try Vectors.cases("okta-log.json", "receptions") {
            let (name, log) = (one["name"].text, one["log"])
            let settings = Emulator.Log(
                delay: (log?["delay_ms"]?.number ?? 0) / 1000, page: Int(log?["page"]?.number ?? 1000),
                jti: log?["jti"] == true)
            let faults = try one["script"].map { String(decoding: try JSONEncoder().encode($0), as: UTF8.self) }
            let world = try await World(faults: faults, users: one["users"].list.map(\.text), log: settings)
            let receipt = try await world.emit(ada)
            let deadline = (one["deadline_ms"]?.number ?? 20_000) / 1000
            if let code = one["error"] {
                let failed = try await failure { try await world.providers.received(receipt, deadline: deadline) }
                #expect(failed.code.rawValue == code.text && failed.kind == .api, "\(name)")
                continue
            }
            let reception = try await world.providers.received(receipt, deadline: deadline)
            let expected = one["expect"]
            #expect(reception.outcome.rawValue == expected?["outcome"].text, "\(name)")
            #expect(reception.certainty?.rawValue == expected?["certainty"]?.string, "\(name)")
            #expect(reception.events.map(\.eventType) == expected?["events"].list.map(\.text), "\(name)")
            let causes = expected?["causes"].list ?? []
            #expect(reception.causes.map(\.id.rawValue) == causes.map { $0["id"].text }, "\(name)")
            #expect(reception.causes.map(\.isCertain) == causes.map { $0["certain"] == true }, "\(name)")
            #expect(reception.causes.allSatisfy { !$0.meaning.isEmpty && !$0.remedy.isEmpty }, "\(name)")
            #expect(reception.causes.allSatisfy { Reception.Cause.ID.all.contains($0.id) }, "\(name)")
        }
    }

    @Test func anEntrySaysWhoAndWhatAndShowsNoPersonalData() async throws {
        let world = try await World(log: .init(jti: true))
        let receipt = try await world.emit(ada)
        #expect(abs(receipt.answeredAt.timeIntervalSinceNow) < 60)
        // Another process has the SET alone.
        let set = try SignedSET(compact: receipt.set.compact)
        let reception = try await world.providers.received(set, answeredAt: receipt.answeredAt)
        #expect(reception.outcome == .judged && reception.certainty == .exact)
        let arrival = try #require(reception.events.first)
        #expect(abs(try #require(arrival.published).timeIntervalSince(receipt.answeredAt)) < 60)
        #expect(arrival.targets.map(\.type) == ["User"] && arrival.targets.first?.alternateID == "ada@example.com")
        #expect(arrival.actor?.displayName == issuer && arrival.severity == "INFO" && arrival.result == "SUCCESS")
        #expect(arrival.reason == nil && arrival.displayMessage != nil)
        #expect(try arrival.debugData()?["jti"] == .string(receipt.jti))
        #expect(try arrival.members()["debugContext"]?["debugData"] == arrival.debugData().map(JSONValue.object))
        var dumped = ""
        dump(reception, to: &dumped)
        #expect(!dumped.contains("@example") && !"\(reception)".contains("@example"))
    }

    @Test func theLogIsReadPageByPageAndFollowed() async throws {
        let world = try await World(log: .init(page: 2))
        for _ in 0..<3 { _ = try await world.emit(ada) }
        let (since, later) = (Date(timeIntervalSinceNow: -3600), Date(timeIntervalSinceNow: 60))
        let all = Self.events + Self.events + Self.events
        func types(_ log: OktaLog) async throws -> [String] {
            try await log.reduce(into: []) { $0.append($1.eventType) }
        }
        #expect(try await types(world.providers.log(since: since)) == all)
        #expect(try await types(world.providers.log(since: since, until: later, pageSize: 1)) == all)
        let judged = world.providers.log(since: since, eventTypes: ["user.risk.detect"])
        #expect(try await types(judged) == Array(repeating: "user.risk.detect", count: 3))
        #expect(try await types(world.providers.log(since: since, eventTypes: [])).count == 6)
        #expect(try await types(world.providers.log(since: later)).isEmpty)

        var followed = world.providers.log(since: since, follow: 0.01).makeAsyncIterator()
        for type in all { #expect(try await followed.next()?.eventType == type) }
        async let emitted = world.emit(ada)
        #expect(try await followed.next()?.eventType == Self.events.first)
        _ = try await emitted

        let endless = world.providers.log(since: later, follow: 0.01)
        let waiting = Task { try await endless.first { _ in true } }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }

        let invalid: [(OktaLog, String?)] = [
            (world.providers.log(since: since, pageSize: 0), "/page_size"),
            (world.providers.log(since: since, pageSize: -1), nil),
            (world.providers.log(since: since, until: Date(timeIntervalSince1970: 0)), "/until"),
            (world.providers.log(since: since, eventTypes: ["x", "\""]), "/event_types/1"),
        ]
        for (log, pointer) in invalid {
            let refused = try await failure { try await types(log) }
            #expect(refused.code == .configurationInvalid && refused.pointer == pointer)
        }
    }

    @Test func aDoctorLooksForTheSET() async throws {
        // The emulator's own transmitter is not a registered provider: without the list there are no facts.
        let faults = #"[{"on": "api", "fault": {"status": {"status": 403}}}]"#
        let world = try await World(deadline: 2, faults: faults, users: ["ada@example.com"])
        func check(_ subject: Subject, send: Bool) async throws -> Diagnosis.Check? {
            let diagnosis = try await world.transmitter.doctor(
                Self.risk, about: subject, to: world.receiver, send: send, confirm: world.providers)
            return diagnosis.checks.first { $0.id == "okta-log" }
        }
        #expect(try await check(ada, send: true)?.outcome == .passed)
        #expect(try await check(ada, send: false)?.outcome == .skipped)
        let dropped = try #require(try await check(.email("eve@example.com"), send: true))
        #expect(dropped.outcome == .failed && dropped.message.contains("not a sign-in"))
        #expect(dropped.remedy.contains("username"))
    }
}
