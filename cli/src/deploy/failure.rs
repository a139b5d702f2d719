//! Why AWS did not do what it was asked for.

use std::error::Error;

use anyhow::{Chain, anyhow};
use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};

/// The hints for the codes of AWS's errors, by the start of the code.
const HINTS: &[(&str, &str)] = &[
    (
        "AccessDenied",
        "allow this action in a policy of the user or role whose credentials these are",
    ),
    (
        "ExpiredToken",
        "renew the credentials, for example with `aws sso login`",
    ),
    (
        "UnrecognizedClient",
        "check the credentials, and that they are for this partition of AWS",
    ),
    (
        "InvalidSignature",
        "check the secret access key, and the clock of this machine",
    ),
    (
        "ResourceConflict",
        "another update of the function is not complete: try again later",
    ),
    (
        "ResourceNotFound",
        "check the name and the region; `lambda-wasm deploy` creates a function",
    ),
    (
        "RequestEntityTooLarge",
        "deploy it from S3, as `sam deploy` does",
    ),
    (
        "CodeStorageExceeded",
        "delete versions of functions that are not used",
    ),
    ("TooManyRequests", "try again later"),
];

/// Returns whether AWS answered with an error of this code.
pub fn has_code<E: ProvideErrorMetadata>(error: &SdkError<E>, code: &str) -> bool {
    error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code)
        == Some(code)
}

/// Returns AWS's message, if it sent one.
pub fn message<E: ProvideErrorMetadata>(error: &SdkError<E>) -> &str {
    let service = error.as_service_error();
    service
        .and_then(ProvideErrorMetadata::message)
        .unwrap_or_default()
}

/// Describes a failed operation: the cause and a hint.
pub fn describe<E>(operation: &str, error: SdkError<E>) -> anyhow::Error
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    if let Some(service) = error.as_service_error() {
        let status = error.raw_response().map_or(0, |raw| raw.status().as_u16());
        let code = service.code().unwrap_or("no code");
        let message = service.message().unwrap_or("no message");
        let hint = HINTS.iter().find(|(start, _)| code.starts_with(start));
        let hint = match hint {
            _ if message.contains("cannot be assumed by Lambda") => {
                Some("allow lambda.amazonaws.com to assume the role, in the role's trust policy")
            }
            Some((_, hint)) => Some(*hint),
            None => None,
        };
        let hint = hint.map_or_else(String::new, |hint| format!("\nhint: {hint}"));
        return anyhow!("{operation}: {code}: {message} (status {status}){hint}");
    }
    let hint = match &error {
        SdkError::DispatchFailure(_) | SdkError::TimeoutError(_) => {
            "\nhint: check the network, the region and --endpoint-url"
        }
        _ => "",
    };
    anyhow!("{operation}: {}{hint}", causes(&error))
}

/// Returns an error with its causes.
pub fn causes(error: &(dyn Error + 'static)) -> String {
    let all: Vec<_> = Chain::new(error).map(ToString::to_string).collect();
    all.join(": ")
}
