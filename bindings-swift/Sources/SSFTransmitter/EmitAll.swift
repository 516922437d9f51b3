import Foundation
internal import SSFTransmitterFFI

/// The result of one emission.
public struct Emitted: Sendable {
    /// The index of the emission, from zero.
    public let index: Int
    /// The emission.
    public let emission: Emission
    /// A receipt, or why there is none.
    public let result: Result<Receipt, any Error>
}

/// Many events on their way: `emitAll` of ``Transmitter`` gives it.
public struct EmitAll<Source: AsyncSequence & Sendable>: AsyncSequence, Sendable
where Source.Element == Emission {
    public typealias Element = Emitted

    let transmitter: Transmitter
    let source: Source
    let concurrency: Int

    public func makeAsyncIterator() -> Iterator {
        let (results, result) = AsyncThrowingStream<Emitted, any Error>.makeStream()
        // Each permit lets one emission be taken; it is given back when its result is.
        let (permits, permit) = AsyncStream<Void>.makeStream()
        let limit = RequestLimit(requests: Int64(concurrency))
        for _ in 0..<limit.window() { permit.yield() }
        let sending = Task { [transmitter, source] in
            await withTaskGroup(of: Void.self) { group in
                do {
                    var (room, emissions, index) = (permits.makeAsyncIterator(), source.makeAsyncIterator(), 0)
                    while await room.next() != nil, let emission = try await emissions.next() {
                        group.addTask { [index] in
                            let outcome: Result<Receipt, any Error>
                            do {
                                outcome = .success(try await transmitter.emit(emission, limit: limit))
                            } catch {
                                outcome = .failure(error)
                            }
                            result.yield(Emitted(index: index, emission: emission, result: outcome))
                        }
                        index += 1
                    }
                    await group.waitForAll()
                    result.finish()
                } catch {
                    await group.waitForAll()
                    result.finish(throwing: error)
                }
            }
        }
        result.onTermination = { _ in
            sending.cancel()
            permit.finish()
        }
        return Iterator(results: results.makeAsyncIterator(), permit: permit)
    }

    /// Gives the results, and makes room with each.
    public struct Iterator: AsyncIteratorProtocol {
        var results: AsyncThrowingStream<Emitted, any Error>.AsyncIterator
        let permit: AsyncStream<Void>.Continuation

        public mutating func next() async throws -> Emitted? {
            if let emitted = try await results.next() {
                permit.yield()
                return emitted
            }
            // A stream of which the task is cancelled only ends.
            try Task.checkCancellation()
            return nil
        }
    }
}

/// A sequence that is at hand, as one that is asynchronous.
public struct Listed<Base: Sequence & Sendable>: AsyncSequence, Sendable {
    public typealias Element = Base.Element

    let elements: Base

    public func makeAsyncIterator() -> Iterator { Iterator(elements: elements.makeIterator()) }

    public struct Iterator: AsyncIteratorProtocol {
        var elements: Base.Iterator

        public mutating func next() async -> Base.Element? { elements.next() }
    }
}
