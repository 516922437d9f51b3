import Foundation

/// The name of a member on the wire.
struct MemberName: CodingKey, Hashable {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
    init(_ name: String) { stringValue = name }
}

/// Reads the members of an event, and keeps in mind which it has read.
final class MemberReader {
    private let members: KeyedDecodingContainer<MemberName>
    private var read: Set<String> = []

    init(_ decoder: any Decoder) throws {
        members = try decoder.container(keyedBy: MemberName.self)
    }

    func read<Value: Decodable>(_ name: String) throws -> Value {
        read.insert(name)
        return try members.decode(Value.self, forKey: MemberName(name))
    }

    func readIfPresent<Value: Decodable>(_ name: String) throws -> Value? {
        read.insert(name)
        return try members.decodeIfPresent(Value.self, forKey: MemberName(name))
    }

    func seconds(_ name: String) throws -> Date {
        Date(timeIntervalSince1970: try read(name))
    }

    func secondsIfPresent(_ name: String) throws -> Date? {
        try readIfPresent(name).map { Date(timeIntervalSince1970: $0) }
    }

    func milliseconds(_ name: String) throws -> Date {
        Date(timeIntervalSince1970: try read(name) / 1000)
    }

    func millisecondsIfPresent(_ name: String) throws -> Date? {
        try readIfPresent(name).map { Date(timeIntervalSince1970: $0 / 1000) }
    }

    /// A part of the event type URI, which is the name that the members stand under.
    func part(_ name: String, of pattern: String) throws -> String {
        let halves = pattern.components(separatedBy: "{\(name)}")
        guard let uri = members.codingPath.last?.stringValue, halves.count == 2,
            uri.hasPrefix(halves[0]), uri.hasSuffix(halves[1]), uri.count > halves[0].count + halves[1].count
        else {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: members.codingPath,
                    debugDescription: "members of this event are decoded with the URI above them, by init(json:)"))
        }
        return String(uri.dropFirst(halves[0].count).dropLast(halves[1].count))
    }

    /// The members that were not read.
    func others() throws -> [String: JSONValue] {
        var others: [String: JSONValue] = [:]
        for name in members.allKeys where !read.contains(name.stringValue) {
            others[name.stringValue] = try members.decode(JSONValue.self, forKey: name)
        }
        return others
    }
}

/// Writes the members of an event. What a field says goes before what was set by name.
struct MemberWriter {
    private var members: KeyedEncodingContainer<MemberName>
    private var others: [String: JSONValue]

    init(_ encoder: any Encoder, _ others: [String: JSONValue]) throws {
        members = encoder.container(keyedBy: MemberName.self)
        self.others = others
    }

    mutating func write<Value: Encodable>(_ value: Value?, _ name: String) throws {
        guard let value else { return }
        others[name] = nil
        try members.encode(value, forKey: MemberName(name))
    }

    mutating func seconds(_ date: Date?, _ name: String) throws {
        guard let date else { return }
        let milliseconds = try wholeMilliseconds(date, name)
        // Whole seconds are written as such: receivers differ in what they make of a fraction.
        if milliseconds % 1000 == 0 {
            try write(milliseconds / 1000, name)
        } else {
            try write(Double(milliseconds) / 1000, name)
        }
    }

    mutating func milliseconds(_ date: Date?, _ name: String) throws {
        guard let date else { return }
        try write(try wholeMilliseconds(date, name), name)
    }

    mutating func end() throws {
        for (name, value) in others {
            try members.encode(value, forKey: MemberName(name))
        }
    }

    /// A date may be infinite, or no number at all.
    private func wholeMilliseconds(_ date: Date, _ name: String) throws -> Int64 {
        let milliseconds = (date.timeIntervalSince1970 * 1000).rounded()
        guard let whole = Int64(exactly: milliseconds) else {
            throw EncodingError.invalidValue(
                date,
                .init(
                    codingPath: members.codingPath + [MemberName(name)],
                    debugDescription: "not a valid date"))
        }
        return whole
    }
}
