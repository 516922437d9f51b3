// An agent that keeps events in a file until a receiver has them, through a crash and an outage.
//
//     OutboxAgent accept FILE
//     OutboxAgent deliver FILE ISSUER KEY-FILE ENDPOINT AUDIENCE
//
// `accept` reads the email addresses of users from standard input, one on each line, and accepts that their sessions were revoked.
// `deliver` sends what waits. In a product, one process does both, or several share the file.

import Foundation
import SSFTransmitter

@main
struct OutboxAgent {
    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        switch (arguments.first, arguments.count) {
        case ("accept", 2): try await accept(file: arguments[1])
        case ("deliver", 6): try await deliver(arguments)
        default:
            print("usage: OutboxAgent accept FILE | deliver FILE ISSUER KEY-FILE ENDPOINT AUDIENCE")
            exit(2)
        }
    }

    static func accept(file: String) async throws {
        let outbox = try Outbox(path: file)
        while let user = readLine() {
            // If the process is killed before it says "accepted", whoever called it calls again, with the same key.
            let enqueued = try await outbox.enqueue(
                CAEP.SessionRevoked(eventTimestamp: Date()), about: .email(user), to: "acme",
                options: .init(idempotencyKey: "revoked-\(user)"))
            // It is on the disk.
            FileHandle.standardOutput.write(Data("accepted \(enqueued.jtis[0])\n".utf8))
        }
        try await outbox.close()
    }

    static func deliver(_ arguments: [String]) async throws {
        let key = try SigningKey(pem: Data(contentsOf: URL(fileURLWithPath: arguments[3])))
        let transmitter = try Transmitter(issuer: arguments[2], key: key)
        // For an Okta org this is `Receiver.okta("https://acme.okta.com")`; loopback is for tests.
        let acme = try Receiver(
            endpoint: arguments[4], audience: .one(arguments[5]), options: .init(allowsLoopback: true))

        let outbox = try Outbox(path: arguments[1])
        // In a product, the function looks up a customer in a database.
        let worker = OutboxWorker(outbox, transmitter, receivers: { $0 == "acme" ? acme : nil }) { alert in
            print("\(alert.receiver): \(alert.failure?.description ?? "resumed")")
        }
        // In a product, `run()` works until its task is cancelled.
        let drained = try await worker.drain()
        print("\(drained.delivered) delivered, \(drained.failed) failed")
        for delivery in try await outbox.list(.init(states: [.delivered]), limit: 10_000) {
            print("delivered \(delivery.jti)")
        }
        try await outbox.close()
    }
}
