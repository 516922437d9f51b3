import Foundation
import SSFTransmitter
import Testing

/// `values.json`: every value goes into a SET exactly, or is refused with its place.
@Suite struct ValueVectorTests {
    private static let uri = "urn:example:event"

    /// What stands for the rows of this language.
    private static let values: [String: JSONValue] = [
        "null": .null,
        "boolean": .bool(true),
        "text": .string("ü😀"),
        "text-nul": .string("a\0b"),
        "name-escaped": .object(["a/b~": .array([.number(.nan)])]),
        "integer": .integer(1),
        "integer-safe": .integer(9_007_199_254_740_991),
        "integer-beyond-safe": .integer(9_007_199_254_740_993),
        "integer-least": .integer(.min),
        "integer-largest": .unsigned(.max),
        "float": .number(0.1),
        "float-17-digits": .number(0.1 + 0.2),
        "float-whole": .number(1),
        "float-2-60": .number(0x1p60),
        "float-large": .number(1e300),
        "float-small": .number(.leastNonzeroMagnitude),
        "float-negative-zero": .number(-0.0),
        "float-nan": .number(.nan),
        "float-infinity": .number(.infinity),
        "float-minus-infinity": .number(-.infinity),
        "list": .array([1, "a", nil]),
        "list-empty": .array([]),
        "object": .object(["a": 1, "b": .object([:])]),
        "object-empty": .object([:]),
        "deep": lists(63),
        "too-deep": lists(64),
    ]

    private static func lists(_ depth: Int) -> JSONValue {
        (1..<depth).reduce(.array([])) { inner, _ in .array([inner]) }
    }

    /// A place where a value may stand.
    private struct Place: Sendable {
        let name: String
        /// The text around the value there.
        let around: (before: String, after: String)
        let pointer: String
        let put: @Sendable (JSONValue, inout SETParts) -> Void
    }

    private static let places = [
        Place(name: "event", around: (#"{"value":"#, "}"), pointer: "/events/\(uri)/value") { value, parts in
            parts.events = [CustomEvent(uri: uri, claims: ["value": value])]
        },
        Place(name: "subject", around: (#"{"format":"own","value":"#, "}"), pointer: "/value") { value, parts in
            parts.subject = .custom(format: "own", members: ["value": value])
        },
        Place(name: "claim", around: (#","value":"#, "}"), pointer: "/value") { value, parts in
            parts.claims = ["value": value]
        },
    ]

    private static func payload(_ set: UnsignedSET) -> String {
        let parts = String(decoding: set.signingInput, as: UTF8.self).split(separator: ".")
        let base64 = parts[1].replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
        let padded = base64 + String(repeating: "=", count: (4 - base64.count % 4) % 4)
        return String(decoding: Data(base64Encoded: padded) ?? Data(), as: UTF8.self)
    }

    private static func check(_ row: Case, _ outcome: JSONValue?, _ place: Place, _ work: () throws -> UnsignedSET) {
        let label = "\(row["id"].text)\(row["name"].text): \(place.name)"
        if let code = outcome?["code"] {
            let pointer = outcome?["pointer"]?.string.map { JSONValue.string(place.pointer + $0) } ?? .null
            refused(["name": .string(label), "code": code, "pointer": pointer]) { try work() }
            return
        }
        do {
            let set = try work()
            let wanted = place.around.before + (outcome?["json"].text ?? "") + place.around.after
            #expect(payload(set).contains(wanted), "\(label): \(payload(set))")
            let found = set.findings.map(\.rule.rawValue).filter { $0 == "integer-too-large" }
            #expect(found == outcome?["findings"].list.map(\.text) ?? [], "\(label)")
        } catch {
            Issue.record("\(label): \(error)")
        }
    }

    private static func prepared(_ change: (inout SETParts) throws -> Void) throws -> UnsignedSET {
        var parts = parts(CAEP.SessionRevoked(), .opaque("1"))
        try change(&parts)
        return try parts.prepare(algorithm: .rs256, kid: nil)
    }

    @Test func values() throws {
        let rows = try Vectors.cases("values.json", "values").filter { $0["given"]?["swift"] != nil }
        #expect(Set(rows.map { $0["id"].text }) == Set(Self.values.keys))
        for row in rows {
            let outcome = row["except"]?["swift"] ?? row["outcome"]
            let names = row["places"].list.map(\.text)
            for place in Self.places where names.isEmpty || names.contains(place.name) {
                Self.check(row, outcome, place) {
                    try Self.prepared { place.put(Self.values[row["id"].text] ?? .null, &$0) }
                }
            }
        }
    }

    @Test func texts() throws {
        let event = Place(name: "text", around: (#""value":"#, "}"), pointer: "/events/\(Self.uri)") { _, _ in }
        for row in try Vectors.cases("values.json", "texts") {
            Self.check(row, row["except"]?["swift"] ?? row["outcome"], event) {
                let read = try CustomEvent(json: "{ \"\(Self.uri)\": \(row["text"].text) }")
                return try Self.prepared { $0.events = [read] }
            }
        }
    }

    /// A custom decoder reads exact values too, or fails there.
    @Test func numbersOfOtherDecoders() throws {
        let read = { (text: String) in try JSONDecoder().decode([JSONValue].self, from: Data(text.utf8)) }
        #expect(try read("[18446744073709551615, 9007199254740993]") == [.unsigned(.max), 9_007_199_254_740_993])
        #expect(try read("[0.1, 1e300, 0.30000000000000004]") == [0.1, 1e300, .number(0.1 + 0.2)])
        for text in ["[18446744073709551616]", "[0.1000000000000000055511151231257827]"] {
            #expect(throws: DecodingError.self) { try read(text) }
        }
    }

    @Test func valuesInEveryPlaceThatTakesAny() throws {
        var event = CAEP.TokenClaimsChange(claims: ["a": 1])
        event.otherMembers = ["more": [.number(.nan)]]
        let pointer = "/events/" + event.uri.replacingOccurrences(of: "/", with: "~1") + "/more/0"
        refused(["code": "value_not_json", "pointer": .string(pointer)]) { try event.validate() }
        let inside = Subject.complex(otherMembers: ["own": .custom(format: "own", members: ["a": .number(.nan)])])
        refused(["code": "value_not_json", "pointer": "/own/a"]) { try inside.validate() }
        let deep = CustomEvent(uri: Self.uri, claims: ["a": Self.lists(500)])
        let place = "/events/\(Self.uri)/a" + String(repeating: "/0", count: 61)
        refused(["code": "value_too_deep", "pointer": .string(place)]) { try deep.validate() }
    }
}
