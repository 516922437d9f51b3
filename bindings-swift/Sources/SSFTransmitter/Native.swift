// Calls to the core: their errors, and their end when a task is cancelled.

internal import SSFTransmitterFFI

/// The result of a call to the core.
func native<Value>(_ call: () throws -> Value) throws -> Value {
    do {
        return try call()
    } catch {
        throw translated(error)
    }
}

/// The result of a call to the core that takes time. Cancelling the task drops its work.
func native<Value>(_ call: (SSFTransmitterFFI.Cancellation) async throws -> Value) async throws -> Value {
    let cancellation = SSFTransmitterFFI.Cancellation()
    do {
        return try await withTaskCancellationHandler {
            try await call(cancellation)
        } onCancel: {
            cancellation.cancel()
        }
    } catch {
        throw translated(error)
    }
}

private func translated(_ error: any Error) -> any Error {
    switch error {
    case SSFTransmitterFFI.Failure.Failed(let details): SSFError(details)
    case SSFTransmitterFFI.Failure.Cancelled: CancellationError()
    case is SSFError, is CancellationError: error
    // What uniffi itself throws: a panic of the core, say. Its text is not ours, and stays out.
    default: SSFError(.internal, "the core ended a call without a result")
    }
}
