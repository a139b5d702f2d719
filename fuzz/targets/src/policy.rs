//! The text of a policy: an error has a place in the file, and a policy that is accepted keeps its promises.

use std::path::Path;

use http::uri::Authority;
use lambda_wasm_host::config::Environment;
use lambda_wasm_host::fuzzing::policy;
use lambda_wasm_host::policy::{Host, Origin, PLACEHOLDERS, Policy};

/// The function's own directory.
const ROOT: &str = "/srv/function";

const SECRETS: [&str; 4] = [
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_ACCESS_KEY_ID",
];

/// Reads a policy.
pub fn run(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    match policy(text, Path::new(ROOT)) {
        Ok(policy) => check(&policy),
        Err(error) => check_place(text, &error.to_string()),
    }
}

/// The message begins with the file, and a line and a column of it.
fn check_place(text: &str, message: &str) {
    let place = message
        .strip_prefix("function.toml, line ")
        .expect("the message has a line");
    let (line, rest) = place
        .split_once(", column ")
        .expect("the message has a column");
    let (column, why) = rest.split_once(": ").expect("the message has a cause");
    let (line, column): (usize, usize) = (
        line.parse().expect("a number"),
        column.parse().expect("a number"),
    );
    assert!(!why.trim().is_empty(), "{message}");
    let lines: Vec<&str> = text.split('\n').collect();
    assert!((1..=lines.len()).contains(&line), "{message}");
    let length = lines[line - 1].chars().count();
    assert!(
        (1..=length + 1).contains(&column),
        "{message}: the line has {length} characters"
    );
}

fn check(policy: &Policy) {
    for origin in policy.http.allow.iter().chain(&policy.http.forward_context) {
        check_origin(origin);
    }
    for directory in &policy.files {
        let is_plain = directory.path[1..]
            .split('/')
            .all(|name| !["", ".", ".."].contains(&name));
        assert!(
            is_plain && !directory.path.contains('\0'),
            "{:?}",
            directory.path
        );
        let places = ["/var/task", ROOT].map(|place| Path::new(&directory.path).starts_with(place));
        assert!(
            directory.path == "/tmp" || places.contains(&true),
            "{:?}",
            directory.path
        );
    }
    if let Some(dumps) = &policy.coredump {
        assert!(dumps.directory.is_absolute());
        assert!(
            !policy
                .files
                .iter()
                .any(|granted| dumps.directory.starts_with(&granted.path))
        );
    }
    for status in &policy.fail_status {
        assert!(!status.is_empty(), "{status:?}");
    }
    let limits = &policy.limits;
    assert!(
        limits.tables >= 1
            && limits.instances >= 1
            && limits.handles >= 16
            && limits.output >= 1024
    );
    check_environment(policy);
}

/// An origin is a scheme, a host and a port, and matches itself when it is written as a URI.
fn check_origin(origin: &Origin) {
    let authority = origin.authority();
    assert!(origin.port != 0, "{origin:?}");
    if matches!(origin.host, Host::Wildcard(_)) {
        return;
    }
    assert!(authority.parse::<Authority>().is_ok(), "{origin:?}");
    let scheme = if origin.scheme.port() == 443 {
        "https"
    } else {
        "http"
    };
    let uri = format!("{scheme}://{authority}/")
        .parse()
        .expect("it is a URI");
    let read = Origin::from_uri(&uri).expect("it has an origin");
    assert!(origin.matches(&read), "{origin:?} does not match {read:?}");
}

/// Credentials and the Runtime API are visible only by name.
fn check_environment(policy: &Policy) {
    let variables = SECRETS.map(|name| (name.to_owned(), format!("the value of {name}")));
    let environment: Environment = variables.into_iter().collect();
    for (name, value) in environment.view(policy) {
        let is_placeholder =
            PLACEHOLDERS.contains(&(name.as_str(), value.as_str())) && !policy.aws.sign.is_empty();
        assert!(
            policy.env.grant.contains(&name) || is_placeholder,
            "{name}={value} is visible"
        );
    }
}
