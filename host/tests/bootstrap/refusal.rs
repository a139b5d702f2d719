//! What every start that fails has in common.

use lambda_wasm_test_support::{Deployment, PATIENCE};

/// What Lambda was told.
#[derive(Debug)]
pub struct Refusal {
    pub error_type: String,
    pub message: String,
    pub stack_trace: Vec<String>,
}

/// Starts a `bootstrap` that has to tell Lambda why it cannot run, and to end with 1.
#[track_caller]
pub fn refusal(deployment: &Deployment) -> Refusal {
    let host = deployment.start();
    let told = host.api.wait_init_error(PATIENCE);
    let (violations, asked) = (host.api.violations(), host.api.next_calls());
    let output = host.wait();
    let post = told.unwrap_or_else(|| panic!("nothing was told to /init/error: {output:?}"));

    // A signal has no code.
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(!output.stderr.contains("panicked at"), "{}", output.stderr);
    assert_eq!(violations, []);
    assert_eq!(asked, 0, "it asked for an event that it cannot handle");
    assert_eq!(
        post.header("content-type"),
        Some("application/vnd.aws.lambda.error+json")
    );

    let json = post.json();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let refusal = Refusal {
        error_type: text(&json["errorType"]),
        message: text(&json["errorMessage"]),
        stack_trace: json["stackTrace"]
            .as_array()
            .unwrap()
            .iter()
            .map(text)
            .collect(),
    };
    let name = refusal
        .error_type
        .split_once('.')
        .and_then(|(family, name)| matches!(family, "Runtime" | "Function").then_some(name));
    assert!(
        name.is_some_and(|name| name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.chars().all(|c| c.is_ascii_alphabetic())),
        "Lambda reports {} as Unknown",
        refusal.error_type
    );
    assert_eq!(
        post.header("lambda-runtime-function-error-type"),
        Some(&*refusal.error_type)
    );
    // The log says the same.
    for said in [&refusal.error_type, &refusal.message] {
        assert!(output.stderr.contains(said.as_str()), "{}", output.stderr);
    }
    refusal
}
