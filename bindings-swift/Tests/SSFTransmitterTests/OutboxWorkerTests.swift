import Foundation
import SSFTransmitter
import SSFTransmitterTesting
import Testing

/// Receivers that become known one after the other, and the names that a worker asked about.
actor Directory {
    private var known: [String: Receiver] = [:]
    private(set) var asked: [String] = []

    func learn(_ name: String, _ receiver: Receiver) { known[name] = receiver }

    func find(_ name: String) -> Receiver? {
        asked.append(name)
        return known[name]
    }
}

/// The alerts of a worker.
actor Alerts {
    private(set) var told: [OutboxWorker.Alert] = []
    func add(_ alert: OutboxWorker.Alert) { told.append(alert) }
}

/// Workers, against the receiver emulator.
@Suite struct OutboxWorkerTests {
    private let key: SigningKey
    private let transmitter: Transmitter
    private let folder: Folder
    private let path: String
    private let event = CAEP.SessionRevoked(reasonAdmin: ["en": "Laptop lost"])
    private let ada = Subject.email("ada@example.com")

    init() async throws {
        key = try await SigningKey.generate(.p256)
        transmitter = try Transmitter(issuer: issuer, key: key)
        folder = try Folder()
        path = folder.url.appendingPathComponent("outbox.db").path
    }

    private func emulator(_ rules: String? = nil) async throws -> Emulator {
        try await Emulator(keys: KeySet(key).jwks(), faults: rules.map { #"{ "rules": [\#($0)] }"# })
    }

    private func worker(
        _ outbox: Outbox, _ emulator: Emulator, _ options: OutboxWorker.Options = .init()
    ) throws -> OutboxWorker {
        OutboxWorker(outbox, transmitter, receivers: ["acme": try emulator.receiver()], options: options)
    }

    @Test func anEventIsDeliveredAsItWasAccepted() async throws {
        let emulators = [try await emulator(), try await emulator()]
        let outbox = try Outbox(path: path)
        let enqueued = try await outbox.enqueue(
            event, about: ada, to: ["acme", "globex"], options: .init(txn: "incident-4711"))
        try await outbox.close()
        // Another process would open it like this.
        let reopened = try Outbox(path: path)
        let receivers = ["acme": try emulators[0].receiver(), "globex": try emulators[1].receiver()]
        let worker = OutboxWorker(reopened, transmitter, receivers: receivers)
        #expect(worker.health == OutboxWorker(reopened, transmitter, receivers: [:]).health)
        let drained = try await worker.drain()
        #expect(drained.delivered == 2 && drained.failed == 0 && worker.health.delivered == 2)
        let counts = try await reopened.counts()
        #expect(counts.enqueued == 2 && counts.delivered == 2 && counts.waiting == 0)
        for (emulator, jti) in zip(emulators, enqueued.jtis) {
            let claims = try await emulator.assertReceived(CAEP.SessionRevoked.self, about: ada)
            #expect(claims["jti"] == .string(jti) && claims["txn"] == "incident-4711")
            let history = try #require(try await reopened.history(of: jti))
            #expect(claims["iat"]?.number == history.delivery.enqueuedAt.timeIntervalSince1970.rounded(.down))
            #expect(history.delivery.state == .delivered && history.delivery.event == "caep.session-revoked")
            let attempt = try #require(history.attempts.first)
            #expect(history.attempts.count == 1 && attempt.status == 202 && attempt.failure == nil)
            #expect(attempt.kid == key.kid && attempt.duration >= 0)
        }
        #expect(try await reopened.history(of: "unknown") == nil)
    }

    @Test func anEventThatIsRejectedIsDeadAndCanBeReplayed() async throws {
        let rejection = """
            { "status": { "status": 400, "err": "invalid_request", "description": "reason_admin is missing" } }
            """
        let emulator = try await emulator(#"{ "nth": 1, "fault": \#(rejection) }"#)
        let outbox = try Outbox(path: path)
        let jti = try await outbox.enqueue(event, about: ada, to: "acme").jtis[0]
        #expect(try await worker(outbox, emulator).drain().failed == 1)
        let dead = try #require(try await outbox.list(.init(states: [.dead])).first)
        #expect(dead.jti == jti && dead.receiver == "acme" && dead.attempts == 1 && dead.endedAt != nil)
        let why = try #require(dead.failure)
        #expect(why.code == .receiverRejected && why.status == 400 && why.receiverError == "invalid_request")
        #expect(why.receiverDescription == "reason_admin is missing" && !why.remedy.isEmpty && !why.message.isEmpty)
        #expect(!"\(dead)".contains("reason_admin"))

        #expect(try await outbox.replay(.init(code: .receiverRejected), dryRun: true) == 1)
        #expect(try await outbox.replay(.init(receiver: "globex")) == 0)
        #expect(try await outbox.replay(.init(jtis: [jti])) == 1)
        #expect(try await worker(outbox, emulator).drain().delivered == 1)
        #expect(try await emulator.received().map { $0["jti"] } == [.string(jti)])

        #expect(try await outbox.replay(.init(states: [.delivered]), freshJTI: true) == 1)
        #expect(try await outbox.discard(.init(subject: ada), dryRun: true) == 1)
        #expect(try await outbox.discard(.init(subject: .email("bob@example.com"))) == 0)
        #expect(try await outbox.discard(.init(subject: ada)) == 1)
        #expect(try await outbox.list(.init(states: [.discarded])).map(\.discard) == [.removed])
        #expect(try await outbox.prune(delivered: 0, discarded: 0) == 2)
    }

    @Test func aReceiverThatRejectsTheSenderIsPausedWithOneAlert() async throws {
        let broken = try await emulator(#"{ "fault": { "status": { "status": 403 } } }"#)
        let repaired = try await emulator()
        let outbox = try Outbox(path: path)
        for _ in 0..<3 { try await outbox.enqueue(event, about: ada, to: "acme") }
        let alerts = Alerts()
        let receivers = ["acme": try broken.receiver()]
        let working = OutboxWorker(outbox, transmitter, receivers: receivers) { await alerts.add($0) }
        #expect(try await working.drain().failed == 3)
        // All were told when the worker has returned.
        let told = await alerts.told
        #expect(told.map(\.receiver) == ["acme"] && told.first?.failure?.code == .receiverUnauthorized)
        let acme = try #require(try await outbox.receivers().first)
        #expect(acme.status == .paused && acme.waiting == 3 && acme.dead == 0)
        #expect(acme.resumeAt != nil && acme.failedAt != nil && acme.failure?.code == .receiverUnauthorized)
        try await outbox.release("acme")
        #expect(try await worker(outbox, repaired).drain().delivered == 3)

        try await outbox.hold("acme")
        try await outbox.enqueue(event, about: ada, to: "acme")
        #expect(try await worker(outbox, repaired).drain().delivered == 0)
        #expect(try await outbox.receivers().map(\.status) == [.held])
        try await outbox.release("acme")
        #expect(try await worker(outbox, repaired).drain().delivered == 1)
    }

    @Test func aReceiverThatIsUnknownMayBecomeKnown() async throws {
        let emulator = try await emulator()
        let (outbox, directory, alerts) = (try Outbox(path: path), Directory(), Alerts())
        let worker = OutboxWorker(outbox, transmitter, receivers: { await directory.find($0) }) { await alerts.add($0) }
        let running = Task { try await worker.run() }
        try await outbox.enqueue(event, about: ada, to: "acme")
        try await until { await alerts.told.count == 1 }
        #expect(await alerts.told.first?.failure?.code == .receiverUnknown)
        #expect(try await outbox.counts().waiting == 1)
        await directory.learn("acme", try emulator.receiver())
        try await outbox.release("acme")
        try await until { try await outbox.counts().delivered == 1 }
        // The worker asks about it once more, and then remembers it.
        for _ in 0..<5 { try await outbox.enqueue(event, about: ada, to: "acme") }
        try await until { try await outbox.counts().delivered == 6 }
        #expect(await directory.asked == ["acme", "acme"])
        worker.stop()
        try await running.value
        #expect(worker.health.delivered == 6 && worker.health.failed == 1 && worker.health.storeError == nil)
    }

    @Test func aFunctionThatThrowsPausesTheReceiver() async throws {
        let outbox = try Outbox.inMemory()
        try await outbox.enqueue(event, about: ada, to: "acme")
        let worker = OutboxWorker(outbox, transmitter) { _ in throw Refusal() }
        try await worker.drain()
        let acme = try #require(try await outbox.receivers().first)
        #expect(acme.status == .paused && acme.failure?.code == .receiverUnknown)
        let message = acme.failure?.message ?? ""
        #expect(message.contains("threw Refusal") && !message.contains("s3cret"))
    }

    @Test func aKeyThatIsSomewhereElseSigns() async throws {
        let enclave = try Enclave()
        let emulator = try await Emulator(keys: enclave.jwks)
        let outbox = try Outbox(path: path)
        let receivers = ["acme": try emulator.receiver()]
        for _ in 0..<20 { try await outbox.enqueue(event, about: ada, to: "acme") }
        let signing = try Transmitter(issuer: issuer, signer: enclave)
        #expect(try await OutboxWorker(outbox, signing, receivers: receivers).drain().delivered == 20)
        #expect(try await emulator.accepted().count == 20)
        #expect(await enclave.signatures == 20)

        // The key service is the sender's: nothing is spent, and nothing is lost.
        let jti = try await outbox.enqueue(event, about: ada, to: "acme").jtis[0]
        let failing = try Transmitter(issuer: issuer, signer: Odd { throw Refusal() })
        #expect(try await OutboxWorker(outbox, failing, receivers: receivers).drain().failed == 1)
        let waiting = try #require(try await outbox.history(of: jti)).delivery
        #expect(waiting.state == .waiting && waiting.attempts == 0 && waiting.failure?.code == .signerFailed)
        #expect(!(waiting.failure?.message ?? "").contains("s3cret"))
    }

    @Test func aSignatureThatIsNoneIsRefused() async throws {
        let emulator = try await emulator()
        let outbox = try Outbox.inMemory()
        try await outbox.enqueue(event, about: ada, to: "acme")
        let odd = try Transmitter(issuer: issuer, signer: Odd { .raw(Data([1])) })
        #expect(try await OutboxWorker(outbox, odd, receivers: ["acme": emulator.receiver()]).drain().failed == 1)
        #expect(try await outbox.list().first?.failure?.code.kind == .signing)
        #expect(try await emulator.requests().isEmpty)
    }

    @Test func aCancelledRunLetsDeliveriesEnd() async throws {
        let slow = try await emulator(#"{ "nth": 1, "fault": { "slow_headers": { "ms": 2000 } } }"#)
        let outbox = try Outbox(path: path)
        try await outbox.enqueue(event, about: ada, to: "acme")
        let worker = try worker(outbox, slow)
        let running = Task { try await worker.run() }
        try await until { worker.health.inFlight == 1 }
        running.cancel()
        await #expect(throws: CancellationError.self) { try await running.value }
        #expect(try await outbox.counts().delivered == 1)
    }

    @Test func aSignerStillSignsWhileACancelledRunEnds() async throws {
        let enclave = try Enclave()
        let emulator = try await Emulator(keys: enclave.jwks)
        let (asked, ask) = AsyncStream<Void>.makeStream()
        let (gate, open) = AsyncStream<Void>.makeStream()
        let signer = Gated(enclave: enclave, asked: ask, gate: gate)
        let outbox = try Outbox(path: path)
        try await outbox.enqueue(event, about: ada, to: "acme")
        let receivers = ["acme": try emulator.receiver()]
        let worker = OutboxWorker(outbox, try Transmitter(issuer: issuer, signer: signer), receivers: receivers)
        let running = Task { try await worker.run() }
        for await _ in asked {}
        running.cancel()
        open.finish()
        await #expect(throws: CancellationError.self) { try await running.value }
        #expect(try await outbox.counts().delivered == 1)
    }

    @Test func withoutGraceACancelledRunReleasesWhatItHas() async throws {
        let never = try await emulator(#"{ "fault": "never" }"#)
        let outbox = try Outbox(path: path)
        try await outbox.enqueue(event, about: ada, to: "acme")
        let worker = try worker(outbox, never, .init(grace: 0))
        let running = Task { try await worker.run() }
        try await until { try await !never.pushes().isEmpty || worker.health.inFlight == 1 }
        running.cancel()
        await #expect(throws: CancellationError.self) { try await running.value }
        let released = try #require(try await outbox.list().first)
        #expect(released.state == .waiting && released.attempts == 0)
    }

    @Test func aRunThatIsCancelledBeforeSendsNothing() async throws {
        let emulator = try await emulator()
        let outbox = try Outbox(path: path)
        try await outbox.enqueue(event, about: ada, to: "acme")
        let worker = try worker(outbox, emulator)
        let (gate, open) = AsyncStream<Void>.makeStream()
        let running = Task {
            for await _ in gate {}
            try await worker.run()
        }
        running.cancel()
        open.finish()
        await #expect(throws: CancellationError.self) { try await running.value }
        #expect(try await outbox.counts().waiting == 1)
        #expect(try await emulator.requests().isEmpty)
    }

    @Test func aWorkerRunsOnceAtATimeAndNotAfterItWasStopped() async throws {
        let emulator = try await emulator()
        let outbox = try Outbox(path: path)
        let worker = try worker(outbox, emulator)
        let running = Task { try await worker.run() }
        try await outbox.enqueue(event, about: ada, to: "acme")
        try await until { worker.health.delivered == 1 }
        #expect(try await failure { try await worker.drain() }.code == .configurationInvalid)
        worker.stop()
        try await running.value
        try await outbox.enqueue(event, about: ada, to: "acme")
        try await worker.run()
        #expect(try await outbox.counts().waiting == 1)
    }

    @Test func aClosedTransmitterEndsTheWorkerAndKeepsWhatWaits() async throws {
        let outbox = try Outbox.inMemory()
        try await outbox.enqueue(event, about: ada, to: "acme")
        let closed = try Transmitter(issuer: issuer, key: key)
        try await closed.close()
        let receiver = try Receiver(endpoint: "https://receiver.example.net/events", audience: .one(audience))
        let worker = OutboxWorker(outbox, closed, receivers: ["acme": receiver])
        #expect(try await failure { try await worker.run() }.code == .transmitterClosed)
        #expect(try await outbox.counts().waiting == 1)
    }

    @Test func wrongSettingsAreRefused() async throws {
        let outbox = try Outbox.inMemory()
        for options: OutboxWorker.Options in [
            .init(concurrency: 0), .init(concurrency: -1), .init(perReceiver: .max), .init(lease: 0), .init(grace: -1),
            .init(poll: 0), .init(poll: .nan), .init(maxAttempts: 0), .init(base: .infinity), .init(keepDead: -1),
        ] {
            let worker = OutboxWorker(outbox, transmitter, receivers: [:], options: options)
            #expect(try await failure { try await worker.run() }.code == .configurationInvalid, "\(options)")
        }
    }

    @Test func severalWorkersShareAFile() async throws {
        let emulator = try await emulator()
        let receivers = ["acme": try emulator.receiver()]
        let outbox = try Outbox(path: path)
        try await outbox.enqueueMany((0..<200).map { OutboxEntry(event, about: .opaque("s-\($0)"), to: ["acme"]) })
        let workers = try (0..<4).map { _ in OutboxWorker(try Outbox(path: path), transmitter, receivers: receivers) }
        let delivered = try await withThrowingTaskGroup(of: Int.self) { group in
            for worker in workers { group.addTask { try await worker.drain().delivered } }
            return try await group.reduce(0, +)
        }
        #expect(delivered == 200)
        #expect(try await emulator.accepted().values.allSatisfy { $0 == 1 })
        #expect(try await outbox.counts().delivered == 200)
    }
}

/// A signer that says when it is asked, and then waits at a gate.
private struct Gated: Signer {
    let enclave: Enclave
    let asked: AsyncStream<Void>.Continuation
    let gate: AsyncStream<Void>
    let algorithm = Algorithm.es256
    let kid: String?
    let publicKey: PublicKey?

    init(enclave: Enclave, asked: AsyncStream<Void>.Continuation, gate: AsyncStream<Void>) {
        (self.enclave, self.asked, self.gate) = (enclave, asked, gate)
        (kid, publicKey) = (enclave.kid, enclave.publicKey)
    }

    func signature(for signingInput: Data) async throws -> Signature {
        asked.finish()
        for await _ in gate {}
        try Task.checkCancellation()
        return try await enclave.signature(for: signingInput)
    }
}
