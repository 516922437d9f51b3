// Sends an event that the Secure Enclave signs: EnclaveAgent ISSUER ENDPOINT AUDIENCE USER
// Without arguments, it generates the key and prints the JWKS to publish.

import Foundation
import SSFTransmitter

#if canImport(CryptoKit) && canImport(Security)
    let signer = try EnclaveSigner(account: "ssf-signing-key")
    let arguments = Array(CommandLine.arguments.dropFirst())
    if arguments.count == 4 {
        let transmitter = try Transmitter(issuer: arguments[0], signer: signer)
        let receiver = try Receiver(endpoint: arguments[1], audience: .one(arguments[2]))
        let event = CAEP.SessionRevoked(eventTimestamp: Date(), reasonAdmin: ["en": "The laptop was reported lost"])
        let receipt = try await transmitter.emit(event, about: .email(arguments[3]), to: receiver)
        print("\(receipt.jti) delivered with status \(receipt.status)")
    } else {
        print(try Transmitter(issuer: "https://edr.example.com", signer: signer).jwks().json)
    }
#else
    print("The Secure Enclave is in a Mac.")
#endif
