import Foundation
import SSFTransmitter
import SSFTransmitterTesting
import Testing

/// What an outbox accepts, what it tells of it, and how it is repaired.
@Suite struct OutboxTests {
    private let event = CAEP.SessionRevoked(reasonAdmin: ["en": "Laptop lost"])
    private let ada = Subject.email("ada@example.com")
    private let bob = Subject.email("bob@example.com")
    private let folder: Folder
    private let path: String

    init() throws {
        folder = try Folder()
        path = folder.url.appendingPathComponent("outbox.db").path
    }

    @Test func aRepeatWithAKeyIsTheFirstEntry() async throws {
        let outbox = try Outbox(path: path)
        let options = OutboxEntry.Options(jti: "mine", idempotencyKey: "1")
        let first = try await outbox.enqueue(event, about: ada, to: "acme", options: options)
        #expect(first.jtis == ["mine"] && !first.isRepeated)
        let second = try await outbox.enqueue(event, about: ada, to: "acme", options: options)
        #expect(second.jtis == first.jtis && second.isRepeated)
        let error = try await failure {
            try await outbox.enqueue(event, about: bob, to: "acme", options: .init(idempotencyKey: "1"))
        }
        #expect(error.code == .outboxConflict && error.kind == .outbox && !error.remedy.isEmpty)
        #expect(try await outbox.counts().enqueued == 1)
    }

    @Test func aNewerEntryReplacesAnOlderOne() async throws {
        let outbox = try Outbox(path: path)
        let soon = Date(timeIntervalSinceNow: 3600)
        let enqueued = try await outbox.enqueueMany([
            OutboxEntry(event, about: ada, to: ["acme"], options: .init(priority: .low, supersedes: "risk")),
            OutboxEntry(
                event, about: ada, to: ["acme"],
                options: .init(notBefore: soon, maxAge: 2 * 86_400, priority: .high, supersedes: "risk")),
            OutboxEntry(event, about: ada, to: ["acme"], options: .init(eventTime: soon, isOrdered: true)),
        ])
        let superseded = try #require(try await outbox.list(.init(states: [.discarded])).first)
        #expect(superseded.jti == enqueued[0].jtis[0] && superseded.priority == .low)
        #expect(superseded.discard == .superseded(by: enqueued[1].jtis[0]) && superseded.endedAt != nil)
        let waiting = try #require(try await outbox.list(.init(jtis: enqueued[1].jtis)).first)
        let due = try #require(waiting.dueAt)
        #expect(waiting.priority == .high && abs(due.timeIntervalSince(soon)) < 0.001)
        #expect(abs(waiting.expiresAt.timeIntervalSince(due) - 2 * 86_400) < 0.001)
        let counts = try await outbox.counts()
        #expect(counts.enqueued == 3 && counts.waiting == 2 && counts.superseded == 1)
    }

    @Test func pagesFollowOneAnother() async throws {
        let outbox = try Outbox(path: path)
        let entries = (0..<5).map { OutboxEntry(event, about: ada, to: ["acme-\($0)"]) }
        try await outbox.enqueueMany(entries)
        var paged: [OutboxDelivery] = []
        while true {
            let page = try await outbox.list(after: paged.last, limit: 2)
            if page.isEmpty { break }
            paged += page
        }
        #expect(try await paged == outbox.list() && paged.count == 5)
        #expect(try await outbox.receivers(after: "acme-2").map(\.name) == ["acme-3", "acme-4"])
        #expect(try await outbox.receivers(limit: 1).map(\.waiting) == [1])
    }

    @Test func whatIsWrongWithAnEntryIsSaidAndNothingIsStored() async throws {
        let outbox = try Outbox(path: path)
        let good = OutboxEntry(event, about: ada, to: ["acme"])
        let never = Date(timeIntervalSince1970: .nan)
        let own = CustomEvent(uri: "urn:example:own", claims: ["n": .number(.nan)])
        for (bad, code, pointer) in [
            (OutboxEntry(event, about: .email("nobody"), to: ["acme"]), nil, "/1/sub_id/email"),
            (OutboxEntry(own, about: ada, to: ["acme"]), nil, "/1/events/urn:example:own/n"),
            (OutboxEntry(event, about: ada, to: []), SSFError.Code.outboxEntryInvalid, "/1"),
            (OutboxEntry(event, about: ada, to: ["a", "a"]), .outboxEntryInvalid, "/1"),
            (OutboxEntry(event, about: ada, to: ["a"], options: .init(maxAge: 15 * 86_400)), .outboxEntryInvalid, "/1"),
            (OutboxEntry(event, about: ada, to: ["a"], options: .init(maxAge: -1)), .configurationInvalid, "/1"),
            (OutboxEntry(event, about: ada, to: ["a"], options: .init(notBefore: never)), .configurationInvalid, "/1"),
        ] {
            let error = try await failure { try await outbox.enqueueMany([good, bad]) }
            #expect(error.pointer == pointer && (error.code == code || code == nil && error.kind == .validation))
            #expect(!"\(error)".contains("nobody"))
        }
        #expect(try await outbox.counts().enqueued == 0)
    }

    @Test func whatAReceiverWouldRejectIsNotAccepted() async throws {
        let okta = ["acme": try Receiver.okta("https://acme.okta.com")]
        let outbox = try Outbox(path: path, issuer: issuer, receivers: okta)
        let without = CAEP.SessionRevoked()
        let error = try await failure {
            try await outbox.enqueueMany([
                OutboxEntry(without, about: ada, to: ["globex"]), OutboxEntry(without, about: ada, to: ["acme"]),
            ])
        }
        #expect(error.kind == .validation && error.code == .eventMemberMissing)
        #expect(error.pointer?.hasPrefix("/1/events/") == true)
        #expect(try await outbox.counts().enqueued == 0)
        #expect(try await outbox.enqueue(without, about: ada, to: "globex").findings.isEmpty)
    }

    @Test func warningsOfLintAreReturned() async throws {
        let okta = ["acme": try Receiver.okta("https://acme.okta.com")]
        let outbox = try Outbox.inMemory(issuer: issuer, receivers: okta)
        let claims: [String: JSONValue] = [
            "event_timestamp": 1_615_304_991_643, "reason_admin": ["en": "Landspeed Policy Violation: C076E82F"],
        ]
        let guide = CustomEvent(
            uri: "https://schemas.openid.net/secevent/caep/event-type/session-revoked", claims: claims)
        let enqueued = try await outbox.enqueue(guide, about: ada, to: "acme")
        #expect(enqueued.findings.map(\.rule) == ["timestamp-unit-disputed"])
        #expect(enqueued.findings.map(\.severity) == [.warning])
    }

    @Test func entriesOfATableAreAcceptedOnce() async throws {
        let outbox = try Outbox(path: path)
        let texts = try [ada, bob].map { try OutboxEntry(event, about: $0, to: ["acme", "globex"]).json() }
        let first = try await outbox.enqueueJSON(texts)
        // The relay crashed before it deleted the rows.
        let again = try await outbox.enqueueJSON(texts)
        #expect(again.map(\.jtis) == first.map(\.jtis))
        #expect((first + again).map(\.isRepeated) == [false, false, true, true])
        let error = try await failure { try await outbox.enqueueJSON([texts[0], "{}"]) }
        #expect(error.code == .outboxEntryInvalid && error.pointer == "/1")
        #expect(try await outbox.counts().enqueued == 4)
        let nobody = OutboxEntry(event, about: .email("nobody"), to: ["acme"])
        #expect(try await failure { try nobody.json() }.pointer == "/sub_id/email")
    }

    @Test func theHealthIsTold() async throws {
        let outbox = try Outbox(path: path)
        #expect(try await outbox.health().oldestWaiting == nil)
        let jtis = try await outbox.enqueue(event, about: ada, to: "acme").jtis
        let health = try await outbox.health()
        let waiting = try #require(try await outbox.list(.init(jtis: jtis)).first)
        #expect(health.oldestWaiting == waiting.enqueuedAt)
        #expect(health.deliveredInLastMinute == 0 && health.paused == 0)
        #expect((health.fileBytes ?? 0) > 0 && health.logBytes != nil)
        let memory = try await Outbox.inMemory().health()
        #expect(memory.oldestWaiting == nil && memory.fileBytes == nil && memory.logBytes == nil)
    }

    @Test func aBackupIsAnOutbox() async throws {
        let outbox = try Outbox(path: path)
        try await outbox.enqueue(event, about: ada, to: "acme")
        let copy = folder.url.appendingPathComponent("copy.db").path
        try await outbox.backup(to: copy)
        try await outbox.enqueue(event, about: bob, to: "acme")
        let restored = try Outbox(path: copy)
        #expect(try await restored.check().isEmpty)
        #expect(try await restored.counts().waiting == 1)
        #expect(try await restored.list(.init(subject: ada)).count == 1)
        for wrong in [copy, path, folder.url.appendingPathComponent("missing/copy.db").path] {
            #expect(try await failure { try await outbox.backup(to: wrong) }.code == .outboxPlaceInvalid)
        }
        try await outbox.close()
        let later = folder.url.appendingPathComponent("later.db").path
        #expect(try await failure { try await outbox.backup(to: later) }.code == .outboxUnavailable)
    }

    @Test func wrongArgumentsAreRefused() async throws {
        let outbox = try Outbox.inMemory()
        for wrong: () async throws -> Void in [
            { _ = try await outbox.list(.init(states: ["lost"])) }, { _ = try await outbox.list(limit: -1) },
            { _ = try await outbox.receivers(limit: .max) }, { _ = try await outbox.prune(dead: -1) },
            { _ = try await outbox.list(.init(since: .init(timeIntervalSince1970: .infinity))) },
            { _ = try Outbox.inMemory(issuer: issuer) }, { _ = try Outbox.inMemory(receivers: [:]) },
            { try await outbox.backup(to: folder.url.appendingPathComponent("copy.db").path) },
            { _ = try Outbox.inMemory(capacity: -1) }, { _ = try OutboxSeal(indexKey: Data(), keys: []) },
            { _ = try OutboxSeal(indexKey: Data(count: 32), keys: [("1", Data(count: 31))]) },
        ] {
            #expect(try await failure { try await wrong() }.code == .configurationInvalid)
        }
    }

    @Test func aFileThatCannotBeUsedIsNamed() async throws {
        for path in [folder.url.path, folder.url.appendingPathComponent("missing/outbox.db").path, ""] {
            let error = try await failure { try Outbox(path: path) }
            #expect(error.code == .outboxPlaceInvalid && !error.remedy.isEmpty)
        }
    }

    @Test func aFullOutboxRefusesOrWaitsUntilItIsCancelled() async throws {
        let full = try Outbox.inMemory(capacity: 1)
        try await full.enqueue(event, about: ada, to: "acme")
        let error = try await failure { try await full.enqueue(event, about: ada, to: "acme") }
        #expect(error.code == .outboxFull && error.isRetryable)

        let waiting = try Outbox.inMemory(capacity: 1, waitsWhenFull: true)
        try await waiting.enqueue(event, about: ada, to: "acme")
        let second = Task { try await waiting.enqueue(event, about: bob, to: "acme") }
        second.cancel()
        await #expect(throws: CancellationError.self) { try await second.value }
        let third = Task { try await waiting.enqueue(event, about: bob, to: "acme") }
        #expect(try await waiting.discard(.init(subject: ada)) == 1)
        #expect(try await third.value.jtis.count == 1)
        #expect(try await waiting.list(.init(subject: bob)).count == 1)
    }

    @Test func aSealedFileShowsNothing() async throws {
        let (index, old, new) = (Data(repeating: 1, count: 32), Data(count: 32), Data(repeating: 3, count: 32))
        let sealed = try Outbox(path: path, seal: OutboxSeal(indexKey: index, keys: [("2026-10", old)]))
        try await sealed.enqueue(event, about: ada, to: "acme", options: .init(txn: "incident-4711"))
        try await sealed.close()
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.url.path) {
            let file = try Data(contentsOf: folder.url.appendingPathComponent(name))
            for secret in ["ada@example.com", "incident-4711", "Laptop lost"] {
                #expect(file.range(of: Data(secret.utf8)) == nil, "\(name)")
            }
        }
        let key = try await SigningKey.generate(.p256)
        let emulator = try await Emulator(keys: KeySet(key).jwks())
        let receivers = ["acme": try emulator.receiver()]
        let transmitter = try Transmitter(issuer: issuer, key: key)

        let locked = try Outbox(path: path)
        #expect(try await OutboxWorker(locked, transmitter, receivers: receivers).drain().failed == 1)
        let failed = try await locked.list().first?.failure
        #expect(failed?.code == .outboxKeyMissing)
        try await locked.release("acme")
        try await locked.close()

        let both = try OutboxSeal(indexKey: index, keys: [("2026-11", new), ("2026-10", old)])
        let rotated = try Outbox(path: path, seal: both)
        #expect(try await rotated.list(.init(subject: ada)).count == 1)
        try await rotated.replay()
        #expect(try await OutboxWorker(rotated, transmitter, receivers: receivers).drain().delivered == 1)
        #expect(try await emulator.received().first?["txn"] == "incident-4711")
    }

    @Test func aClosedOutboxSaysSo() async throws {
        for outbox in [try Outbox(path: path), try Outbox.inMemory()] {
            try await outbox.close()
            try await outbox.close()
            let error = try await failure { try await outbox.enqueue(event, about: ada, to: "acme") }
            #expect(error.code == .outboxUnavailable)
        }
        #expect(try await Outbox(path: path).counts().enqueued == 0)
    }

    @Test func aDamagedFileIsSalvaged() async throws {
        let outbox = try Outbox(path: path)
        try await outbox.enqueueMany((0..<400).map { OutboxEntry(event, about: .opaque("s-\($0)"), to: ["acme"]) })
        #expect(try await outbox.check().isEmpty)
        let open = try await failure { try await Outbox.salvage(path: path) }
        #expect(open.code == .outboxUnavailable)
        try await outbox.close()

        let file = try #require(FileHandle(forUpdatingAtPath: path))
        let size = try file.seekToEnd()
        for page in stride(from: size / 2, to: size, by: 16 * 4096) {
            try file.seek(toOffset: page / 4096 * 4096)
            try file.write(contentsOf: Data(repeating: 0xff, count: 4096))
        }
        try file.close()
        #expect(try await damaged())
        let salvaged = try await Outbox.salvage(path: path)
        #expect(salvaged.kept > 0 && salvaged.kept + salvaged.lost <= 400)
        #expect(FileManager.default.fileExists(atPath: salvaged.movedTo))
        let repaired = try Outbox(path: path)
        #expect(try await repaired.check().isEmpty)
        #expect(try await repaired.counts().waiting == salvaged.kept)
    }

    /// Whether the file is damaged, as opening it says or reading all of it.
    private func damaged() async throws -> Bool {
        do {
            let outbox = try Outbox(path: path)
            let checked = await Task { try await outbox.check() }.result
            try await outbox.close()
            return try !checked.get().isEmpty
        } catch let error as SSFError {
            return error.code == .outboxCorrupt
        }
    }

    @Test func nothingIsPrintedThatIsSecret() throws {
        let key = Data("s3cret-s3cret-s3cret-s3cret-1234".utf8)
        let seal = try OutboxSeal(indexKey: key, keys: [("2026-11", key)])
        let own = CustomEvent(uri: "urn:example:event", claims: ["a": "s3cret"])
        let options = OutboxEntry.Options(
            txn: "s3cret", companions: [own], idempotencyKey: "s3cret", supersedes: "s3cret")
        let entry = OutboxEntry(own, about: .opaque("s3cret"), to: ["acme"], options: options)
        let filter = OutboxFilter(receiver: "acme", subject: .opaque("s3cret"))
        var dumped = ""
        for value in [seal, options, entry, filter, try Outbox.inMemory(seal: seal)] as [Any] {
            dump(value, to: &dumped)
            dumped += "\(value) \(String(reflecting: value))"
        }
        #expect(!dumped.contains("s3cret") && !dumped.contains("115, 51, 99") && dumped.contains("acme"))
    }
}
