import Foundation
import SSFTransmitter
import SSFTransmitterTesting
import Testing

/// Concurrent calls, and calls whose task is cancelled.
@Suite struct ConcurrencyTests {
    let key: SigningKey
    let transmitter: Transmitter

    init() async throws {
        key = try await SigningKey.generate(.p256)
        transmitter = try Transmitter(issuer: issuer, key: key)
    }

    private var jwks: JWKS { get throws { try KeySet(key).jwks() } }
    private let event = CAEP.SessionRevoked(reasonAdmin: ["en": "Lost"])
    private let never = #"{ "rules": [{ "fault": "never" }] }"#

    @Test func aHundredTasksShareATransmitter() async throws {
        let emulator = try await Emulator(keys: jwks)
        let receiver = try emulator.receiver()
        try await withThrowingTaskGroup(of: String.self) { group in
            for number in 0..<100 {
                group.addTask {
                    try await transmitter.emit(event, about: .opaque("s-\(number)"), to: receiver).jti
                }
            }
            var ids: Set<String> = []
            for try await id in group { ids.insert(id) }
            #expect(ids.count == 100)
        }
        #expect(try await emulator.accepted().count == 100)
        #expect(transmitter.counters.delivered == 100 && transmitter.counters.inFlight == 0)
    }

    @Test func manyComeBackOneByOneAndNoneIsLost() async throws {
        let emulator = try await Emulator(keys: jwks)
        let receiver = try emulator.receiver()
        let emissions = (0..<500).map { number in
            // One in ten breaks a rule.
            Emission(event, about: number % 10 == 3 ? .email("no address") : .opaque("s-\(number)"), to: receiver)
        }
        var indices: Set<Int> = []
        var failures: Set<Int> = []
        for try await emitted in transmitter.emitAll(emissions, concurrency: 8) {
            indices.insert(emitted.index)
            #expect(emitted.emission.subject == emissions[emitted.index].subject)
            if case .failure(let error) = emitted.result {
                #expect((error as? SSFError)?.kind == .validation)
                failures.insert(emitted.index)
            }
        }
        #expect(indices == Set(0..<500) && failures == indices.filter { $0 % 10 == 3 })
        #expect(try await emulator.accepted().count == 450)
    }

    @Test func aSlowSourceHoldsUpNoResult() async throws {
        let emulator = try await Emulator(keys: jwks)
        let receiver = try emulator.receiver()
        let (source, feed) = AsyncStream<Emission>.makeStream()
        feed.yield(Emission(event, about: .opaque("first"), to: receiver))
        var results = transmitter.emitAll(source).makeAsyncIterator()
        let first = try #require(try await results.next())
        #expect(first.index == 0)
        // Only now does the source go on: the first result did not wait for it.
        feed.yield(Emission(event, about: .opaque("second"), to: receiver))
        feed.finish()
        #expect(try await results.next()?.index == 1)
        #expect(try await results.next() == nil)
    }

    @Test func aSourceThatFailsEndsAfterItsResults() async throws {
        struct Broken: Error {}
        let emulator = try await Emulator(keys: jwks)
        let emission = Emission(event, about: .opaque("1"), to: try emulator.receiver())
        let source = AsyncThrowingStream<Emission, any Error> { feed in
            feed.yield(emission)
            feed.finish(throwing: Broken())
        }
        var count = 0
        await #expect(throws: Broken.self) {
            for try await emitted in transmitter.emitAll(source) {
                _ = try emitted.result.get()
                count += 1
            }
        }
        #expect(count == 1)
    }

    @Test func emissionsAreTakenOnlyAsThereIsRoom() async throws {
        let emulator = try await Emulator(keys: jwks)
        let emission = Emission(event, about: .opaque("1"), to: try emulator.receiver())
        let taken = Tally()
        let source = AsyncStream<Emission>(unfolding: {
            await taken.add()
            return emission
        })
        // It never ends: without a bound this would not come back.
        var results = transmitter.emitAll(source, concurrency: 1).makeAsyncIterator()
        for _ in 0..<20 { _ = try await results.next()?.result.get() }
        #expect(await taken.count <= 20 + 16 + 1)
    }

    @Test func leavingTheLoopAbandonsTheRest() async throws {
        let emulator = try await Emulator(keys: jwks, faults: #"{ "rules": [{ "from": 2, "fault": "never" }] }"#)
        let receiver = try emulator.receiver()
        let emissions = (0..<20).map { Emission(event, about: .opaque("s-\($0)"), to: receiver) }
        for try await emitted in transmitter.emitAll(emissions, concurrency: 1) {
            _ = try emitted.result.get()
            break
        }
        try await until { transmitter.counters.inFlight == 0 }
    }

    @Test func cancellingATaskDropsItsWork() async throws {
        let emulator = try await Emulator(keys: jwks, faults: never)
        let receiver = try emulator.receiver()
        let task = Task { try await transmitter.emit(event, about: .opaque("1"), to: receiver) }
        try await until { transmitter.counters.attempts == 1 }
        #expect(transmitter.counters.inFlight == 1)
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(transmitter.counters.inFlight == 0)
    }

    @Test func aTaskThatIsCancelledBeforeSendsNothing() async throws {
        let emulator = try await Emulator(keys: jwks)
        let receiver = try emulator.receiver()
        let (gate, open) = AsyncStream<Void>.makeStream()
        let task = Task {
            for await _ in gate {}
            return try await transmitter.emit(event, about: .opaque("1"), to: receiver)
        }
        task.cancel()
        open.finish()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(try await emulator.pushes().isEmpty && transmitter.counters.attempts == 0)
    }

    @Test func cancellingEndsDeliverDoctorAndMany() async throws {
        let emulator = try await Emulator(keys: jwks, faults: never)
        let receiver = try emulator.receiver()
        let set = try transmitter.prepare(event, about: .opaque("1"), to: receiver).sign(with: key)
        let delivering = Task { try await transmitter.deliver(set, to: receiver) }
        let many = Task {
            for try await _ in transmitter.emitAll([Emission(event, about: .opaque("2"), to: receiver)]) {}
        }
        let doctor = Task { try await transmitter.doctor(event, about: .opaque("3"), to: receiver, send: true) }
        try await until { transmitter.counters.attempts >= 2 }
        for task in [delivering.cancel, many.cancel, doctor.cancel] { task() }
        await #expect(throws: CancellationError.self) { try await delivering.value }
        await #expect(throws: CancellationError.self) { try await many.value }
        await #expect(throws: CancellationError.self) { try await doctor.value }
        try await until { transmitter.counters.inFlight == 0 }
    }

    @Test func cancellingASignerEndsItsEmit() async throws {
        let (asked, ask) = AsyncStream<Void>.makeStream()
        let waiting = Odd {
            ask.finish()
            try await Task.sleep(nanoseconds: 60_000_000_000)
            return .raw(Data())
        }
        let transmitter = try Transmitter(issuer: issuer, signer: waiting)
        let receiver = try Receiver(endpoint: "https://r.example", audience: "a")
        let task = Task { try await transmitter.emit(event, about: .opaque("1"), to: receiver) }
        for await _ in asked {}
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func aDeadlineIsKept() async throws {
        let emulator = try await Emulator(keys: jwks, faults: never)
        let receiver = try emulator.receiver()
        let error = try await failure {
            try await transmitter.emit(event, about: .opaque("1"), to: receiver, options: .init(deadline: 0.2))
        }
        #expect(error.kind == .deadline || error.kind == .transport)
    }

    @Test func thousandsOfCancelledTasksLeaveNothingBehind() async throws {
        let emulator = try await Emulator(keys: jwks)
        let receiver = try emulator.receiver(options: .init(allowsLoopback: true, concurrency: 4))
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<1000 {
                group.addTask {
                    let task = Task { try await transmitter.emit(event, about: .opaque("s-\(number)"), to: receiver) }
                    if number % 3 != 0 { task.cancel() }
                    _ = try? await task.value
                }
            }
        }
        let counters = transmitter.counters
        #expect(counters.inFlight == 0 && counters.delivered >= 334)
    }
}

actor Tally {
    private(set) var count = 0
    func add() { count += 1 }
}
