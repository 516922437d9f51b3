import Foundation

/// A value of JSON, for members that have no type of their own.
///
/// ```swift
/// let members: [String: JSONValue] = ["host": "laptop-7", "score": 0.97, "tags": ["edr", nil]]
/// ```
///
/// A SET contains it exactly, or it is rejected: see `docs/values.md`.
public enum JSONValue: Hashable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// An integer beyond those of `Int64`.
    case unsigned(UInt64)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])
}

extension JSONValue: Codable {
    public init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let bool = try? value.decode(Bool.self) {
            self = .bool(bool)
        } else if let integer = try? value.decode(Int64.self) {
            self = .integer(integer)
        } else if let unsigned = try? value.decode(UInt64.self) {
            self = .unsigned(unsigned)
        } else if let number = try? value.decode(Double.self) {
            // A decoder rounds what it cannot hold.
            if let written = try? value.decode(Decimal.self), let read = Decimal(string: "\(number)"),
                !written.isNaN, !read.isNaN, written != read
            {
                let message = "the number has more digits than a double can represent"
                throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: message))
            }
            self = .number(number)
        } else if let string = try? value.decode(String.self) {
            self = .string(string)
        } else if let array = try? value.decode([JSONValue].self) {
            self = .array(array)
        } else {
            self = .object(try value.decode([String: JSONValue].self))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        try refuse(in: encoder)
        var value = encoder.singleValueContainer()
        switch self {
        case .null: try value.encodeNil()
        case .bool(let bool): try value.encode(bool)
        case .integer(let integer): try value.encode(integer)
        case .unsigned(let unsigned): try value.encode(unsigned)
        case .number(let number): try value.encode(number)
        case .string(let string): try value.encode(string)
        case .array(let array): try value.encode(array)
        case .object(let object): try value.encode(object)
        }
    }
}

extension JSONValue {
    /// How deep objects and lists may be nested in a SET, counted from its claims; the core has the same limit.
    private static let maxDepth = 64

    /// Rejects values that JSON cannot contain, and those that Swift itself cannot traverse.
    private func refuse(in encoder: any Encoder) throws {
        let refusal: Refusal
        switch self {
        case .number(let number) where !number.isFinite:
            refusal = Refusal(
                code: .valueNotJson, message: "JSON has no \(number); omit the value, or pass null or a string")
        case .array, .object:
            guard let outer = encoder.userInfo[.outer] as? Int, encoder.codingPath.count + outer >= Self.maxDepth
            else { return }
            refusal = Refusal(code: .valueTooDeep, message: "the value is nested too deep")
        default:
            return
        }
        throw EncodingError.invalidValue(
            self,
            .init(codingPath: encoder.codingPath, debugDescription: refusal.message, underlyingError: refusal))
    }
}

/// Why a SET cannot contain a value.
struct Refusal: Error {
    let code: SSFError.Code
    let message: String
}

extension CodingUserInfoKey {
    /// How many objects stand around what is encoded, in a SET.
    static let outer: CodingUserInfoKey = {
        guard let key = CodingUserInfoKey(rawValue: "outer") else { preconditionFailure("every text is a key") }
        return key
    }()
}

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(nilLiteral: ()) { self = .null }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(floatLiteral value: Double) { self = .number(value) }
    public init(stringLiteral value: String) { self = .string(value) }
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(Dictionary(elements, uniquingKeysWith: { _, last in last }))
    }
}

extension JSONValue {
    /// The member of an object, if this is one and has it.
    public subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members[name]
    }

    /// The text, if this is one.
    public var string: String? {
        guard case .string(let string) = self else { return nil }
        return string
    }
}
