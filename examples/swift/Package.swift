// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "Examples",
    platforms: [.macOS(.v12)],
    dependencies: [.package(path: "../../bindings-swift")],
    targets: [
        .executableTarget(
            name: "ComplianceAgent", dependencies: [.product(name: "SSFTransmitter", package: "bindings-swift")]),
        .executableTarget(
            name: "EnclaveAgent", dependencies: [.product(name: "SSFTransmitter", package: "bindings-swift")]),
        .executableTarget(
            name: "OutboxAgent", dependencies: [.product(name: "SSFTransmitter", package: "bindings-swift")]),
    ],
    swiftLanguageModes: [.v6]
)
