import Foundation
import Testing

/// What texts call settings, by `settings.json`.
struct SettingNames {
    private let all: [String: [String: String]]
    private let foreign: Set<String>

    init() throws {
        let names = try Vectors.read("settings.json")["names"]?.object ?? [:]
        all = names.mapValues { $0.object.mapValues(\.text) }
        let own = Set(all.values.compactMap { $0["swift"] })
        foreign = Set(all.values.flatMap(\.values)).subtracting(own)
    }

    /// The text, where it names settings as this package does.
    func own(_ text: String) -> String {
        all.reduce(text) { $0.replacingOccurrences(of: "`\($1.key)`", with: "`\($1.value["swift"] ?? "")`") }
    }

    /// A text names these settings, and none by a name of another language.
    func check(_ text: String, _ settings: [String]) {
        for setting in settings { #expect(text.contains("`\(all[setting]?["swift"] ?? "?")`"), "\(text)") }
        for name in foreign { #expect(!text.contains("`\(name)`"), "\(text)") }
    }
}
