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
        ],
    ]

    @Test func everyMemberExistsInSwift() throws {
        let records = try Vectors.read("records.json")["records"]?.object ?? [:]
        #expect(Set(records.keys) == Set(listed.keys))
        for (name, members) in listed {
            #expect(members.map { JSONValue.string($0.0) } == records[name]?["swift"].list, "\(name)")
        }
    }

    @Test func nothingIsStoredThatIsNotListed() throws {
        let linter = Linter(dialect: try Dialect("okta"))
        let finding = try #require(linter.lint(CAEP.SessionRevoked(), about: .email("ada@example.com")).first)
        let explanation = try linter.explain(Answer(status: 202))
        for (name, record) in [("Finding", finding as Any), ("Explanation", explanation)] {
            let stored = Set(Mirror(reflecting: record).children.compactMap(\.label))
            #expect(stored.isSubset(of: Set((listed[name] ?? []).map(\.0))))
        }
    }
}
