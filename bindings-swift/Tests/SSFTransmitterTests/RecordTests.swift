import Foundation
import SSFTransmitter
import Testing

/// The members of what every language returns: `records.json`.
@Suite struct RecordTests {
    /// What is listed here exists, or this does not compile.
    private let listed: [String: [(String, AnyKeyPath)]] = [
        "Finding": [
            ("rule", \Finding.rule), ("severity", \Finding.severity), ("effect", \Finding.effect),
            ("code", \Finding.code), ("pointer", \Finding.pointer), ("message", \Finding.message),
            ("remedy", \Finding.remedy), ("doc", \Finding.doc), ("source", \Finding.source),
        ],
        "Explanation": [
            ("isDelivered", \Explanation.isDelivered), ("reason", \Explanation.reason),
            ("cause", \Explanation.cause), ("remedy", \Explanation.remedy), ("possible", \Explanation.possible),
            ("findings", \Explanation.findings), ("said", \Explanation.said),
        ],
        "Receipt": [
            ("jti", \Receipt.jti), ("set", \Receipt.set), ("status", \Receipt.status),
            ("attempts", \Receipt.attempts), ("answeredAt", \Receipt.answeredAt),
            ("isExpected", \Receipt.isExpected), ("notes", \Receipt.notes), ("findings", \Receipt.findings),
        ],
        "Error": [
            ("code", \SSFError.code), ("kind", \SSFError.kind), ("message", \SSFError.message),
            ("remedy", \SSFError.remedy), ("isRetryable", \SSFError.isRetryable), ("pointer", \SSFError.pointer),
            ("status", \SSFError.status), ("retryAfter", \SSFError.retryAfter),
            ("receiverError", \SSFError.receiverError), ("receiverDescription", \SSFError.receiverDescription),
            ("findings", \SSFError.findings), ("causes", \SSFError.causes),
        ],
        "Counters": [
            ("enqueued", \Counters.enqueued), ("delivered", \Counters.delivered), ("failed", \Counters.failed),
            ("inFlight", \Counters.inFlight), ("attempts", \Counters.attempts), ("failures", \Counters.failures),
        ],
        "Diagnosis": [("isHealthy", \Diagnosis.isHealthy), ("checks", \Diagnosis.checks)],
        "Check": [
            ("id", \Diagnosis.Check.id), ("outcome", \Diagnosis.Check.outcome),
            ("message", \Diagnosis.Check.message), ("remedy", \Diagnosis.Check.remedy),
            ("duration", \Diagnosis.Check.duration),
        ],
        "Enqueued": [
            ("jtis", \Enqueued.jtis), ("isRepeated", \Enqueued.isRepeated), ("findings", \Enqueued.findings),
        ],
        "OutboxCounts": [
            ("enqueued", \OutboxCounts.enqueued), ("waiting", \OutboxCounts.waiting),
            ("inFlight", \OutboxCounts.inFlight), ("delivered", \OutboxCounts.delivered),
            ("dead", \OutboxCounts.dead), ("expired", \OutboxCounts.expired),
            ("superseded", \OutboxCounts.superseded), ("removed", \OutboxCounts.removed),
        ],
        "OutboxHealth": [
            ("oldestWaiting", \OutboxHealth.oldestWaiting),
            ("deliveredInLastMinute", \OutboxHealth.deliveredInLastMinute), ("paused", \OutboxHealth.paused),
            ("fileBytes", \OutboxHealth.fileBytes), ("logBytes", \OutboxHealth.logBytes),
        ],
        "Delivery": [
            ("jti", \OutboxDelivery.jti), ("receiver", \OutboxDelivery.receiver), ("event", \OutboxDelivery.event),
            ("state", \OutboxDelivery.state), ("enqueuedAt", \OutboxDelivery.enqueuedAt),
            ("priority", \OutboxDelivery.priority), ("attempts", \OutboxDelivery.attempts),
            ("dueAt", \OutboxDelivery.dueAt), ("expiresAt", \OutboxDelivery.expiresAt),
            ("endedAt", \OutboxDelivery.endedAt), ("failure", \OutboxDelivery.failure),
            ("discard", \OutboxDelivery.discard),
        ],
        "History": [("delivery", \OutboxHistory.delivery), ("attempts", \OutboxHistory.attempts)],
        "Attempt": [
            ("at", \OutboxAttempt.at), ("duration", \OutboxAttempt.duration), ("kid", \OutboxAttempt.kid),
            ("status", \OutboxAttempt.status), ("failure", \OutboxAttempt.failure),
        ],
        "Failure": [
            ("remedy", \OutboxFailure.remedy), ("code", \OutboxFailure.code), ("message", \OutboxFailure.message),
            ("status", \OutboxFailure.status), ("receiverError", \OutboxFailure.receiverError),
            ("receiverDescription", \OutboxFailure.receiverDescription),
        ],
        "OutboxReceiver": [
            ("name", \OutboxReceiver.name), ("status", \OutboxReceiver.status), ("since", \OutboxReceiver.since),
            ("resumeAt", \OutboxReceiver.resumeAt), ("failure", \OutboxReceiver.failure),
            ("deliveredAt", \OutboxReceiver.deliveredAt), ("failedAt", \OutboxReceiver.failedAt),
            ("oldestWaiting", \OutboxReceiver.oldestWaiting), ("enqueued", \OutboxReceiver.enqueued),
            ("waiting", \OutboxReceiver.waiting), ("inFlight", \OutboxReceiver.inFlight),
            ("delivered", \OutboxReceiver.delivered), ("dead", \OutboxReceiver.dead),
            ("discarded", \OutboxReceiver.discarded),
        ],
        "WorkerHealth": [
            ("inFlight", \OutboxWorker.Health.inFlight), ("delivered", \OutboxWorker.Health.delivered),
            ("failed", \OutboxWorker.Health.failed), ("lost", \OutboxWorker.Health.lost),
            ("storeErrors", \OutboxWorker.Health.storeErrors), ("storeError", \OutboxWorker.Health.storeError),
        ],
        "Drained": [
            ("delivered", \OutboxWorker.Drained.delivered), ("failed", \OutboxWorker.Drained.failed),
        ],
    ]

    @Test func everyMemberExistsInSwift() throws {
        let records = try Vectors.read("records.json")["records"]?.object ?? [:]
        #expect(Set(records.keys) == Set(listed.keys))
        for (name, members) in listed {
            #expect(members.map { JSONValue.string($0.0) } == records[name]?["swift"].list, "\(name)")
        }
    }

    @Test func nothingIsStoredThatIsNotListed() async throws {
        let linter = Linter(dialect: try Dialect("okta"))
        let finding = try #require(linter.lint(CAEP.SessionRevoked(), about: .email("ada@example.com")).first)
        let explanation = try linter.explain(Answer(status: 202))
        let outbox = try Outbox.inMemory()
        let enqueued = try await outbox.enqueue(CAEP.SessionRevoked(), about: .email("ada@example.com"), to: "acme")
        let history = try #require(try await outbox.history(of: enqueued.jtis[0]))
        let receiver = try #require(try await outbox.receivers().first)
        let records: [(String, Any)] = [
            ("Finding", finding), ("Explanation", explanation), ("Enqueued", enqueued), ("History", history),
            ("Delivery", history.delivery), ("OutboxReceiver", receiver),
            ("OutboxCounts", try await outbox.counts()), ("OutboxHealth", try await outbox.health()),
        ]
        for (name, record) in records {
            let stored = Set(Mirror(reflecting: record).children.compactMap(\.label))
            #expect(stored.isSubset(of: Set((listed[name] ?? []).map(\.0))))
        }
    }
}
