import Foundation
import SSFTransmitter
import Testing

/// Every event of the catalogue: its shared cases, through the type that is made for it, and as JSON.
@Suite struct EventTests {
    @Test func theTypesAreThoseOfTheVectors() throws {
        #expect(Set(EventList.current.map { $0.id }).count == EventList.current.count)
        #expect(try Vectors.count("events", "files") == EventList.current.count + 4)
    }

    @Test func validMembersGoThroughTheTypesUnchanged() throws {
        #expect(try check(EventList.current) > 150)
    }

    @available(*, deprecated, message: "it looks at the types that are")
    @Test func deprecatedOnesToo() throws {
        #expect(EventList.deprecated.count == 4)
        let all = try check(EventList.current) + check(EventList.deprecated)
        #expect(try all == Vectors.count("events", "valid"))
    }

    private func check(_ types: [any CatalogueEvent.Type]) throws -> Int {
        var count = 0
        for type in types {
            let file = try Vectors.read("events/\(type.id).json").object
            for one in file["valid"].list.map(\.object) {
                count += 1
                let json = try JSONValue.object([file["uri"].text: one["claims"] ?? nil]).json
                let event = try type.init(json: json)
                try event.validate()
                #expect(event.uri == file["uri"].text)
                let written = try JSONDecoder().decode(JSONValue.self, from: Data(event.json().utf8))
                let read = try JSONDecoder().decode(JSONValue.self, from: Data(json.utf8))
                #expect(written.normalized == read.normalized, "\(type.id): \(one.name)")
                #expect(try same(event, type.init(json: event.json())))
                #expect("\(event)" == "\(type)(…)")
            }
        }
        return count
    }

    private func same<Event: SecurityEvent>(_ event: Event, _ other: any SecurityEvent) -> Bool {
        event == other as? Event && event.hashValue == (other as? Event)?.hashValue
    }

    @Test func validMembersComeOutInTheSET() throws {
        var count = 0
        for file in try Vectors.folder("events") {
            for one in file["valid"].list.map(\.object) {
                count += 1
                let claims = try set(file, one).claimsBuilt
                #expect(claims["sub_id"]?.normalized == file["subject"]?.normalized)
                let members = claims["events"]?[file["uri"].text]?.object ?? [:]
                #expect((members["subject"] != nil) == hasSubject(file["id"].text))
                #expect(without(members) == shaped(file, one), "\(file["id"].text): \(one.name)")
                guard let receiver = receiver(of: file["id"].text) else { continue }
                var wanted = try set(file, one)
                wanted.dialect = try Dialect(receiver)
                let alone = !companions.contains(file["id"].text)
                if !alone { wanted.events.append(RISC.AccountPurged()) }
                let theirs = try wanted.claimsBuilt
                #expect(theirs["sub_id"] == nil)
                let shown = theirs["events"]?[file["uri"].text]?.object ?? [:]
                #expect((shown["subject"] != nil) == alone)
                #expect(without(shown) == shaped(file, one), "\(file["id"].text) for \(receiver): \(one.name)")
            }
        }
        #expect(try count == Vectors.count("events", "valid"))
    }

    @Test func invalidMembersAreRefusedByEventAndSET() throws {
        var count = 0
        for file in try Vectors.folder("events") {
            for one in file["invalid"].list.map(\.object) {
                count += 1
                let event = CustomEvent(uri: file["uri"].text, claims: one["claims"]?.object ?? [:])
                refused(one, file["id"].text) { try event.validate() }
                refused(one, file["id"].text) { try set(file, one).claimsBuilt }
            }
        }
        #expect(try count == Vectors.count("events", "invalid"))
    }

    private func set(_ file: Case, _ one: Case) throws -> SETParts {
        let event = CustomEvent(uri: file["uri"].text, claims: one["claims"]?.object ?? [:])
        var wanted = try parts(event, subject(file["subject"] ?? nil))
        wanted.txn = file["txn"]?.string
        return wanted
    }

    private let companions: Set = [
        "govuk.event-details", "govuk.event-metadata", "govuk.credential-change-information",
    ]
    private let subjectless: Set = [
        "oauth.client-credential-changed", "oauth.client-disabled", "oauth.client-enabled",
    ]

    private func hasSubject(_ id: String) -> Bool {
        let inside = ["login-gov.", "okta.", "govuk.", "oauth."].contains { id.hasPrefix($0) }
        return inside && !companions.contains(id) && !subjectless.contains(id)
    }

    private func receiver(of id: String) -> String? {
        switch id {
        case "govuk.credential-change-information": "govuk-app"
        case "login-gov.authorization-fraud-detected", "login-gov.identity-fraud-detected": "login-gov"
        case _ where id.hasPrefix("okta."): "okta"
        case _ where id.hasPrefix("govuk."): "govuk-one-login"
        default: nil
        }
    }

    private func without(_ members: Case) -> JSONValue { members.filter { $0.key != "subject" }.normalized }

    /// Claims as sent: times in whole seconds, and the subjects inside OAuth events in their older form.
    private func shaped(_ file: Case, _ one: Case) -> JSONValue {
        var members = one["claims"]?.object ?? [:]
        for (name, value) in members {
            if case .number(let number) = value { members[name] = .number(number.rounded(.down)) }
            if name == "token_subject", file["id"].text.hasPrefix("oauth.") {
                let inner = value.object.map { ($0 == "format" ? "subject_type" : $0, $1) }
                members[name] = .object(Dictionary(uniqueKeysWithValues: inner))
            }
        }
        return members.normalized
    }

    @Test func datesAreWrittenInTheirUnit() throws {
        let date = Date(timeIntervalSince1970: 1_767_225_600.25)
        let revoked = try CAEP.SessionRevoked(eventTimestamp: date, initiatingEntity: .policy).json()
        #expect(revoked.contains("\"event_timestamp\":1767225600.25"))
        #expect(revoked.contains("\"initiating_entity\":\"policy\""))
        let metadata = try GOVUK.EventMetadata(eventTimestampMs: date).json()
        #expect(metadata.contains("\"event_timestamp_ms\":1767225600250"))
    }

    @Test func aDateThatIsNoneIsRefusedWithItsPlace() async throws {
        for seconds in [Double.nan, .infinity, -.infinity, 1e300] {
            let event = CAEP.SessionRevoked(eventTimestamp: Date(timeIntervalSince1970: seconds))
            let error = try await failure { try event.json() }
            #expect(error.code == .eventMemberType)
            let uri = CAEP.SessionRevoked.uri.replacingOccurrences(of: "/", with: "~1")
            #expect(error.pointer == "/events/\(uri)/event_timestamp")
        }
    }

    @Test func membersOfOnesOwnAreKept() throws {
        let event = CAEP.SessionRevoked(
            reasonAdmin: ["en": "Lost"], otherMembers: ["ticket": 4711, "reason_admin": "not this"])
        let json = try JSONDecoder().decode(JSONValue.self, from: Data(event.json().utf8))
        #expect(json[event.uri] == ["reason_admin": ["en": "Lost"], "ticket": 4711])
    }

    @Test func anotherEventIsNotTakenForThisOne() async throws {
        let json = try RISC.AccountPurged().json()
        let error = try await failure { try CAEP.SessionRevoked(json: json) }
        #expect(error.kind == .validation)
    }

    @Test func contentIsNotPrinted() {
        let event = CAEP.SessionRevoked(reasonAdmin: ["en": "s3cret"], otherMembers: ["a": "s3cret"])
        let subject = Subject.email("s3cret@example.com")
        var dumped = ""
        dump(event, to: &dumped)
        dump(subject, to: &dumped)
        dump(CustomEvent(uri: "urn:x", claims: ["a": "s3cret"]), to: &dumped)
        for text in [dumped, "\(event)", String(reflecting: event), "\(subject)", String(reflecting: subject)] {
            #expect(!text.contains("s3cret"))
        }
    }

    private func failure<Value>(_ work: () throws -> Value) async throws -> SSFError {
        try await SSFTransmitterTests.failure { try work() }
    }
}
