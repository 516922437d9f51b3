import Foundation
internal import SSFTransmitterFFI

/// Sends what waits in an ``Outbox``: claims deliveries, builds and signs SETs, delivers and settles them.
///
/// ```swift
/// let worker = OutboxWorker(outbox, transmitter) { name in
///     name == "acme" ? acme : nil  // in production, a customer in your database
/// }
/// let running = Task { try await worker.run() }
/// // At the end of the process:
/// running.cancel()
/// ```
///
/// Run as many as you need, in any number of processes. A worker does not end because of an error of the store: it tells the
/// error in its ``health`` and tries again.
///
/// Cancelling the task of ``run()`` stops the worker as ``stop()`` does: deliveries end within the grace, then `CancellationError`
/// is thrown. With a grace of 0, it ends at once.
public final class OutboxWorker: @unchecked Sendable {
    /// What can be set of a worker. A member that is `nil` has its default.
    public struct Options: Hashable, Sendable {
        /// How many deliveries are in flight at once; 64 by default.
        public var concurrency: Int?
        /// How many deliveries to one receiver are claimed at once; 8 by default.
        public var perReceiver: Int?
        /// How many seconds a claim holds; twice the deadline of the transmitter, and a minute at least, by default.
        public var lease: TimeInterval?
        /// How many seconds deliveries may take to end after a stop; the deadline of the transmitter by default.
        public var grace: TimeInterval?
        /// How often the worker looks at the store if nothing reports a change; once a second by default.
        public var poll: TimeInterval?
        /// How often a delivery is attempted; 25 by default.
        public var maxAttempts: Int?
        /// The longest wait before the second attempt; 2 seconds by default. Each further wait is twice as long.
        public var base: TimeInterval?
        /// The longest wait; an hour by default.
        public var maxBackoff: TimeInterval?
        /// How many seconds deliveries are kept that were delivered; a day by default.
        public var keepDelivered: TimeInterval?
        /// How many seconds deliveries are kept that are dead; 30 days by default.
        public var keepDead: TimeInterval?
        /// How many seconds deliveries are kept that were discarded; 7 days by default.
        public var keepDiscarded: TimeInterval?

        public init(
            concurrency: Int? = nil, perReceiver: Int? = nil, lease: TimeInterval? = nil, grace: TimeInterval? = nil,
            poll: TimeInterval? = nil, maxAttempts: Int? = nil, base: TimeInterval? = nil,
            maxBackoff: TimeInterval? = nil, keepDelivered: TimeInterval? = nil, keepDead: TimeInterval? = nil,
            keepDiscarded: TimeInterval? = nil
        ) {
            self.concurrency = concurrency
            self.perReceiver = perReceiver
            self.lease = lease
            self.grace = grace
            self.poll = poll
            self.maxAttempts = maxAttempts
            self.base = base
            self.maxBackoff = maxBackoff
            self.keepDelivered = keepDelivered
            self.keepDead = keepDead
            self.keepDiscarded = keepDiscarded
        }

        var native: WorkerOptions {
            WorkerOptions(
                concurrency: concurrency.map(Int64.init), perReceiver: perReceiver.map(Int64.init), lease: lease,
                grace: grace, poll: poll, maxAttempts: maxAttempts.map(Int64.init), base: base,
                maxBackoff: maxBackoff, keepDelivered: keepDelivered, keepDead: keepDead,
                keepDiscarded: keepDiscarded)
        }
    }

    /// A receiver was paused or resumed. There is one for each change, not one for each delivery.
    public struct Alert: Hashable, Sendable {
        /// The name of the receiver.
        public let receiver: String
        /// Why it is paused; `nil` if it is resumed.
        public let failure: OutboxFailure?
    }

    /// What a call of ``OutboxWorker/drain()`` did.
    public struct Drained: Hashable, Sendable {
        /// SETs that were delivered.
        public let delivered: Int
        /// Attempts that failed.
        public let failed: Int
    }

    /// How a worker is, since its run started. States and ages of deliveries are in the outbox.
    public struct Health: Hashable, Sendable {
        /// Deliveries in flight.
        public internal(set) var inFlight = 0
        /// SETs that were delivered.
        public internal(set) var delivered = 0
        /// Attempts that failed.
        public internal(set) var failed = 0
        /// Settlements that changed nothing, because the lease had ended.
        public internal(set) var lost = 0
        /// Errors of the store.
        public internal(set) var storeErrors = 0
        /// The code of the last error of the store, until an operation succeeds.
        public internal(set) var storeError: SSFError.Code?
    }

    private let outbox: Outbox
    private let transmitter: Transmitter
    private let find: @Sendable (String) async throws -> Receiver?
    private let options: Options
    private let onAlert: (@Sendable (Alert) async -> Void)?
    private let lock = NSLock()
    private var running: RunningWorker?
    private var isRunning = false
    private var isStopped = false

    /// A worker that finds receivers with a function.
    ///
    /// - Parameters:
    ///   - outbox: The outbox.
    ///   - transmitter: Who sends.
    ///   - receivers: Returns the receiver with a name, or `nil` if there is none. The worker keeps what it gets for five
    ///     minutes, or until the receiver rejects the sender. An error pauses the receiver with the code `receiver_unknown`, or
    ///     with its own code if it is an ``SSFError``.
    ///   - options: The settings.
    ///   - onAlert: Called when a receiver is paused or resumed: once for each change, one call after the other.
    ///     A run returns after the last call.
    public init(
        _ outbox: Outbox, _ transmitter: Transmitter, receivers: @escaping @Sendable (String) async throws -> Receiver?,
        options: Options = Options(), onAlert: (@Sendable (Alert) async -> Void)? = nil
    ) {
        self.outbox = outbox
        self.transmitter = transmitter
        self.options = options
        self.onAlert = onAlert
        find = receivers
    }

    /// A worker with a fixed set of receivers, by name.
    public convenience init(
        _ outbox: Outbox, _ transmitter: Transmitter, receivers: [String: Receiver], options: Options = Options(),
        onAlert: (@Sendable (Alert) async -> Void)? = nil
    ) {
        self.init(outbox, transmitter, receivers: { receivers[$0] }, options: options, onAlert: onAlert)
    }

    /// Runs until ``stop()``, or until its task is cancelled.
    ///
    /// - Throws: ``SSFError`` if a setting is wrong, or the transmitter or the outbox is closed; `CancellationError` if the
    ///   task is cancelled.
    public func run() async throws {
        _ = try await work(draining: false)
    }

    /// Sends what is ready now, and returns: for jobs that run from time to time. What waits for a time, such as a retry, stays.
    ///
    /// - Throws: What ``run()`` throws, and ``SSFError`` if the store fails.
    @discardableResult
    public func drain() async throws -> Drained {
        try await work(draining: true)
    }

    /// Asks the worker to end: it claims nothing more, and lets deliveries end within the grace. Those that have not ended
    /// then are released, and no attempt is spent. A worker that is stopped does not run again.
    public func stop() {
        let running = lock.withLock {
            isStopped = true
            return self.running
        }
        running?.stop()
    }

    /// How the worker is.
    public var health: Health {
        guard let told = lock.withLock({ running })?.health() else { return Health() }
        return Health(
            inFlight: Int(told.inFlight), delivered: Int(told.delivered), failed: Int(told.failed),
            lost: Int(told.lost), storeErrors: Int(told.storeErrors),
            storeError: told.storeError.map(SSFError.Code.init(rawValue:)))
    }

    private func work(draining: Bool) async throws -> Drained {
        try Task.checkCancellation()
        guard let running = try start(draining: draining) else { return Drained(delivered: 0, failed: 0) }
        defer { lock.withLock { isRunning = false } }
        // Not a child: while deliveries end within the grace, signers still sign.
        let answering = Task { await answer(running) }
        return try await withTaskCancellationHandler {
            let ended = await Task { try await native { _ in try await running.result() } }.result
            await answering.value
            let drained = try ended.get()
            try Task.checkCancellation()
            return Drained(delivered: Int(drained.delivered), failed: Int(drained.failed))
        } onCancel: {
            running.stop()
        }
    }

    /// Starts it, unless it was stopped: then it claims nothing.
    private func start(draining: Bool) throws -> RunningWorker? {
        try lock.withLock {
            if isStopped { return nil }
            if isRunning { throw SSFError(.configurationInvalid, "the worker is running; make another one") }
            let running = try native {
                try RunningWorker.start(
                    outbox: outbox.native, transmitter: transmitter.native, options: options.native, drain: draining)
            }
            (self.running, isRunning) = (running, true)
            return running
        }
    }

    /// Answers questions until the worker has ended.
    private func answer(_ running: RunningWorker) async {
        let (alerts, alert) = AsyncStream<Alert>.makeStream()
        // One after the other: that a receiver is resumed is told after it was paused.
        let telling = Task { for await alert in alerts { await onAlert?(alert) } }
        let answers = Tasks()
        while let question = await running.next() {
            switch question {
            case .receiver(let name, let answer): answers.start { await self.look(for: name, answer) }
            case .signature(let request, let answer): answers.start { await self.sign(request, answer) }
            case .paused(let receiver, let failure):
                alert.yield(Alert(receiver: receiver, failure: OutboxFailure(failure)))
            case .resumed(let receiver): alert.yield(Alert(receiver: receiver, failure: nil))
            }
        }
        answers.cancel()
        alert.finish()
        await telling.value
    }

    private func look(for name: String, _ answer: ReceiverAnswer) async {
        do {
            answer.found(receiver: try await find(name)?.native)
        } catch {
            // What an error says of itself may contain anything: only its type is told.
            let unknown = SSFError(.receiverUnknown, "the function that finds receivers threw \(type(of: error))")
            answer.failed(error: (error as? SSFError ?? unknown).parts)
        }
    }

    private func sign(_ request: SigningRequest, _ answer: SignatureAnswer) async {
        do {
            let signature = try await transmitter.keys.signers[request.kid].signature(for: request)
            answer.signed(signature: signature.bytes, der: signature.isDER)
        } catch {
            answer.failed(error: (error as? SSFError ?? SSFError(.signerFailed, "the signer was cancelled")).parts)
        }
    }
}

extension OutboxWorker: CustomStringConvertible, CustomReflectable {
    public var description: String { "OutboxWorker(\(outbox))" }
    public var customMirror: Mirror { Mirror(self, children: ["outbox": outbox]) }
}

/// Tasks that are let go when they end, and cancelled when nobody needs their results any more.
private final class Tasks: @unchecked Sendable {
    private let lock = NSLock()
    private var pending: [Int: Task<Void, Never>] = [:]
    private var started = 0

    func start(_ work: @escaping @Sendable () async -> Void) {
        lock.withLock {
            let number = started
            started += 1
            pending[number] = Task {
                await work()
                self.end(number)
            }
        }
    }

    func cancel() {
        for task in lock.withLock({ pending.values }) { task.cancel() }
    }

    private func end(_ number: Int) { lock.withLock { pending[number] = nil } }
}
