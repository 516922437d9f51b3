import Foundation
internal import SSFTransmitterFFI

/// Accepts events, and keeps each until its receiver has it, or until you know why not. Share it; copies share the store.
///
/// ```swift
/// let outbox = try Outbox(path: "/var/lib/edr/outbox.db")
/// try await outbox.enqueue(CAEP.SessionRevoked(), about: .email("ada@example.com"), to: "acme")  // on the disk
/// try await OutboxWorker(outbox, transmitter, receivers: ["acme": acme]).run()
/// ```
///
/// An ``OutboxWorker`` sends what waits: in this process, or in another one with the same file. `docs/outbox.md` describes
/// what is promised, what stops and what goes on, and how to operate it.
///
/// Every call throws ``SSFError`` of the kind `outbox` if the store cannot be used, and `CancellationError` if its task is
/// cancelled. A call that is cancelled may take effect nevertheless; with an idempotency key, it can be repeated.
public struct Outbox: Sendable {
    let native: SSFTransmitterFFI.Outbox
    private let place: String

    init(_ settings: OutboxSettings) throws {
        native = try SSFTransmitter.native { try .open(settings: settings) }
        place = settings.path ?? "in memory"
    }

    /// Opens an outbox in a file. Blocks while it reads and writes.
    ///
    /// The file belongs to this package alone; no other program may open it. Several processes may use it.
    ///
    /// - Parameters:
    ///   - path: The file, which is created if it does not exist. Its folder must exist, on a local disk.
    ///   - seal: Encrypts what entries say.
    ///   - issuer: The issuer of the SETs. With it and `receivers`, entries are linted before they are accepted: what a
    ///     receiver would reject is an error of the kind `validation` then, and not a dead delivery.
    ///   - receivers: The receivers by name, as far as they are known. Entries for others are linted when they are sent.
    /// - Throws: ``SSFError`` with the code `outbox_place_invalid`, `outbox_version`, `outbox_corrupt` or
    ///   `outbox_unavailable`; of the kind `config` if only one of `issuer` and `receivers` is set.
    public init(
        path: String, seal: OutboxSeal? = nil, issuer: String? = nil, receivers: [String: Receiver]? = nil
    ) throws {
        try self.init(
            .init(
                path: path, capacity: nil, waits: false, seal: seal?.native, issuer: issuer,
                receivers: receivers?.mapValues(\.native)))
    }

    /// An outbox in the memory of this process: it survives an outage of a receiver, but not the process.
    ///
    /// - Parameters:
    ///   - capacity: How many deliveries there is room for; 100,000 by default.
    ///   - waitsWhenFull: Whether an entry waits for room. By default, it is the error `outbox_full`.
    ///   - seal: Encrypts what entries say.
    ///   - issuer: The issuer of the SETs, to lint entries.
    ///   - receivers: Receivers by name, to lint entries.
    public static func inMemory(
        capacity: Int? = nil, waitsWhenFull: Bool = false, seal: OutboxSeal? = nil, issuer: String? = nil,
        receivers: [String: Receiver]? = nil
    ) throws -> Self {
        try self.init(
            .init(
                path: nil, capacity: capacity.map(Int64.init), waits: waitsWhenFull, seal: seal?.native,
                issuer: issuer, receivers: receivers?.mapValues(\.native)))
    }

    /// Accepts an event for a receiver. Once this has returned, it is on the disk.
    ///
    /// - Parameters:
    ///   - event: The event.
    ///   - subject: The subject; `nil` if the event contains it, or has no subject.
    ///   - receiver: The name of the receiver. The worker looks it up when it sends.
    ///   - options: The other settings.
    /// - Throws: ``SSFError``: of the kind `validation` if event or subject violate a rule, of the kind `outbox` if it was not
    ///   accepted. Nothing was stored then.
    @discardableResult
    public func enqueue(
        _ event: some SecurityEvent, about subject: Subject?, to receiver: String,
        options: OutboxEntry.Options = .init()
    ) async throws -> Enqueued {
        try await enqueue(event, about: subject, to: [receiver], options: options)
    }

    /// Accepts an event for several receivers: one delivery, with its own `jti`, for each.
    @discardableResult
    public func enqueue(
        _ event: some SecurityEvent, about subject: Subject?, to receivers: [String],
        options: OutboxEntry.Options = .init()
    ) async throws -> Enqueued {
        let entry = OutboxEntry(event, about: subject, to: receivers, options: options)
        guard let enqueued = try await enqueueMany([entry]).first else {
            throw SSFError(.internal, "the store returned nothing for an entry")
        }
        return enqueued
    }

    /// Accepts entries: all of them or none. An error of an entry has its index as the first step of its `pointer`.
    @discardableResult
    public func enqueueMany(_ entries: [OutboxEntry]) async throws -> [Enqueued] {
        let crossing = try entries.enumerated().map { index, entry in
            do {
                return try entry.crossing()
            } catch var error as SSFError {
                error.pointer = "/\(index)\(error.pointer ?? "")"
                throw error
            }
        }
        return try await SSFTransmitter.native {
            try await native.enqueue(entries: crossing, cancellation: $0)
        }.map(Enqueued.init)
    }

    /// Accepts entries that ``OutboxEntry/json()`` wrote: all of them or none.
    ///
    /// So an entry that an app keeps in a table of its own, in its own transaction, comes into the outbox: read rows, enqueue
    /// them, then delete them. A repeat has no effect.
    ///
    /// ```swift
    /// let text = try OutboxEntry(CAEP.SessionRevoked(), about: .email("ada@example.com"), to: ["acme"]).json()
    /// // INSERT it in your transaction; later, enqueue the rows, then DELETE them:
    /// try await outbox.enqueueJSON([text])
    /// ```
    ///
    /// - Throws: ``SSFError`` with the code `outbox_entry_invalid` if a text is not what ``OutboxEntry/json()`` wrote. An error
    ///   of an entry has its index as the first step of its `pointer`.
    @discardableResult
    public func enqueueJSON(_ texts: [String]) async throws -> [Enqueued] {
        try await SSFTransmitter.native {
            try await native.enqueueJson(texts: texts, cancellation: $0)
        }.map(Enqueued.init)
    }

    /// The ledger in numbers: every delivery that was accepted is in exactly one of them.
    public func counts() async throws -> OutboxCounts {
        OutboxCounts(try await SSFTransmitter.native { try await native.counts(cancellation: $0) })
    }

    /// What to watch: the age of the oldest delivery that waits, the rate, receivers that are paused, the size of the file.
    public func health() async throws -> OutboxHealth {
        OutboxHealth(try await SSFTransmitter.native { try await native.health(cancellation: $0) })
    }

    /// Receivers by name with their states and counts; `after` is the last name of the page before.
    public func receivers(after: String? = nil, limit: Int = 100) async throws -> [OutboxReceiver] {
        try await SSFTransmitter.native {
            try await native.receivers(after: after, limit: Int64(limit), cancellation: $0)
        }.map(OutboxReceiver.init)
    }

    /// Deliveries in the order in which they were enqueued; `after` is the last one of the page before.
    ///
    /// ```swift
    /// for delivery in try await outbox.list(.init(states: [.dead])) {
    ///     print(delivery.jti, delivery.receiver, delivery.failure?.code ?? "-", delivery.failure?.remedy ?? "-")
    /// }
    /// ```
    public func list(
        _ filter: OutboxFilter = .init(), after: OutboxDelivery? = nil, limit: Int = 100
    ) async throws -> [OutboxDelivery] {
        let filter = try filter.crossing()
        let cursor = after.map { OutboxCursor(enqueuedAt: $0.enqueuedAt.timeIntervalSince1970, jti: $0.jti) }
        return try await SSFTransmitter.native {
            try await native.list(filter: filter, after: cursor, limit: Int64(limit), cancellation: $0)
        }.map(OutboxDelivery.init)
    }

    /// A delivery and its attempts; `nil` if the outbox does not have it, or no longer.
    public func history(of jti: String) async throws -> OutboxHistory? {
        try await SSFTransmitter.native { try await native.history(jti: jti, cancellation: $0) }.map(OutboxHistory.init)
    }

    /// Lets deliveries wait again that have ended, and returns how many. Without a state in the filter, it is the dead ones.
    ///
    /// - Parameters:
    ///   - filter: Which ones.
    ///   - dryRun: Only count them.
    ///   - freshJTI: Give each a new `jti`, for receivers that would ignore one that they know.
    @discardableResult
    public func replay(
        _ filter: OutboxFilter = .init(), dryRun: Bool = false, freshJTI: Bool = false
    ) async throws -> Int {
        let filter = try filter.crossing()
        return Int(
            try await SSFTransmitter.native {
                try await native.replay(filter: filter, dryRun: dryRun, freshJti: freshJTI, cancellation: $0)
            })
    }

    /// Discards deliveries that wait, and returns how many. A dry run only counts them.
    @discardableResult
    public func discard(_ filter: OutboxFilter = .init(), dryRun: Bool = false) async throws -> Int {
        let filter = try filter.crossing()
        return Int(
            try await SSFTransmitter.native {
                try await native.discard(filter: filter, dryRun: dryRun, cancellation: $0)
            })
    }

    /// Holds the deliveries to a receiver until ``release(_:)``. The outbox need not know the receiver yet.
    public func hold(_ receiver: String) async throws {
        try await SSFTransmitter.native { try await native.hold(receiver: receiver, cancellation: $0) }
    }

    /// Lets the deliveries to a held or paused receiver go.
    public func release(_ receiver: String) async throws {
        try await SSFTransmitter.native { try await native.release(receiver: receiver, cancellation: $0) }
    }

    /// Removes deliveries that ended long enough ago, and returns how many. Workers do this, too.
    ///
    /// - Parameters:
    ///   - delivered: How many seconds those are kept that were delivered: a day by default.
    ///   - dead: How many seconds those are kept that are dead: 30 days by default.
    ///   - discarded: How many seconds those are kept that were discarded: 7 days by default.
    @discardableResult
    public func prune(
        delivered: TimeInterval? = nil, dead: TimeInterval? = nil, discarded: TimeInterval? = nil
    ) async throws -> Int {
        let retention = OutboxRetention(delivered: delivered, dead: dead, discarded: discarded)
        return Int(
            try await SSFTransmitter.native { try await native.prune(retention: retention, cancellation: $0) })
    }

    /// Reads the whole file, and tells what is damaged: nothing if it is whole, or in memory. Takes as long as reading takes.
    public func check() async throws -> [String] {
        try await SSFTransmitter.native { try await native.check(cancellation: $0) }
    }

    /// Copies the outbox into a new file, as it is at one moment, while workers go on. Takes as long as reading and writing
    /// take.
    ///
    /// Never copy the file itself while it is open. A worker that runs on the copy sends again what was delivered since,
    /// with the same `jti`.
    ///
    /// - Parameter path: The new file. Its folder must exist.
    /// - Throws: ``SSFError`` with the code `outbox_place_invalid` if the file exists or its folder does not, and
    ///   `outbox_unavailable` if it cannot be written; of the kind `config` if the outbox is in memory. If the task is
    ///   cancelled, the backup goes on in the background.
    public func backup(to path: String) async throws {
        try await SSFTransmitter.native { try await native.backup(target: path, cancellation: $0) }
    }

    /// Closes the store, after all calls before. Stop the workers first. Closing twice is harmless; later calls throw
    /// `outbox_unavailable`.
    ///
    /// An outbox that goes without it closes its store in the background.
    public func close() async throws {
        try await SSFTransmitter.native { try await native.close(cancellation: $0) }
    }
}

extension Outbox {
    /// What was saved of a damaged outbox.
    public struct Salvaged: Hashable, Sendable {
        /// Deliveries that wait or are in flight, and are in the new file.
        public let kept: Int
        /// Those that are lost, as far as the counts of the receivers can still be read.
        public let lost: Int
        /// The path of the damaged file now, with its write-ahead log beside it.
        public let movedTo: String
    }

    /// Puts a damaged file aside, as `<name>.corrupt-<time>`, and copies what can be read of it into a new one.
    ///
    /// Call it when ``init(path:seal:issuer:receivers:)`` or another call throws `outbox_corrupt`, and tell a person what it returns.
    ///
    /// - Throws: ``SSFError`` with the code `outbox_unavailable` while a process has the outbox open. If the task is
    ///   cancelled, the salvage goes on in the background.
    public static func salvage(path: String) async throws -> Salvaged {
        let salvaged = try await SSFTransmitter.native { try await salvageOutbox(path: path, cancellation: $0) }
        return Salvaged(kept: Int(salvaged.kept), lost: Int(salvaged.lost), movedTo: salvaged.movedTo)
    }
}

extension Outbox: CustomStringConvertible, CustomReflectable {
    public var description: String { "Outbox(\(place))" }
    public var customMirror: Mirror { Mirror(self, children: ["place": place]) }
}

/// Which deliveries of an outbox: those for which every condition holds.
///
/// ```swift
/// let rejected = OutboxFilter(receiver: "acme", code: .receiverRejected, since: Date(timeIntervalSinceNow: -3600))
/// print(try await outbox.replay(rejected, dryRun: true))
/// ```
public struct OutboxFilter: Sendable {
    /// In one of these states; in any if there is none.
    public var states: [OutboxDelivery.State]
    /// To this receiver.
    public var receiver: String?
    /// With this event, by its id or URI.
    public var event: String?
    /// Whose last failure has this code.
    public var code: SSFError.Code?
    /// With one of these ids; with any if there is none.
    public var jtis: [String]
    /// About this subject.
    public var subject: Subject?
    /// Enqueued at this time or later.
    public var since: Date?
    /// Enqueued before this time.
    public var until: Date?

    /// Deliveries for which all of these hold; all deliveries without any.
    public init(
        states: [OutboxDelivery.State] = [], receiver: String? = nil, event: String? = nil, code: SSFError.Code? = nil,
        jtis: [String] = [], subject: Subject? = nil, since: Date? = nil, until: Date? = nil
    ) {
        self.states = states
        self.receiver = receiver
        self.event = event
        self.code = code
        self.jtis = jtis
        self.subject = subject
        self.since = since
        self.until = until
    }

    /// As it crosses to the core.
    func crossing() throws -> SSFTransmitterFFI.OutboxFilter {
        .init(
            states: states.map(\.rawValue), receiver: receiver, event: event, code: code?.rawValue, jtis: jtis,
            subject: try subject?.crossing(), since: since?.timeIntervalSince1970, until: until?.timeIntervalSince1970)
    }
}
