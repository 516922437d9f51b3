import Foundation
internal import SSFTransmitterFFI

/// How to reach receivers.
public struct Network: Sendable {
    /// Certificates to trust in addition to those of the operating system and the environment, in PEM.
    public var caBundles: [Data]
    /// A client certificate with its chain, and its private key, in PEM (mutual TLS, RFC 8705).
    public var clientCertificate: (chain: Data, key: Data)?
    /// A proxy, such as `http://proxy.example.com:3128`. By default, those of the environment and the system.
    public var proxy: String?
    /// The local source address, such as `192.0.2.7`, for receivers that allow-list addresses.
    public var sourceAddress: String?
    /// Whether HTTP/2 is offered.
    public var offersHTTP2: Bool
    /// Networks that the egress guard allows, such as `10.1.0.0/16`. It rejects other private, link-local and metadata
    /// addresses, after name resolution.
    public var allowedNetworks: [String]

    public init(
        caBundles: [Data] = [], clientCertificate: (chain: Data, key: Data)? = nil, proxy: String? = nil,
        sourceAddress: String? = nil, offersHTTP2: Bool = true, allowedNetworks: [String] = []
    ) {
        self.caBundles = caBundles
        self.clientCertificate = clientCertificate
        self.proxy = proxy
        self.sourceAddress = sourceAddress
        self.offersHTTP2 = offersHTTP2
        self.allowedNetworks = allowedNetworks
    }

    var native: SSFTransmitterFFI.Network {
        .init(
            caBundles: caBundles,
            clientCertificate: clientCertificate.map { ClientCertificate(chain: $0.chain, key: $0.key) },
            proxy: proxy, sourceAddress: sourceAddress, allowNetworks: allowedNetworks, http2: offersHTTP2)
    }
}

extension Network: CustomStringConvertible, CustomReflectable {
    public var description: String { "Network(…)" }
    public var customMirror: Mirror { Mirror(self, children: ["allowedNetworks": allowedNetworks]) }
}
