// An agent that reports changes in the compliance of this device to a receiver.
//
//     ComplianceAgent ISSUER KEY-FILE ENDPOINT AUDIENCE USER DEVICE
//
// It reads the results of the compliance check from standard input, one line each: `compliant` or `not-compliant`.

import Foundation
import SSFTransmitter

@main
struct ComplianceAgent {
    let transmitter: Transmitter
    let receiver: Receiver
    let subject: Subject
    var reported = ComplianceStatus.compliant

    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        guard arguments.count == 6 else {
            print("usage: ComplianceAgent ISSUER KEY-FILE ENDPOINT AUDIENCE USER DEVICE")
            exit(2)
        }
        var agent = try ComplianceAgent(arguments)
        while let line = readLine() {
            guard let status = ComplianceStatus(rawValue: line) else {
                print("what is \(line)?")
                continue
            }
            await agent.check(status)
        }
    }

    init(_ arguments: [String]) throws {
        let key = try SigningKey(pem: Data(contentsOf: URL(fileURLWithPath: arguments[1])))
        transmitter = try Transmitter(issuer: arguments[0], key: key)
        // For an Okta org this is `Receiver.okta("https://acme.okta.com")`; loopback is for tests.
        receiver = try Receiver(
            endpoint: arguments[2], audience: .one(arguments[3]), options: .init(allowsLoopback: true))
        subject = .complex(user: .email(arguments[4]), device: .opaque(arguments[5]))
    }

    /// Reports a change. Events that failed with a retryable error are sent at the next check.
    mutating func check(_ status: ComplianceStatus) async {
        guard status != reported else { return }
        let event = CAEP.DeviceComplianceChange(
            previousStatus: reported, currentStatus: status, eventTimestamp: Date(), initiatingEntity: .policy,
            reasonAdmin: ["en": "The device check of the agent came out as \(status.rawValue)"])
        do {
            let receipt = try await transmitter.emit(event, about: subject, to: receiver)
            print("\(status.rawValue): delivered as \(receipt.jti) with status \(receipt.status)")
            reported = status
        } catch let error as SSFError where error.isRetryable {
            print("\(status.rawValue): later, for \(error.code)")
        } catch {
            // A retry would fail again: print the error. The next change is a new event.
            print("\(status.rawValue): \(error.localizedDescription)")
            reported = status
        }
    }
}
