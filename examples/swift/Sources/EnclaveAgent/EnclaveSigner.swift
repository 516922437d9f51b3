#if canImport(CryptoKit) && canImport(Security)
    import CryptoKit
    import Foundation
    import Security
    import SSFTransmitter

    /// Signs with a P-256 key that is generated in the Secure Enclave and never leaves it.
    ///
    /// The keychain stores an encrypted form of the key that only this Secure Enclave can use.
    struct EnclaveSigner: Signer {
        let key: SecureEnclave.P256.Signing.PrivateKey
        let algorithm = Algorithm.es256
        let kid: String?
        let publicKey: PublicKey?

        init(account: String) throws {
            if let stored = try Keychain.read(account) {
                key = try SecureEnclave.P256.Signing.PrivateKey(dataRepresentation: stored)
            } else {
                key = try SecureEnclave.P256.Signing.PrivateKey()
                try Keychain.add(key.dataRepresentation, account)
            }
            let published = try PublicKey(der: key.publicKey.derRepresentation)
            (publicKey, kid) = (published, published.kid)
        }

        func signature(for signingInput: Data) async throws -> Signature {
            .raw(try key.signature(for: signingInput).rawRepresentation)
        }
    }

    /// Signs with an RSA or P-256 private key in the keychain, through the Security framework.
    struct KeychainSigner: Signer {
        // Keys of the Security framework are thread-safe.
        nonisolated(unsafe) let key: SecKey
        let algorithm: Algorithm
        let kid: String?

        func signature(for signingInput: Data) async throws -> Signature {
            let elliptic = algorithm == .es256
            let form: SecKeyAlgorithm =
                elliptic ? .ecdsaSignatureMessageX962SHA256 : .rsaSignatureMessagePKCS1v15SHA256
            var error: Unmanaged<CFError>?
            guard let signature = SecKeyCreateSignature(key, form, signingInput as CFData, &error) as Data? else {
                throw error?.takeRetainedValue() ?? Keychain.Failure(status: errSecInternalError)
            }
            return elliptic ? .der(signature) : .raw(signature)
        }
    }

    /// Keychain items of this agent, available only on this device and after its first unlock.
    enum Keychain {
        struct Failure: Error { let status: OSStatus }

        private static func item(_ account: String) -> [CFString: Any] {
            [
                kSecClass: kSecClassGenericPassword, kSecAttrService: "com.example.agent.ssf",
                kSecAttrAccount: account, kSecUseDataProtectionKeychain: true,
            ]
        }

        static func read(_ account: String) throws -> Data? {
            var query = item(account)
            query[kSecReturnData] = true
            var found: CFTypeRef?
            switch SecItemCopyMatching(query as CFDictionary, &found) {
            case errSecSuccess: return found as? Data
            case errSecItemNotFound: return nil
            case let status: throw Failure(status: status)
            }
        }

        static func add(_ data: Data, _ account: String) throws {
            var attributes = item(account)
            attributes[kSecValueData] = data
            attributes[kSecAttrAccessible] = kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly
            let status = SecItemAdd(attributes as CFDictionary, nil)
            guard status == errSecSuccess else { throw Failure(status: status) }
        }
    }
#endif
