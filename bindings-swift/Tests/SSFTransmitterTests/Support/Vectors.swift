import Foundation
import SSFTransmitter
import Testing

typealias Case = [String: JSONValue]

/// The shared test vectors.
enum Vectors {
    static func read(_ path: String) throws -> JSONValue {
        guard let folder = ProcessInfo.processInfo.environment["SSF_VECTORS"] else {
            throw Unusable("SSF_VECTORS is not set: run the tests by `cargo xtask swift`")
        }
        let file = URL(fileURLWithPath: folder).appendingPathComponent(path)
        let text = try String(contentsOf: file, encoding: .utf8)
        return try JSONDecoder().decode(JSONValue.self, from: Data(text.protected.utf8))
    }

    /// The cases of a kind: as many as the manifest says.
    static func cases(_ file: String, _ kind: String) throws -> [Case] {
        let cases = try read(file)[kind].list.map(\.object)
        #expect(try cases.count == count(file, kind) && !cases.isEmpty)
        return cases
    }

    /// All files of a folder, by the manifest.
    static func folder(_ name: String) throws -> [Case] {
        let entry = try read("manifest.json")[name]
        let files = try entry?["ids"].list.map { try read("\(name)/\($0.text).json").object } ?? []
        #expect(try files.count == count(name, "files") && !files.isEmpty)
        return files
    }

    static func count(_ file: String, _ kind: String) throws -> Int {
        guard case .integer(let count) = try read("manifest.json")[file]?[kind] else {
            throw Unusable("the manifest has no \(file), \(kind)")
        }
        return Int(count)
    }
}

extension JSONValue {
    /// What the tests take for granted: another value is an empty one, and the comparison fails.
    var object: Case {
        guard case .object(let members) = self else { return [:] }
        return members
    }

    var text: String { string ?? "" }

    var isNull: Bool { self == .null }

    var number: Double? {
        switch self {
        case .integer(let integer): Double(integer)
        case .number(let number): number
        default: nil
        }
    }

    /// As JSON.
    var json: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.withoutEscapingSlashes]
            return String(decoding: try encoder.encode(self), as: UTF8.self)
        }
    }

    /// The text itself where it is one, else its JSON.
    var document: String { get throws { try string ?? json } }

    /// With numbers as one kind of number: they are equal by value.
    var normalized: JSONValue {
        switch self {
        case .integer(let integer): .number(Double(integer))
        case .array(let values): .array(values.map(\.normalized))
        case .object(let members): .object(members.mapValues(\.normalized))
        default: self
        }
    }
}

extension JSONValue? {
    var list: [JSONValue] {
        guard case .some(.array(let values)) = self else { return [] }
        return values
    }

    var text: String { self?.string ?? "" }
}

extension Case {
    var normalized: JSONValue { JSONValue.object(self).normalized }
    var name: String { self["name"].text }

    func date(_ name: String) -> Date? { self[name]?.number.map { Date(timeIntervalSince1970: $0) } }
}

/// Runs each case, and says which failed.
func each(_ cases: [Case], _ check: (Case) throws -> Void) {
    for one in cases {
        do {
            try check(one)
        } catch {
            Issue.record("\(one.name): \(error)")
        }
    }
}

/// Whether `work` is refused with the code and the place of a case.
func refused<Value>(_ expected: Case, _ label: String = "", _ work: () throws -> Value) {
    do {
        _ = try work()
        Issue.record("\(expected.name) \(label): it was to be refused")
    } catch let error as SSFError {
        #expect(error.code.rawValue == expected["code"].text, "\(expected.name) \(label)")
        #expect(error.pointer == expected["pointer"]?.string, "\(expected.name) \(label)")
        for words in expected["says"].list {
            #expect(error.message.contains(words.text), "\(expected.name): \(error.message)")
        }
    } catch {
        Issue.record("\(expected.name) \(label): \(error)")
    }
}

func dialect(_ value: JSONValue?) throws -> Dialect {
    try value?.string.map { try Dialect($0) } ?? Dialect(toml: value?["toml"].text ?? "")
}

func subject(_ value: JSONValue, privately: Bool = false) throws -> Subject {
    guard privately else { return try JSONDecoder().decode(Subject.self, from: Data(value.json.utf8)) }
    return .custom(format: value["format"].text, members: value.object.filter { $0.key != "format" })
}

func customEvent(_ value: JSONValue) throws -> CustomEvent {
    guard let (uri, claims) = value.object.first, value.object.count == 1 else { throw Unusable("no event") }
    return CustomEvent(uri: uri, claims: claims.object)
}

/// A SET of which only event and subject matter.
func parts(_ event: any SecurityEvent, _ subject: Subject?, dialect: Dialect? = nil) -> SETParts {
    var parts = SETParts(issuer: "https://transmitter.example.com", audience: "https://receiver.example.net")
    parts.events = [event]
    parts.subject = subject
    parts.dialect = dialect
    return parts
}

/// The SET that an `input` describes.
func parts(_ input: Case, dialect: Dialect) throws -> SETParts {
    let known: Set = [
        "issuer", "audience", "events", "subject", "private_subject", "txn", "toe", "jti", "issued_at", "claims",
    ]
    guard known.isSuperset(of: input.keys) else { throw Unusable("unknown members in the input") }
    let audience: Audience = input["audience"]?.string.map { .one($0) } ?? .several(input["audience"].list.map(\.text))
    var parts = SETParts(issuer: input["issuer"].text, audience: audience)
    parts.events = try input["events"].list.map(customEvent)
    parts.subject = try input["subject"].map { try subject($0, privately: input["private_subject"] == true) }
    parts.txn = input["txn"]?.string
    parts.eventTime = input.date("toe")
    parts.jti = input["jti"]?.string
    parts.issuedAt = input.date("issued_at")
    parts.claims = input["claims"]?.object ?? [:]
    parts.dialect = dialect
    return parts
}

extension SETParts {
    var claimsBuilt: Case { get throws { try prepare(algorithm: .rs256, kid: "kid").decoded().claims } }
}

/// Swift's JSON does not tell 1.0 from 1, which lint does: numbers of that kind go through the tests as texts.
extension String {
    var protected: String {
        replacingOccurrences(of: #"(: )(\d+\.0)\b"#, with: "$1\"number $2\"", options: .regularExpression)
    }

    var unprotected: String {
        replacingOccurrences(of: #""number (\d+\.0)""#, with: "$1", options: .regularExpression)
    }
}
