//! What a function may do. Everything that is not allowed here is denied.

mod file;

pub use file::{Policy, PolicyError};

/// How long before Lambda's deadline an invocation is ended by the host, so that the answer still gets out.
pub const MARGIN: std::time::Duration = std::time::Duration::from_millis(50);

/// What the host needs of the function's memory for itself, in MiB.
const HOST_MIB: u32 = 32;

/// How much memory one instance may have, in bytes, in a function of `memory_mib` that runs `concurrency` of them at once.
///
/// A function that grows beyond it gets an error, where Lambda would kill the whole process.
#[must_use]
pub fn memory_limit(memory_mib: u32, concurrency: usize) -> usize {
    const MIB: usize = 1024 * 1024;
    const LEAST_MIB: usize = 16;
    (memory_mib.saturating_sub(HOST_MIB) as usize / concurrency.max(1))
        .max(LEAST_MIB)
        .saturating_mul(MIB)
}

/// The variables of Lambda that say nothing which a function should not know.
///
/// The list is <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime> less
/// the credentials and what leads to them or to the Runtime API.
const HARMLESS: &[&str] = &[
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_FORMAT",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_LEVEL",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_REGION",
    "AWS_XRAY_CONTEXT_MISSING",
    "AWS_XRAY_DAEMON_ADDRESS",
];

/// Whether a function sees this variable of the process: its own variables, and of Lambda's those that are harmless.
#[must_use]
pub fn is_visible(name: &str) -> bool {
    let is_lambdas =
        name.starts_with("AWS_") || name.starts_with("_AWS_") || name.starts_with("LAMBDA_WASM_");
    // Each invocation brings its own trace id.
    (!is_lambdas && name != "_X_AMZN_TRACE_ID") || HARMLESS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_hidden() {
        for name in [
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN",
            "AWS_LAMBDA_RUNTIME_API",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "_X_AMZN_TRACE_ID",
        ] {
            assert!(!is_visible(name), "{name}");
        }
        for name in ["TABLE", "AWS_REGION", "TZ", "_HANDLER"] {
            assert!(is_visible(name), "{name}");
        }
    }

    #[test]
    fn memory_leaves_room_for_the_host() {
        assert_eq!(memory_limit(128, 1), 96 * 1024 * 1024);
        assert_eq!(memory_limit(0, 1), 16 * 1024 * 1024);
        assert_eq!(memory_limit(2080, 16), 128 * 1024 * 1024);
    }
}
