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
        /// How often and how long deliveries are tried.
        public var retry: RetryPolicy
        /// What becomes of findings.
        public var lint: LintPolicy
        /// How to reach receivers.
        public var network: Network

        public init(
            retry: RetryPolicy = RetryPolicy(), lint: LintPolicy = LintPolicy(), network: Network = Network()
        ) {
            self.retry = retry
            self.lint = lint
            self.network = network
        }
    }

    private let native: SSFTransmitterFFI.Transmitter
    private let keys: KeySet?
    private let signer: (any Signer)?
    /// The issuer: the `iss` of its SETs.
    public let issuer: String

    /// A transmitter with the `iss` of its SETs, the exact `issuer` of its configuration, and a key.
    public init(issuer: String, key: SigningKey, options: Options = Options()) throws {
        try self.init(issuer: issuer, keys: KeySet(key), options: options)
    }

    /// A transmitter with a set of keys, which signs with the one that is active.
    public init(issuer: String, keys: KeySet, options: Options = Options()) throws {
        try self.init(issuer, .own(keys: keys.native), keys: keys, signer: nil, options)
    }

    /// A transmitter whose signatures are made elsewhere.
    public init(issuer: String, signer: any Signer, options: Options = Options()) throws {
        let elsewhere = Keys.elsewhere(algorithm: signer.algorithm.rawValue, kid: signer.kid)
        try self.init(issuer, elsewhere, keys: nil, signer: signer, options)
    }

    private init(
        _ issuer: String, _ native: Keys, keys: KeySet?, signer: (any Signer)?, _ options: Options
    ) throws {
        let settings = TransmitterSettings(
            issuer: issuer, keys: native, policy: options.retry.native, lint: options.lint.native,
            network: options.network.native)
        self.native = try SSFTransmitter.native { try .build(settings: settings) }
        self.keys = keys
        self.signer = signer
        self.issuer = issuer
    }

    /// Sends an event: builds the SET in the receiver's dialect, signs it and delivers it.
    ///
    /// - Throws: ``SSFError``, or `CancellationError` if the task is cancelled.
    @discardableResult
    public func emit(
        _ event: some SecurityEvent, about subject: Subject, to receiver: Receiver,
        options: EmitOptions = EmitOptions()
    ) async throws -> Receipt {
        try await emit(
            Emission(event, about: subject, to: receiver, options: options), limit: nil)
    }

    /// The first step of an emit: a SET for this receiver, complete but for its signature.
    public func prepare(
        _ event: some SecurityEvent, about subject: Subject, to receiver: Receiver,
        options: EmitOptions = EmitOptions()
    ) throws -> UnsignedSET {
        let emission = try Emission(event, about: subject, to: receiver, options: options).crossing(limit: nil)
        return UnsignedSET(native: try SSFTransmitter.native { try native.prepare(emission: emission) })
    }

    /// The last step of an emit: delivers a signed SET. `deadline` is in seconds.
    @discardableResult
    public func deliver(
        _ set: SignedSET, to receiver: Receiver, deadline: TimeInterval? = nil, retry: RetryPolicy? = nil
    ) async throws -> Receipt {
        try await deliver(set, to: receiver, policy: policy(deadline: deadline, retry: retry), limit: nil)
    }

    /// Sends many events, with a bound on how many requests are on the wire at once; from 1 to 1024. Results come in the order
    /// in which they are done; emissions are taken only as there is room.
    ///
    /// ```swift
    /// let emissions = users.map { Emission(CAEP.SessionRevoked(), about: .email($0), to: acme) }
    /// for try await emitted in transmitter.emitAll(emissions) {
    ///     if case .failure(let error) = emitted.result { print(users[emitted.index], error) }
    /// }
    /// ```
    ///
    /// Leaving the loop, or cancelling its task, abandons what is under way.
    public func emitAll<Source: Sequence & Sendable>(
        _ emissions: Source, concurrency: Int = 32
    ) -> EmitAll<Listed<Source>> where Source.Element == Emission {
        emitAll(Listed(elements: emissions), concurrency: concurrency)
    }

    /// Sends many events as they come from a sequence that is asynchronous. A slow one holds up no result; an error of its
    /// own ends the results, after those of all that it gave before.
    public func emitAll<Source: AsyncSequence & Sendable>(
        _ emissions: Source, concurrency: Int = 32
    ) -> EmitAll<Source> where Source.Element == Emission {
        EmitAll(transmitter: self, source: emissions, concurrency: concurrency)
    }

    /// What would be found in a SET with this event and subject for this receiver. Nothing is sent.
    public func lint(
        _ event: some SecurityEvent, about subject: Subject, to receiver: Receiver
    ) throws -> [Finding] {
        let (event, subject) = (try event.json(), try subject.crossing())
        return try SSFTransmitter.native {
            try native.lint(event: event, subject: subject, to: receiver.native)
        }.map(Finding.init)
    }

    /// What the answer of a receiver to a SET means, by what is known of both.
    public func explain(_ answer: Answer, of set: SignedSET? = nil, from receiver: Receiver) throws -> Explanation {
        var linter = Linter(dialect: receiver.dialect)
        linter.issuer = issuer
        linter.audience = receiver.audience
        linter.jwks = try keys?.jwks()
        return try linter.explain(answer, of: set?.compact ?? "")
    }

    /// Checks this transmitter and a receiver end to end, in less than ten seconds: the documents that are published, the key
    /// in them, TLS, clock, token, and a SET with this event and subject.
    ///
    /// - Parameters:
    ///   - configurationURL: Where the transmitter configuration is, if it is not where the issuer says.
    ///   - send: Send the event too: the receiver gets a real SET.
    public func doctor(
        _ event: some SecurityEvent, about subject: Subject, to receiver: Receiver, configurationURL: URL? = nil,
        send: Bool = false
    ) async throws -> Diagnosis {
        let (event, subject) = (try event.json(), try subject.crossing())
        let options = DoctorOptions(configurationUrl: configurationURL?.absoluteString, send: send)
        return Diagnosis(
            try await SSFTransmitter.native { cancellation in
                try await native.doctor(
                    event: event, subject: subject, to: receiver.native, options: options,
                    cancellation: cancellation)
            })
    }

    /// The keys to publish. None where a signer is elsewhere: see ``JWKS/init(publicKeyDER:kid:)``.
    public func jwks() throws -> JWKS? { try keys?.jwks() }

    /// What became of everything that this transmitter, and its copies, were to send.
    public var counters: Counters { Counters(native.counters()) }

    func emit(_ emission: Emission, limit: RequestLimit?) async throws -> Receipt {
        guard let signer else {
            let crossing = try emission.crossing(limit: limit)
            return Receipt(
                try await SSFTransmitter.native { try await native.emit(emission: crossing, cancellation: $0) })
        }
        let began = DispatchTime.now().uptimeNanoseconds
        let crossing = try emission.crossing(limit: limit)
        let unsigned = UnsignedSET(native: try SSFTransmitter.native { try native.prepare(emission: crossing) })
        var policy = crossing.options.policy ?? SSFTransmitterFFI.Policy(retry: nil, deadline: nil)
        let deadline = policy.deadline ?? native.deadline()
        let signature = try await signer.signature(for: unsigned.signingInput, within: deadline)
        let set = try unsigned.attach(signature)
        let passed = TimeInterval(DispatchTime.now().uptimeNanoseconds - began) * 1e-9
        policy.deadline = max(0, deadline - passed)
        return try await deliver(set, to: emission.receiver, policy: policy, limit: limit)
    }

    private func deliver(
        _ set: SignedSET, to receiver: Receiver, policy: Policy?, limit: RequestLimit?
    ) async throws -> Receipt {
        let options = DeliverOptions(policy: policy, limit: limit)
        return Receipt(
            try await SSFTransmitter.native { cancellation in
                try await native.deliver(
                    set: set.native, to: receiver.native, options: options, cancellation: cancellation)
            })
    }
}

extension Transmitter: CustomStringConvertible, CustomReflectable {
    public var description: String { "Transmitter(\(issuer))" }
    public var customMirror: Mirror { Mirror(self, children: ["issuer": issuer]) }
}

/// Counts of one transmitter, taken at one moment.
public struct Counters: Hashable, Sendable {
    /// SETs that were to be sent.
    public let enqueued: Int
    /// Those that a receiver took.
    public let delivered: Int
    /// Those that were given up.
    public let failed: Int
    /// Those that are under way.
    public let inFlight: Int
    /// Requests that were sent.
    public let attempts: Int
    /// How many were given up, by code.
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
