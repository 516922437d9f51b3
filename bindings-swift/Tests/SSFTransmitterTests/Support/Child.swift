import Foundation

struct Unusable: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// A process that announces itself in one line, and ends with this object, or with the tests, however they end.
final class Child: @unchecked Sendable {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private let lock = NSLock()
    /// The first line that it prints.
    private(set) var announcement = Data()

    /// Starts a command that is named by an environment variable, which `cargo xtask swift` sets.
    init(_ variable: String, _ arguments: [String] = []) throws {
        guard let command = ProcessInfo.processInfo.environment[variable] else {
            throw Unusable("\(variable) is not set: run the tests by `cargo xtask swift`")
        }
        // Beside the command something watches over it: it ends with this process, however that ends. Where it has ended, the
        // command has another parent, even if whoever started this process has not taken note of its end.
        let script = """
            parent() { read -r _ _ _ parent _ </proc/$$/stat || parent=$(ps -o ppid= -p $$); }
            (while parent && [ "$parent" -eq $PPID ]; do sleep 1; done; kill -9 $$) >/dev/null 2>&1 <&- &
            exec "$@"
            """
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", script, "sh", command] + arguments
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        announcement = try line()
    }

    // A process that is started from a thread of Swift's does not see the signal that asks it to end.
    deinit { kill(process.processIdentifier, SIGKILL) }

    /// Says a line, and returns the one that comes back.
    func ask(_ question: String) throws -> Data {
        try lock.withLock {
            try input.fileHandleForWriting.write(contentsOf: Data((question + "\n").utf8))
            return try line()
        }
    }

    private func line() throws -> Data {
        var line = Data()
        while let byte = try output.fileHandleForReading.read(upToCount: 1), !byte.isEmpty {
            if byte == Data("\n".utf8) { return line }
            line.append(byte)
        }
        throw Unusable("\(process.arguments ?? []) ended without a word")
    }
}
