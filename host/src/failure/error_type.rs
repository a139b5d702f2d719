//! The error types that the host reports. `docs/errors.md` has the cause and the remedy of each.

use std::fmt;

/// Defines [`ErrorType`]. The name of a type is its family and the name of its variant.
macro_rules! error_types {
    ($($family:ident: $($(#[doc = $doc:literal])+ $name:ident,)+)+) => {
        /// An error type that the host reports. Types are stable.
        ///
        /// `Runtime.…` means that the deployment or the host is at fault, and `Function.…` the function.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum ErrorType {
            $($($(#[doc = $doc])+ $name,)+)+
        }

        impl ErrorType {
            /// All error types, in the order of a start and of an invocation.
            pub const ALL: &[Self] = &[$($(Self::$name,)+)+];

            /// Returns the name that Lambda reports, such as `Function.Timeout`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($(Self::$name => {
                        concat!(stringify!($family), ".", stringify!($name))
                    })+)+
                }
            }
        }
    };
}

error_types! {
    Runtime:
    /// A variable that Lambda sets is missing or invalid.
    InvalidConfiguration,
    /// The function's `Handler` is missing or is not a plain name.
    InvalidHandler,
    /// No artifact has the name in `Handler`.
    ComponentNotFound,
    /// The artifact cannot be read.
    ComponentUnreadable,
    /// The artifact has no bytes.
    ComponentEmpty,
    /// The file is a component that is not compiled.
    ComponentNotCompiled,
    /// The file is a core WebAssembly module.
    CoreModule,
    /// The file is neither an artifact nor WebAssembly.
    ComponentNotRecognized,
    /// The artifact has another checksum than its trailer says, or the engine cannot load it.
    ComponentDamaged,
    /// The artifact is not signed by a key that the deployment trusts.
    ComponentNotTrusted,
    /// The artifact has no trailer.
    TrailerMissing,
    /// The trailer cannot be understood, or does not fit the file.
    TrailerInvalid,
    /// Another version of wasmtime compiled the artifact.
    WasmtimeMismatch,
    /// The artifact is for another architecture or system.
    TargetMismatch,
    /// The artifact uses CPU features that the machine does not have.
    CpuMismatch,
    /// The host, or this variant of it, does not support the component's exports or imports.
    UnsupportedComponent,
    /// The policy cannot be understood, or grants a directory that does not exist.
    InvalidPolicy,
    /// The process cannot have a thread, or enough file descriptors.
    NoResources,
    /// The event is not a request that the function can take.
    InvalidEvent,
    /// A streamed response cannot be sent.
    ResponseNotSent,
    /// A directory that the policy grants can no longer be opened.
    DirectoryUnavailable,
    /// The host panicked.
    Panic,

    Function:
    /// HTTP does not allow the response.
    InvalidResponse,
    /// The response or the function's own failure is too large for Lambda or the event source.
    ResponseSizeTooLarge,
    /// A component of `wasi:http` dropped the outparam, or returned, without a response.
    NoResponse,
    /// A component of `wasi:http` returned an error code.
    HttpError,
    /// The body of a response ended early.
    UnfinishedResponse,
    /// The response has a status that counts as a failure.
    HttpStatus,
    /// The function was stopped before Lambda's deadline.
    Timeout,
    /// The function trapped, or a call of the host stopped it.
    Trap,
    /// The function called `exit`.
    Exit,
    /// The function's memory, or the memory that the host holds for it, reached the limit.
    OutOfMemory,
    /// The function used up its stack.
    StackOverflow,
    /// A table reached its limit.
    TableTooLarge,
    /// The component has more core instances, memories or tables than it may.
    TooManyInstances,
    /// The function holds more handles or files than it may.
    TooManyHandles,
    /// One call passed more data to the host, or asked for more random bytes, than it may.
    TooMuchData,
    /// One invocation wrote more to the log than it may.
    TooMuchOutput,
    /// The function failed with a type that Lambda would not pass on. Only the header has this type.
    Failure,
}

impl fmt::Display for ErrorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
