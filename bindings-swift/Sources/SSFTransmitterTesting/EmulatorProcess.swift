import Foundation

/// Why a receiver emulator does not start, or says no.
public struct EmulatorError: Error, Hashable, CustomStringConvertible, LocalizedError {
    public let description: String
    public var errorDescription: String? { description }

    init(_ description: String) { self.description = description }
}

/// The version of this package, and of the command.
let version = "0.1.0"

/// The command `ssf` as an emulator. It ends with its input: with this object, and at the latest with this process.
final class EmulatorProcess: @unchecked Sendable {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    /// Another reader of the input, which never reads: without any, to write would end this process.
    private let reader: FileHandle
    /// Waits for answers, one after the other, where no task waits for a thread.
    private let queue = DispatchQueue(label: "ssf emulate")
    /// Of the queue.
    private var isStopped = false

    /// Starts it with these settings, and returns what it says when it is ready.
    static func start(_ settings: some Encodable) async throws -> (EmulatorProcess, Ready) {
        let command = try command()
        let settings = try JSONEncoder().encode(settings)
        let process = EmulatorProcess(command)
        let first = try await process.perform {
            do {
                try process.process.run()
            } catch {
                throw EmulatorError("\(command) does not start (\(error.localizedDescription)): \(advice)")
            }
            return try process.exchange(settings)
        }
        guard let first, let said = try? JSONDecoder().decode(Ready.self, from: first) else {
            throw EmulatorError("\(command) is not ready, and has to be ssf of version \(version): \(advice)")
        }
        guard said.version == version else {
            let found = "\(command) is of version \(said.version ?? "unknown")"
            throw EmulatorError("\(found), and has to be ssf of version \(version): \(advice)")
        }
        if let error = said.error { throw EmulatorError(error) }
        return (process, said)
    }

    private init(_ command: String) {
        reader = FileHandle(fileDescriptor: dup(input.fileHandleForReading.fileDescriptor), closeOnDealloc: true)
        process.executableURL = URL(fileURLWithPath: command)
        process.arguments = ["emulate"]
        process.standardInput = input
        process.standardOutput = output
    }

    deinit { try? input.fileHandleForWriting.close() }

    /// Has it obey a command, and returns the answer: nothing where that is `null`.
    func ask<Done: Decodable>(_ command: String, for _: Done.Type = Done.self) async throws -> Done? {
        let line = try await perform {
            self.isStopped ? nil : try self.exchange(Data("{\"do\":\"\(command)\"}".utf8))
        }
        guard let line else { throw EmulatorError("the emulator is stopped") }
        let answer = try JSONDecoder().decode(Answer<Done>.self, from: line)
        if let error = answer.error { throw EmulatorError(error) }
        return answer.done
    }

    /// Stops it, and waits until pending requests are answered.
    func stop() async throws {
        try await perform {
            if self.isStopped { return }
            self.isStopped = true
            try self.input.fileHandleForWriting.write(contentsOf: Data("{\"do\":\"stop\"}\n".utf8))
            try self.input.fileHandleForWriting.close()
            // Its output ends with it.
            _ = try self.output.fileHandleForReading.readToEnd()
        }
    }

    private func perform<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try work() }) }
        }
    }

    /// Writes a line, and reads the one that answers it; nothing if it has ended.
    private func exchange(_ line: Data) throws -> Data? {
        try input.fileHandleForWriting.write(contentsOf: line + Data("\n".utf8))
        var answer = Data()
        while true {
            let part = output.fileHandleForReading.availableData
            if part.isEmpty { return nil }
            answer.append(part)
            if part.last == UInt8(ascii: "\n") { return answer }
        }
    }
}

/// What is said first: addresses, or what is wrong.
struct Ready: Decodable {
    let version: String?
    let error: String?
    let push: String?
    let base: String?
    let token: String?
    let authority: String?

    private enum CodingKeys: String, CodingKey {
        case version, error, push, base, token
        case authority = "ca_pem"
    }
}

/// The answer to a command.
private struct Answer<Done: Decodable>: Decodable {
    let done: Done?
    let error: String?
}

private let advice = """
    install it with `pip install ssf-transmitter-cli==\(version)` or `npm install --global ssf-transmitter-cli@\(version)`, \
    or set SSF_COMMAND to its path
    """

/// The command: what `SSF_COMMAND` says, or the one on the path.
private func command() throws -> String {
    let environment = ProcessInfo.processInfo.environment
    if let chosen = environment["SSF_COMMAND"], !chosen.isEmpty { return chosen }
    for folder in (environment["PATH"] ?? "").split(separator: ":") {
        let path = "\(folder)/ssf"
        if FileManager.default.isExecutableFile(atPath: path) { return path }
    }
    throw EmulatorError("the command ssf, which is the receiver emulator, is not installed: \(advice)")
}
