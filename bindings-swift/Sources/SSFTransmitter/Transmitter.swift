import Foundation
internal import SSFTransmitterFFI

/// Who sends: issuer, keys and one HTTP pool. Make one, share it; copies share the pool.
///
/// ```swift
/// let transmitter = try Transmitter(issuer: "https://edr.example.com", key: key)
/// let acme = try Receiver.okta("https://acme.okta.com")
/// let event = CAEP.DeviceComplianceChange(
///     previousStatus: .compliant, currentStatus: .notCompliant, reasonAdmin: ["en": "Disk encryption is off"])
/// let receipt = try await transmitter.emit(event, about: .email("ada@example.com"), to: acme)
/// ```
///
/// Nothing runs when nothing is sent. Cancelling a task ends the work of its call.
public struct Transmitter: Sendable {
    /// What can be set of a transmitter.
    public struct Options: Sendable {
        /// How many seconds an operation may take, from the call to its result; 30 if it is `nil`.
        public var deadline: TimeInterval?
        /// How often deliveries are tried.
        public var retry: RetryPolicy
        /// How findings are handled.
        public var lint: LintPolicy
        /// How to reach receivers.
        public var network: Network

        public init(
            deadline: TimeInterval? = nil, retry: RetryPolicy = RetryPolicy(), lint: LintPolicy = LintPolicy(),
            network: Network = Network()
        ) {
            self.deadline = deadline
            self.retry = retry
            self.lint = lint
            self.network = network
        }
    }

    let native: SSFTransmitterFFI.Transmitter
    let keys: KeySet
    /// The issuer: the `iss` of its SETs.
    public let issuer: String

    init(native: SSFTransmitterFFI.Transmitter, keys: KeySet, issuer: String) {
        self.native = native
        self.keys = keys
        self.issuer = issuer
    }

    /// A transmitter with the `iss` of its SETs, the exact `issuer` of its configuration, and a key.
    public init(issuer: String, key: SigningKey, options: Options = Options()) throws {
        try self.init(issuer: issuer, keys: KeySet(key), options: options)
    }

    /// A transmitter with an external signer.
    public init(issuer: String, signer: any Signer, options: Options = Options()) throws {
        try self.init(issuer: issuer, keys: KeySet(signer), options: options)
    }

    /// A transmitter with a set of keys, which signs with the one that is active.
    public init(issuer: String, keys: KeySet, options: Options = Options()) throws {
        let settings = TransmitterSettings(
            issuer: issuer, keys: keys.native, policy: policy(deadline: options.deadline, retry: options.retry),
            lint: options.lint.native, network: options.network.native)
        self.native = try SSFTransmitter.native { try .build(settings: settings) }
        self.keys = keys
        self.issuer = issuer
    }

    /// Sends an event: builds the SET in the receiver's dialect, signs it and delivers it.
    ///
    /// - Throws: ``SSFError``, or `CancellationError` if the task is cancelled.
    @discardableResult
    public func emit(
        _ event: some SecurityEvent, about subject: Subject?, to receiver: Receiver,
        options: EmitOptions = EmitOptions()
    ) async throws -> Receipt {
        try await emit(
            Emission(event, about: subject, to: receiver, options: options), limit: nil)
    }

    /// The first step of an emit: an unsigned SET for this receiver.
    public func prepare(
        _ event: some SecurityEvent, about subject: Subject?, to receiver: Receiver,
        options: EmitOptions = EmitOptions()
    ) throws -> UnsignedSET {
        let emission = try Emission(event, about: subject, to: receiver, options: options).crossing(limit: nil)
        return UnsignedSET(native: try SSFTransmitter.native { try native.prepare(emission: emission) })
    }

    /// The last step of an emit: delivers a signed SET. `deadline` is in seconds; of `retry` the members count that are given.
    @discardableResult
    public func deliver(
        _ set: SignedSET, to receiver: Receiver, deadline: TimeInterval? = nil, retry: RetryPolicy? = nil
    ) async throws -> Receipt {
        let options = DeliverOptions(policy: policy(deadline: deadline, retry: retry), limit: nil)
        return Receipt(
            try await SSFTransmitter.native { cancellation in
                try await native.deliver(
                    set: set.native, to: receiver.native, options: options, cancellation: cancellation)
            })
    }

    /// Sends many events, with a limit on concurrent requests; from 1 to 1024. Results come in the order
    /// in which they are done; emissions are taken only as there is room.
    ///
    /// ```swift
    /// let emissions = users.map { Emission(CAEP.SessionRevoked(), about: .email($0), to: acme) }
    /// for try await emitted in transmitter.emitAll(emissions) {
    ///     if case .failure(let error) = emitted.result { print(users[emitted.index], error) }
    /// }
    /// ```
    ///
    /// Leaving the loop, or cancelling its task, abandons pending calls.
    public func emitAll<Source: Sequence & Sendable>(
        _ emissions: Source, concurrency: Int = 32
    ) -> EmitAll<Listed<Source>> where Source.Element == Emission {
        emitAll(Listed(elements: emissions), concurrency: concurrency)
    }

    /// Sends many events from an asynchronous sequence. A slow sequence delays no result; an error that it throws
    /// ends the results, after those of its previous elements.
    public func emitAll<Source: AsyncSequence & Sendable>(
        _ emissions: Source, concurrency: Int = 32
    ) -> EmitAll<Source> where Source.Element == Emission {
        EmitAll(transmitter: self, source: emissions, concurrency: concurrency)
    }

    /// What would be found in a SET with this event and subject for this receiver, whatever is wrong with them. Nothing is sent.
    public func lint(
        _ event: some SecurityEvent, about subject: Subject?, to receiver: Receiver
    ) throws -> [Finding] {
        native.lint(event: try event.written(), subject: try subject?.written(), to: receiver.native).map(Finding.init)
    }

    /// Explains the answer of a receiver to a SET.
    public func explain(_ answer: Answer, of set: SignedSET? = nil, from receiver: Receiver) throws -> Explanation {
        try linter(for: receiver).explain(answer, of: set?.compact ?? "")
    }

    /// Explains why a SET was not delivered, from the error of an emit or a delivery.
    public func explain(_ error: SSFError, of set: SignedSET? = nil, from receiver: Receiver) throws -> Explanation {
        try linter(for: receiver).explain(error, of: set?.compact ?? "")
    }

    private func linter(for receiver: Receiver) -> Linter {
        var linter = Linter(dialect: receiver.dialect)
        linter.issuer = issuer
        linter.audience = receiver.audience
        linter.jwks = try? jwks()
        return linter
    }

    /// Checks this transmitter and a receiver end to end, in less than ten seconds: the documents that are published, the key
    /// in them, TLS, clock, token, and a SET with this event and subject.
    ///
    /// - Parameters:
    ///   - configurationURL: The URL of the transmitter configuration, if it is not the default for the issuer.
    ///   - send: Also send the event: the receiver gets a real SET.
    ///   - confirm: The org whose System Log is searched for the SET, once it is sent: the check `okta-log`. That takes
    ///     no longer than a call of it may, beyond the time of the other checks.
    public func doctor(
        _ event: some SecurityEvent, about subject: Subject?, to receiver: Receiver, configurationURL: URL? = nil,
        send: Bool = false, confirm providers: OktaProviders? = nil
    ) async throws -> Diagnosis {
        let (event, subject) = (try event.written(), try subject?.written())
        let options = DoctorOptions(
            configurationUrl: configurationURL?.absoluteString, send: send, confirm: providers?.native)
        if keys.signers.isEmpty {
            return Diagnosis(
                try await SSFTransmitter.native { cancellation in
                    try await native.doctor(
                        event: event, subject: subject, to: receiver.native, options: options,
                        cancellation: cancellation)
                })
        }
        let examination = try await SSFTransmitter.native { cancellation in
            try await native.examine(
                event: event, subject: subject, to: receiver.native, options: options, cancellation: cancellation)
        }
        return Diagnosis(try await examination.finish(by: keys.signers))
    }

    /// The keys to publish; of a signer, its ``Signer/publicKey``.
    ///
    /// - Throws: ``SSFError`` with the code `signer_public_key_missing` if a signer does not tell its public key: without it,
    ///   receivers could verify nothing.
    public func jwks() throws -> JWKS {
        try JWKS(json: SSFTransmitter.native { try native.jwks() })
    }

    /// Rejects new work with the code `transmitter_closed`, and waits for pending calls, which end within
    /// their deadlines. Then the connections are closed.
    ///
    /// Closing twice is harmless. A task that is cancelled waits no longer, and the transmitter stays closed. What
    /// needs no network still works. A transmitter that goes without it abandons nothing that a task waits for; the end
    /// of the process abandons all.
    public func close() async throws {
        try await SSFTransmitter.native { try await native.close(cancellation: $0) }
    }

    /// The counters of this transmitter and its copies.
    public var counters: Counters { Counters(native.counters()) }

    func emit(_ emission: Emission, limit: RequestLimit?) async throws -> Receipt {
        let crossing = try emission.crossing(limit: limit)
        if keys.signers.isEmpty {
            return Receipt(
                try await SSFTransmitter.native { try await native.emit(emission: crossing, cancellation: $0) })
        }
        let pending = try SSFTransmitter.native { try native.begin(emission: crossing) }
        return Receipt(try await pending.deliver(by: keys.signers))
    }
}

extension SSFTransmitterFFI.Pending {
    /// Signs the SET, and delivers it. It ends here in any case, and is counted.
    func deliver(by signers: Signers) async throws -> SSFTransmitterFFI.Receipt {
        guard let request = request() else {
            return try await SSFTransmitter.native { try await self.sign(cancellation: $0) }
        }
        do {
            let signature = try await signers[request.kid].signature(for: request)
            return try await SSFTransmitter.native {
                try await self.deliver(signature: signature.bytes, der: signature.isDER, cancellation: $0)
            }
        } catch {
            fail(code: (error as? SSFError)?.code.rawValue)
            throw error
        }
    }
}

extension SSFTransmitterFFI.Examination {
    /// Signs and sends the SET, if one waits, and gives all checks.
    func finish(by signers: Signers) async throws -> [SSFTransmitterFFI.Check] {
        guard let request = request() else {
            return try await SSFTransmitter.native { try await self.sign(cancellation: $0) }
        }
        let signature: Signature
        do {
            signature = try await signers[request.kid].signature(for: request)
        } catch let error as SSFError {
            return try await SSFTransmitter.native { try await self.fail(error: error.parts, cancellation: $0) }
        }
        return try await SSFTransmitter.native {
            try await self.finish(signature: signature.bytes, der: signature.isDER, cancellation: $0)
        }
    }
}

extension Transmitter: CustomStringConvertible, CustomReflectable {
    public var description: String { "Transmitter(\(issuer))" }
    public var customMirror: Mirror { Mirror(self, children: ["issuer": issuer]) }
}

/// The counters of one transmitter at one moment: `enqueued` is always `delivered + failed + inFlight`.
///
/// Each emit, each delivery, and each emission that `emitAll` takes counts once when it begins and once when it ends, whatever
/// ends it: an answer, an invalid event, lint, a signer that fails, a deadline. A call with a wrong setting, or on a closed
/// transmitter, does not begin. Preparing, signing and linting send nothing and count nothing.
public struct Counters: Hashable, Sendable {
    /// SETs enqueued.
    public let enqueued: Int
    /// Those that a receiver took.
    public let delivered: Int
    /// Those that were given up.
    public let failed: Int
    /// Pending SETs, including those that wait for a signature.
    public let inFlight: Int
    /// Requests that were sent.
    public let attempts: Int
    /// How many were given up, by the code of their errors; `abandoned` are those whose task was cancelled.
    public let failures: [SSFError.Code: Int]

    init(_ native: SSFTransmitterFFI.Counters) {
        enqueued = Int(native.enqueued)
        delivered = Int(native.delivered)
        failed = Int(native.failed)
        inFlight = Int(native.inFlight)
        attempts = Int(native.attempts)
        failures = Dictionary(
            uniqueKeysWithValues: native.failures.map { (SSFError.Code(rawValue: $0), Int($1)) })
    }
}
