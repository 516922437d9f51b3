import Foundation
import SSFTransmitter
import Testing

/// The examples of the receivers' guides are sent as printed.
@Suite struct GuideTests {
    private let changed = "okta-receiver-identifier-changed-pasted"
    private let disabled = "govuk-account-disabled-guidance-pasted"
    private let transmitter: Transmitter

    init() async throws {
        transmitter = try await Transmitter(issuer: issuer, key: .generate(.rsa2048))
    }

    private func okta(_ options: Receiver.Options = .init()) throws -> Receiver {
        try Receiver.okta("https://customer.okta.com", options: options)
    }

    private func govUK(_ options: Receiver.Options = .init()) throws -> Receiver {
        try Receiver.govUKOneLogin(
            "https://inbound.example.gov.uk/", audience: "https://ssf.account.gov.uk/",
            credentials: ClientCredentials(
                tokenURL: "https://auth.example.gov.uk/token", clientID: "id", .basic(secret: "secret")),
            options: options)
    }

    private func printed(_ name: String) throws -> (event: CustomEvent, events: JSONValue) {
        let events = try Vectors.read("sets/\(name).json").object["claims"]?.object["events"] ?? .null
        return (try customEvent(events), events)
    }

    @Test func examplesGoOutAsPrintedWithAWarning() throws {
        for (name, receiver, rule) in [
            (changed, try okta(), "timestamp-unit-disputed"),
            (changed, try okta(.init(timeUnit: .milliseconds)), "timestamp-unit-disputed"),
            (disabled, try govUK(), "subject-form-disputed"),
            (disabled, try govUK(.init(subjectShape: .legacy)), "subject-form-disputed"),
        ] {
            let (event, events) = try printed(name)
            let prepared = try transmitter.prepare(event, about: nil, to: receiver)
            #expect(try prepared.decoded().claims["events"]?.normalized == events.normalized)
            let severities = prepared.findings.filter { $0.rule.rawValue == rule }.map(\.severity)
            #expect(severities == [.warning], "\(name)")
        }
    }

    @Test func aSubjectBesideTheOneInTheEventHasToBeTheSame() async throws {
        let (event, _) = try printed(changed)
        _ = try transmitter.prepare(event, about: .email("john@doe.net"), to: okta())
        let error = try await failure {
            try transmitter.prepare(event, about: .email("ada@example.com"), to: okta())
        }
        #expect(error.code == .eventMemberForbidden)
        #expect(error.message.contains("differs from the subject passed"))
    }

    @Test func aReceiverThatReadsNoSubjectInEventsIsSentNone() async throws {
        let (event, _) = try printed(changed)
        let anyone = try Receiver(
            endpoint: "https://receiver.example.net/events", audience: "https://receiver.example.net")
        let error = try await failure { try transmitter.prepare(event, about: nil, to: anyone) }
        #expect(error.code == .eventMemberForbidden)
    }

    @Test func unitOfTimeAndShapeOfTheSubjectAreSettingsOfAReceiver() async throws {
        let change = RISC.IdentifierChanged(
            newValue: "b@example.com", eventTimestamp: Date(timeIntervalSince1970: 1_767_225_590))
        let milliseconds = try okta(.init(timeUnit: .milliseconds))
        let sent = try transmitter.prepare(change, about: .email("a@example.com"), to: milliseconds).decoded().claims
        #expect(sent["events"]?[change.uri]?["event_timestamp"] == 1_767_225_590_000)

        let disable = RISC.AccountDisabled(reason: .hijacking)
        let user = Subject.issSub(iss: "https://idp.example.com/", sub: "7375626A656374")
        let legacy = try govUK(.init(subjectShape: .legacy))
        let shaped = try transmitter.prepare(disable, about: user, to: legacy).decoded().claims
        #expect(shaped["events"]?[disable.uri]?["subject"]?["subject_type"] == "iss-sub")

        let error = try await failure {
            try Receiver(
                endpoint: "https://receiver.example.net/", audience: "https://receiver.example.net",
                options: .init(subjectShape: .legacy))
        }
        #expect(error.code == .configurationInvalid)
    }
}
