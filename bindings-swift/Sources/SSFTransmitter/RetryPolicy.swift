import Foundation
internal import SSFTransmitterFFI

/// How often and how long a delivery is tried. Spans are in seconds.
///
/// ```swift
/// let patient = RetryPolicy(maxAttempts: 20, deadline: 3600)
/// ```
public struct RetryPolicy: Hashable, Sendable {
    /// The most attempts. 6 by default.
    public var maxAttempts: Int
    /// From the call to its result, waits included. 30 seconds by default.
    public var deadline: TimeInterval
    /// How long one attempt may take. 10 seconds by default.
    public var attemptTimeout: TimeInterval
    /// The longest wait before the second attempt; it doubles with each further one. Half a second by default.
    public var base: TimeInterval
    /// The longest wait that backoff leads to. 30 seconds by default.
    public var maxBackoff: TimeInterval
    /// The longest wait that a receiver may ask for. 24 hours by default; the deadline bounds it too.
    public var maxRetryAfter: TimeInterval

    /// A policy; what is `nil` is as it is by default.
    public init(
        maxAttempts: Int? = nil, deadline: TimeInterval? = nil, attemptTimeout: TimeInterval? = nil,
        base: TimeInterval? = nil, maxBackoff: TimeInterval? = nil, maxRetryAfter: TimeInterval? = nil
    ) {
        let usual = Self.usual
        self.maxAttempts = maxAttempts ?? Int(usual.maxAttempts ?? 1)
        self.deadline = deadline ?? usual.deadline ?? 0
        self.attemptTimeout = attemptTimeout ?? usual.attemptTimeout ?? 0
        self.base = base ?? usual.base ?? 0
        self.maxBackoff = maxBackoff ?? usual.maxBackoff ?? 0
        self.maxRetryAfter = maxRetryAfter ?? usual.maxRetryAfter ?? 0
    }

    /// A single attempt.
    public static var once: Self { Self(maxAttempts: 1) }

    /// Sets how long it takes at the most.
    @available(macOS 13, *)
    public func deadline(_ deadline: Duration) -> Self {
        var policy = self
        policy.deadline = deadline.timeInterval
        return policy
    }

    private static let usual = defaultPolicy()

    var native: Policy {
        Policy(
            maxAttempts: Int64(maxAttempts), deadline: deadline, attemptTimeout: attemptTimeout, base: base,
            maxBackoff: maxBackoff, maxRetryAfter: maxRetryAfter)
    }
}

@available(macOS 13, *)
extension Duration {
    /// In seconds, as Foundation has spans of time.
    var timeInterval: TimeInterval {
        let (seconds, attoseconds) = components
        return TimeInterval(seconds) + TimeInterval(attoseconds) * 1e-18
    }
}
