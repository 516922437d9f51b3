import Foundation

/// Polls until it holds; a minute is the safety net.
func until(_ holds: () async throws -> Bool) async throws {
    for _ in 0..<60_000 {
        if try await holds() { return }
        try await Task.sleep(nanoseconds: 1_000_000)
    }
    throw Unusable("it did not come to that")
}
