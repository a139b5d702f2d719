//! Which variables a function sees.

use lambda_wasm_test_support::Deployment;

const SECRETS: [&str; 4] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
];

/// A host with secrets, and with variables of the function's own; says what the guest sees of those that are asked for.
fn seen<const N: usize>(policy: &str, names: [&str; N]) -> [String; N] {
    let mut deployment = Deployment::of("policy")
        .policy(policy)
        .env("TABLE", "items")
        .env("OTHER", "thing")
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_ENDPOINT_URL_S3", "http://localhost:9000");
    for name in SECRETS {
        deployment = deployment.env(name, "secret");
    }
    let host = deployment.start();
    let seen = names.map(|name| host.ask(&format!("env:{name}")));
    host.finish();
    seen
}

#[test]
fn its_own_and_facts_are_seen_and_no_secrets() {
    let [table, region, endpoint, api] = seen(
        "",
        [
            "TABLE",
            "AWS_REGION",
            "AWS_ENDPOINT_URL_S3",
            "AWS_LAMBDA_RUNTIME_API",
        ],
    );
    assert_eq!([table, region], ["items", "eu-central-1"]);
    assert_eq!([endpoint, api], ["http://localhost:9000", "absent"]);
    assert_eq!(seen("", SECRETS), ["absent"; 4]);
}

#[test]
fn a_list_narrows_its_own_and_a_grant_shows_what_is_hidden() {
    let policy = "[env]\nallow = [\"TABLE\"]\ngrant = [\"AWS_SESSION_TOKEN\"]\n";
    assert_eq!(
        seen(policy, ["TABLE", "OTHER", "AWS_REGION"]),
        ["items", "absent", "eu-central-1"]
    );
    assert_eq!(
        seen(policy, SECRETS),
        ["absent", "absent", "secret", "absent"]
    );
}

#[test]
fn placeholders_stand_for_credentials_where_the_host_signs() {
    let [id, key, token, other] = seen("[aws]\nsign = [\"s3\"]\n", SECRETS);
    assert!(id.starts_with("ASIAPLACEHOLDER"), "{id}");
    for placeholder in [key, token] {
        assert!(placeholder.starts_with("placeholder"), "{placeholder}");
    }
    assert_eq!(other, "absent");
}
